// Every row is seen to fail: a backend with one fault each, and what the suite says of it.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/backends/faulty_backend.hpp"
#include "tests/backends/rows.hpp"
#include "tests/backends/scripted_subject.hpp"

namespace flame::test {
namespace {

struct Broken {
  Fault fault;
  std::string_view row;       // that must fail
  std::string_view sentence;  // of it, that says why
  friend void PrintTo(const Broken& broken, std::ostream* out) {
    *out << "fault " << static_cast<int>(broken.fault) << " in \"" << broken.row << '"';
  }
};

const std::vector<Broken>& broken() {
  static const std::vector<Broken> all{
      {Fault::answers_twice, "boot ok", "booted() came though no boot() is open"},
      {Fault::answers_for_another, "boot ok", "its machine has another name"},
      {Fault::outlives_its_lifetime, "boot ok", "it does not end within max_lifetime"},
      {Fault::forgets_destroyed, "boot ok", "destroy() was not answered"},
      {Fault::phases_backwards, "phases in order", "its phases run backwards"},
      {Fault::phase_after_booted, "phases in order", "no boot is under way"},
      {Fault::forgets_placed, "phases in order", "boot_timeout would never begin"},
      {Fault::forgets_queue, "phases in order", "it claims to queue"},
      {Fault::claims_gone, "never dials in", "said of a machine that is there"},
      {Fault::keeps_logs, "never dials in", "its log does not tell why"},
      {Fault::drops_log_tail, "dies at boot, with its log", "its log does not tell why"},
      {Fault::leaves_the_queue_early, "queued for long", "it was placed, and waits for a place"},
      {Fault::forgets_placed, "queued for long", "its two clocks cannot be told apart"},
      {Fault::says_retry, "no capacity, then elsewhere", "the pool's next backend is not asked"},
      {Fault::hides_cancelled, "destroy while booting", "ErrorCode::cancelled"},
      {Fault::boots_despite_destroy, "destroy while booting", "a machine is left"},
      {Fault::destroyed_before_booted, "destroy while booting", "destroyed() came before booted()"},
      {Fault::boots_twice, "lost answer, then adopted", "one boot has made two machines"},
      {Fault::adopts_strangers, "lost answer, then adopted", "has booted"},
      {Fault::hides_may_exist, "lost answer, then adopted", "the host would not look for it"},
      {Fault::lists_nothing_when_down, "engine down, slow, back", "not the same as no machine"},
      {Fault::claims_gone_when_down, "engine down, slow, back", "it cannot know that the machine is gone"},
      {Fault::guesses_deaths, "engine down, slow, back", "proves no death"},
      {Fault::gives_up_its_engine, "engine down, slow, back", "has found it"},
      {Fault::exits_before_booted, "exit told within its time", "came before booted()"},
      {Fault::tells_exits_late, "exit told within its time", "have waited for the heartbeats"},
      {Fault::forgets_exits, "exit told within its time", "did not come"},
      {Fault::swallows_endings, "ending notice", "did not come"},
      {Fault::forgets_revisions, "ending notice", "is the one that counts"},
      {Fault::forgets_out_of_memory, "out of memory of the whole machine", "would be tried again"},
      {Fault::lists_strangers, "list scoped", "not by all labels"},
      {Fault::lists_less, "list scoped", "not the host's own"},
      {Fault::drops_labels, "list scoped", "list->machines[0].labels"},
      {Fault::drops_labels, "host killed and restarted", "labels have not come back unchanged"},
      {Fault::destroys_twins, "host killed and restarted", "a twin's machine was touched"},
      {Fault::leaks_in_log, "secrets nowhere", "the machine's key was said"},
      {Fault::leaks_in_error, "secrets nowhere", "the machine's key was said"},
      {Fault::leaks_in_inspect, "secrets nowhere", "others can read the machine's key"},
      {Fault::closes_late, "close in time, nothing left", "closed() came late"},
      {Fault::closes_at_once, "close in time, nothing left", "a destroy() was never answered"},
      {Fault::speaks_after_closed, "close in time, nothing left", "something was said after closed()"},
      {Fault::claims_gone, "close in time, nothing left", "a machine is left"},
      {Fault::claims_gone_when_down, "close in time, nothing left", "could not name what is left"},
  };
  return all;
}

const Row& row_named(std::string_view name) {
  const auto found = std::ranges::find(rows(), name, &Row::name);
  if (found == rows().end()) throw std::out_of_range(std::string(name));
  return *found;
}

std::vector<std::string> failures_of(const Row& row, Fault fault) {
  testing::TestPartResultArray results;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    ScriptedSubject subject(all_traits(), [fault](std::unique_ptr<Backend> sound, ScriptedEngine& engine) {
      return std::make_unique<FaultyBackend>(fault, std::move(sound), engine);
    });
    row.run(subject);
  }
  std::vector<std::string> messages;
  for (int i = 0; i < results.size(); ++i) messages.emplace_back(results.GetTestPartResult(i).message());
  return messages;
}

class ConformanceFaults : public testing::TestWithParam<Broken> {};

TEST_P(ConformanceFaults, AreSeen) {
  const Broken& broken = GetParam();
  const std::vector<std::string> failures = failures_of(row_named(broken.row), broken.fault);
  std::string all;
  for (const std::string& failure : failures) all += failure + "\n";
  EXPECT_NE(all.find(broken.sentence), std::string::npos) << "of \"" << broken.row << "\":\n" << all;
}

INSTANTIATE_TEST_SUITE_P(Backends, ConformanceFaults, testing::ValuesIn(broken()),
                         [](const testing::TestParamInfo<Broken>& broken) {
                           return std::string(row_named(broken.param.row).test) + "_" +
                                  std::to_string(static_cast<int>(broken.param.fault));
                         });

TEST(ConformanceTable, EveryRowIsSeenToFailAndEveryFaultIsSeen) {
  std::set<std::string_view> seen;
  std::set<Fault> faults;
  for (const Broken& each : broken()) {
    seen.insert(each.row);
    faults.insert(each.fault);
  }
  EXPECT_EQ(seen.size(), rows().size());
  EXPECT_EQ(faults.size(), static_cast<std::size_t>(Fault::speaks_after_closed) + 1);
}

}  // namespace
}  // namespace flame::test
