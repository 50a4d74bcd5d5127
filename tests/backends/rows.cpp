// The table.
#include "tests/backends/rows.hpp"

#include <algorithm>

#include "tests/backends/row_bodies.hpp"

namespace flame::test {
namespace {

constexpr Claim kQueues{"queues", &BackendTraits::queues};
constexpr Claim kEndsMachines{"ends_machines", &BackendTraits::ends_machines};
constexpr Claim kProvesDeath{"proves_death", &BackendTraits::proves_death};
// An engine of its own, apart from the host's process: it can be down, be full, lose an answer, and outlives the host.
constexpr Claim kLists{"lists", &BackendTraits::lists};

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"boot ok", "BootsAMachineThatDialsItsHost", {}, row::boot_ok},
      {"phases in order", "TellsThePhasesOfABootInOrder", {}, row::phases_in_order},
      {"never dials in", "EndsAMachineThatNeverDialsIn", {}, row::never_dials_in},
      {"dies at boot, with its log", "TellsTheLastWordsOfAMachineThatDiesAtBoot", {}, row::dies_at_boot},
      {"queued for long", "SaysThatABootIsQueued", {kQueues}, row::queued_for_long},
      {"no capacity, then elsewhere", "SaysThatThereIsRoomElsewhereOnly", {kLists}, row::no_capacity},
      {"destroy while booting", "CancelsABootThatIsDestroyed", {}, row::destroy_while_booting},
      {"lost answer, then adopted", "AdoptsItsMachineAndNoStrangers", {}, row::lost_answer},
      {"engine down, slow, back", "AnswersWithErrorsWhileItsEngineIsDown", {kLists}, row::engine_down},
      {"exit told within its time", "TellsADeathWithinTwoSeconds", {kProvesDeath}, row::exit_told},
      {"ending notice", "TellsThatAMachineIsAboutToEnd", {kEndsMachines}, row::ending_notice},
      {"out of memory of the whole machine", "TellsThatMemoryWasTheCause", {kProvesDeath, kLists}, row::out_of_memory},
      {"list scoped", "ListsWhatHasAllLabelsAndNothingElse", {}, row::list_scoped},
      {"host killed and restarted", "LeavesATwinsMachinesAlone", {kLists}, row::host_killed},
      {"secrets nowhere", "ShowsNoSecretToAnybody", {}, row::secrets_nowhere},
      {"close in time, nothing left", "ClosesInTimeAndLeavesNothing", {}, row::close_in_time},
  };
  return all;
}

bool must_pass(const Row& row, const BackendTraits& traits) {
  return std::ranges::all_of(row.needs, [&](const Claim& claim) { return traits.*claim.holds; });
}

std::vector<Row> rows_for(const BackendTraits& traits) {
  std::vector<Row> due;
  std::ranges::copy_if(rows(), std::back_inserter(due), [&](const Row& row) { return must_pass(row, traits); });
  return due;
}

}  // namespace flame::test
