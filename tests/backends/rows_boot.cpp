// Rows about boots.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/backends/host_side.hpp"
#include "tests/backends/row_bodies.hpp"

namespace flame::test::row {

using namespace std::chrono_literals;
using What = Note::What;

namespace {

constexpr std::uint64_t kLogMax = 4096;

/// When that phase of the boot was told; kNever: it was not.
base::Instant time_of(const HostSide& host, const MachineName& name, BootPhase phase) {
  for (const Note& note : host.heard().notes())
    if (note.what == What::phase && note.name == name && note.phase == phase) return note.at;
  return base::kNever;
}

void expect_nothing_left(Subject& subject) {
  subject.settle();
  EXPECT_EQ(subject.machines(), 0U) << "a machine is left";
}

/// A boot that nobody waits for any more: one answer, and no machine.
void expect_cancelled(HostSide& host, const MachineName& name) {
  host.destroy_well(name);
  const auto answer = host.outcome(name);
  if (!answer || answer->machine) return;  // it was there before
  EXPECT_EQ(answer->failure->error.code, ErrorCode::cancelled);
  EXPECT_FALSE(answer->failure->may_exist) << "destroyed() says that it is gone";
}

}  // namespace

void boot_ok(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto opened = host.heard().last(What::opened);
  ASSERT_TRUE(opened && !opened->failure) << "its engine is there";
  const MachineName name = host.boot(Course::well);
  const MachineName other = host.boot(Course::well);
  const auto machine = host.booted(name);
  const auto second = host.booted(other);
  ASSERT_TRUE(machine && second);
  EXPECT_FALSE(machine->id.empty());
  EXPECT_NE(machine->id, second->id);
  EXPECT_LE(machine->age, HostSide::kPatience);
  EXPECT_TRUE(subject.until([&] { return subject.dialled(name) && subject.dialled(other); }, HostSide::kPatience))
      << "the runner has not got what it was told";
  EXPECT_EQ(subject.machines(), 2U);
  host.destroy_well(name);
  host.destroy_well(name);
  host.destroy_well("flame-unknown-1");
  EXPECT_TRUE(subject.exists(*second));
  EXPECT_FALSE(subject.exists(*machine));
}

void phases_in_order(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const MachineName name = host.boot(Course::slowly);
  if (!host.booted(name)) return;
  // That they run forward and end with the boot is a rule of every row.
  if (time_of(host, name, BootPhase::queued) != base::kNever) {
    EXPECT_NE(time_of(host, name, BootPhase::placed), base::kNever) << "boot_timeout would never begin";
  }
  EXPECT_TRUE(!host.traits().queues || time_of(host, name, BootPhase::queued) != base::kNever) << "it claims to queue";
  host.destroy_well(name);
}

void never_dials_in(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::never_dials));
  ASSERT_TRUE(machine);
  const auto tells = [&] {
    const auto log = host.logs(*machine, kLogMax);
    return log && !log->error && contains(log->text, kLastWords);
  };
  EXPECT_TRUE(subject.until(tells, HostSide::kPatience)) << "its log does not tell why";
  const auto end_of_log = host.logs(*machine, 5);
  ASSERT_TRUE(end_of_log);
  EXPECT_LE(end_of_log->text.size(), 5U);
  const auto log_of_nobody = host.logs({.name = "flame-unknown-1"}, kLogMax);
  ASSERT_TRUE(log_of_nobody && log_of_nobody->error);
  EXPECT_EQ(log_of_nobody->error->code, ErrorCode::not_found);
  EXPECT_FALSE(subject.dialled(machine->name));
  host.destroy_well(machine->name);
  EXPECT_FALSE(subject.exists(*machine)) << "destroyed() was said of a machine that is there";
  expect_nothing_left(subject);
}

void dies_at_boot(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const MachineName name = host.boot(Course::dies);
  const auto answer = host.outcome(name);
  ASSERT_TRUE(answer);
  if (answer->failure) {
    EXPECT_EQ(answer->failure->error.code, ErrorCode::boot_failed);
    EXPECT_TRUE(contains(answer->failure->error.log_tail, kLastWords)) << "its log does not tell why";
  } else if (host.traits().proves_death) {
    const auto exit = host.hear(What::exited, name);
    ASSERT_TRUE(exit);
    EXPECT_TRUE(contains(exit->exit.log_tail, kLastWords)) << "its log does not tell why";
  }
  host.destroy_well(name);
  expect_nothing_left(subject);
}

void queued_for_long(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const MachineName name = host.boot(Course::queued);
  const MachineName given_up = host.boot(Course::queued);
  ASSERT_TRUE(host.hear(What::phase, name));
  EXPECT_EQ(host.heard().last(What::phase, name)->phase, BootPhase::queued);
  expect_cancelled(host, given_up);
  ASSERT_TRUE(host.booted(name));
  const base::Instant queued = time_of(host, name, BootPhase::queued);
  const base::Instant placed = time_of(host, name, BootPhase::placed);
  ASSERT_TRUE(queued != base::kNever && placed != base::kNever) << "its two clocks cannot be told apart";
  EXPECT_GE(placed - queued, subject.queue_time() / 2);
  EXPECT_LT(host.heard().last(What::booted, name)->at - placed, subject.queue_time())
      << "it was placed, and waits for a place";
  EXPECT_EQ(subject.machines(), 1U);
}

void no_capacity(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto failure = host.failed(host.boot(Course::no_room));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->remedy, Remedy::elsewhere) << "the pool's next backend is not asked";
  EXPECT_EQ(failure->error.code, ErrorCode::boot_failed);
  EXPECT_FALSE(failure->may_exist);
  expect_nothing_left(subject);
  EXPECT_TRUE(host.booted(host.boot(Course::well))) << "later there is room again";
}

void destroy_while_booting(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  expect_cancelled(host, host.boot(Course::slowly));  // nothing is under way yet
  const MachineName name = host.boot(Course::slowly);
  static_cast<void>(host.under_way(name));
  expect_cancelled(host, name);
  expect_nothing_left(subject);
}

void lost_answer(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const BootRequest request = host.request(Course::answer_lost);
  const MachineName name = host.boot(request);
  if (const auto answer = host.outcome(name); answer && answer->failure) {
    EXPECT_TRUE(answer->failure->may_exist) << "the host would not look for it";
    EXPECT_NE(answer->failure->remedy, Remedy::permanent);
  }
  host.boot(request);
  const auto adopted = host.booted(name);
  EXPECT_EQ(subject.machines(), 1U) << "one boot has made two machines";
  ASSERT_TRUE(adopted);
  EXPECT_TRUE(subject.exists(*adopted));

  HostSide stranger(subject, "web-2", 2);
  BootRequest same_name = stranger.request(Course::well);
  same_name.name = name;
  HostSide& asks = host.traits().lists ? stranger : host;  // whoever shares the engine
  asks.boot(same_name);
  const auto refused = asks.failed(name);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->remedy, Remedy::permanent) << "the name is another's, and stays so";
  EXPECT_TRUE(contains(refused->error.message, host.identity().host)) << "it does not name the owner";
  EXPECT_TRUE(subject.exists(*adopted)) << "a stranger's boot has ended it";
  EXPECT_EQ(subject.machines(), 1U);
  host.destroy_well(name);
}

}  // namespace flame::test::row
