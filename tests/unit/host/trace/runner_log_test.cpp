// RunnerLog: times are set once, what a runner says of itself is bounded, old runners are forgotten.
#include "host/src/trace/runner_log.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace runner_log_test {

using namespace std::chrono_literals;

constexpr Instant kStart{};

TEST(RunnerLog, RemembersWhenWhatHappened) {
  RunnerLog log;
  log.asked(1, 0, kStart);
  log.machine_started(1, kStart + 1ms);
  log.machine_started(1, kStart + 9ms);
  log.hello(1, {.facts = {{.key = "cpus", .value = "2"}}}, kStart + 2ms);
  log.ready(1, kStart + 3ms);
  const RunnerRecord* record = log.find(1);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->machine, kStart + 1ms);
  EXPECT_EQ(record->hello, kStart + 2ms);
  EXPECT_EQ(record->ready, kStart + 3ms);
  EXPECT_EQ(record->gone, kNever);
  log.gone(1, "killed by signal 9", kStart + 4ms);
  record = log.find(1);
  EXPECT_EQ(record->reason, "killed by signal 9");
  EXPECT_EQ(record->gone, kStart + 4ms);
  EXPECT_FALSE(record->boot_failed());
  EXPECT_TRUE(log.live().empty());
}

TEST(RunnerLog, ARunnerThatGoesBeforeItIsReadyIsAFailedBoot) {
  RunnerLog log;
  log.asked(1, 0, kStart);
  log.gone(1, "no such image", kStart + 1s);
  EXPECT_TRUE(log.find(1)->boot_failed());
}

TEST(RunnerLog, IgnoresRunnersThatItWasNotToldOf) {
  RunnerLog log;
  log.machine_started(1, kStart);
  log.hello(1, {}, kStart);
  log.ready(1, kStart);
  log.gone(1, "x", kStart);
  EXPECT_EQ(log.find(1), nullptr);
}

TEST(RunnerLog, KeepsEachPhaseOfABootOnceAndForwardOnly) {
  RunnerLog log;
  log.asked(1, 0, kStart);
  log.reached(1, BootPhase::queued, "Priority", kStart + 1s);
  log.reached(1, BootPhase::queued, "Resources", kStart + 2s);
  log.reached(1, BootPhase::pulling, "", kStart + 3s);
  log.reached(1, BootPhase::queued, "", kStart + 4s);
  const std::vector<BootStep>& phases = log.find(1)->phases;
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].when, kStart + 1s);
  EXPECT_EQ(phases[0].detail, "Resources");
  EXPECT_EQ(phases[1].phase, BootPhase::pulling);
}

TEST(RunnerLog, RemembersABoundedNumberOfBackendsThatHadNoRoom) {
  RunnerLog log;
  log.asked(1, 0, kStart);
  log.reached(1, BootPhase::queued, "", kStart);
  for (BackendIndex to = 1; to <= 100; ++to) log.sent_on(1, to, std::string(1 << 14, 'x'), kStart);
  EXPECT_EQ(log.find(1)->backend, 100U);
  EXPECT_LE(log.find(1)->sent_on.size(), 8U);
  EXPECT_LE(log.find(1)->sent_on[0].reason.size(), 1024U);
  EXPECT_TRUE(log.find(1)->phases.empty()) << "those were another backend's";
}

TEST(RunnerLog, ForgetsTheOldestThatAreGone) {
  RunnerLog log;
  for (RunnerId runner = 1; runner <= limits::kRunnersRememberedMax + 1; ++runner) {
    log.asked(runner, 0, kStart);
    log.gone(runner, "retired", kStart);
  }
  EXPECT_EQ(log.find(1), nullptr);
  EXPECT_NE(log.find(2), nullptr);
  EXPECT_EQ(log.ended().size(), limits::kRunnersRememberedMax);
}

TEST(RunnerLog, KeepsABoundedPartOfWhatARunnerSaysOfItself) {
  RunnerLog log;
  log.asked(1, 0, kStart);
  const std::string huge(1 << 14, 'x');
  wire::Hello hello;
  hello.facts.assign(1000, {.key = huge, .value = huge});
  wire::PluginState plugin;
  plugin.plugin = {{.name = huge, .version = huge, .digest = huge}};
  plugin.error = huge;
  hello.plugins.assign(1000, plugin);
  log.hello(1, hello, kStart);
  const RunnerRecord& record = *log.find(1);
  EXPECT_EQ(record.facts.size(), limits::kRunnerFactsMax);
  EXPECT_EQ(record.facts.front().second.size(), limits::kHistoryTextMax);
  EXPECT_EQ(record.plugins.size(), limits::kRunnerPluginsMax);
  EXPECT_EQ(record.plugins.front().error.size(), limits::kHistoryTextMax);
}

}  // namespace runner_log_test
}  // namespace flame::pool
