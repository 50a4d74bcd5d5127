// The stories that `flame why` tells, from a real policy: each kind of wait and each kind of end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/src/policy/pool_policy.hpp"
#include "host/src/trace/explain.hpp"
#include "host/src/trace/pool_trace.hpp"

namespace flame::pool {
namespace story_test {

using namespace std::chrono_literals;
using control::CallReport;
using testing::ElementsAre;
using testing::HasSubstr;

PoolConfig small_pool() {
  PoolConfig config;
  config.backend = {"local"};
  config.max = 1;
  config.max_concurrency = 1;
  return config;
}

/// A pool named "ffmpeg" whose policy is fed by hand and watched as the driver does it.
class Story : public testing::Test {
 protected:
  explicit Story(const PoolConfig& config = small_pool()) : policy(config, {0}, {}) { feed(event::Tick{}); }

  void feed(const Event& event) {
    actions.clear();
    policy.on(event, now, actions);
    trace.on(event, actions, policy, now);
  }
  void pass(Duration time) {
    now += time;
    feed(event::Tick{});
  }
  void submit(event::Submit submit) {
    trace.submitted(submit.call, 0, "video::resize", now);
    feed(submit);
  }
  void boot(RunnerId runner) {
    now += 2ms;
    feed(event::BootOk{runner});
    now += 28ms;
    const wire::Hello hello{.facts = {{.key = "cpus", .value = "2"}}};
    trace.hello(runner, hello, now);
    feed(event::RunnerHello{runner, {{0, std::nullopt}}});
  }
  void finish(CallId call, RunnerId runner, std::optional<Error> error = std::nullopt) {
    now += 5ms;
    feed(event::Result{runner, call, std::move(error)});
    feed(event::Ended{runner, call});
  }

  [[nodiscard]] CallReport report(CallId call) const {
    return control::explain(*history.find(call), trace.runners(),
                            {.pool = "ffmpeg", .backends = {"local", "fly"}, .plugin = "video@1.4.0"}, now);
  }
  [[nodiscard]] std::vector<std::string> steps(CallId call) const {
    std::vector<std::string> what;
    for (const auto& line : report(call).lines) what.push_back(line.what);
    return what;
  }
  [[nodiscard]] std::string text(CallId call, const std::string& what) const {
    for (const auto& line : report(call).lines) {
      if (line.what == what) return line.text;
    }
    return "no such step";
  }

  CallHistory history;
  PoolPolicy policy;
  PoolTrace trace{0, history};
  Instant now{1h};
  Actions actions;
};

Error crash() {
  return Error{.code = ErrorCode::crashed, .signal = 11};
}

TEST_F(Story, ACallOnAnEmptyPoolWaitsForTheBootThatItCaused) {
  submit({.call = 1});
  EXPECT_EQ(report(1).state, "waiting");
  boot(1);
  EXPECT_EQ(report(1).state, "running");
  finish(1, 1);
  EXPECT_THAT(steps(1),
              ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "answered", "ended"));
  EXPECT_EQ(text(1, "submitted"), "submitted to pool ffmpeg (task video::resize, video@1.4.0)");
  EXPECT_EQ(text(1, "queued"), "waits: no runner was up; runner ffmpeg-1 was asked of backend local");
  EXPECT_EQ(text(1, "sent"), "sent to runner ffmpeg-1");
  EXPECT_EQ(text(1, "answered"), "returned its result");
  const CallReport told = report(1);
  EXPECT_EQ(told.state, "ended");
  EXPECT_EQ(told.outcome, "ok");
  EXPECT_EQ(told.lines[2].after, 2ms);
  EXPECT_EQ(told.lines[4].after, 30ms);
  EXPECT_EQ(told.lines[4].runner, "ffmpeg-1");
}

TEST_F(Story, AWarmCallIsSentAtOnceAndTellsNothingOfOldBoots) {
  submit({.call = 1});
  boot(1);
  finish(1, 1);
  submit({.call = 2});
  feed(event::Begun{1, 2});
  finish(2, 1);
  EXPECT_THAT(steps(2), ElementsAre("submitted", "sent", "begun", "answered", "ended"));
}

TEST_F(Story, ACallThatWaitsForASlotIsToldWhatIsAheadOfIt) {
  submit({.call = 1});
  boot(1);
  submit({.call = 2});
  submit({.call = 3});
  EXPECT_EQ(text(2, "queued"), "waits: no slot of 1 runner was free for it");
  EXPECT_EQ(text(3, "queued"), "waits: no slot of 1 runner was free for it, 1 call ahead of it");
  EXPECT_EQ(report(3).state, "waiting");
}

TEST_F(Story, ATaskThatThrowsAndOneThatCrashesSaySo) {
  submit({.call = 1});
  boot(1);
  finish(1, 1, Error{.code = ErrorCode::task_failed, .type = "std::runtime_error", .message = "no such file"});
  submit({.call = 2});
  finish(2, 1, crash());
  EXPECT_EQ(text(1, "answered"), "failed: task_failed: std::runtime_error: no such file");
  EXPECT_EQ(text(2, "answered"), "failed: crashed: Segmentation fault (signal 11)");
  EXPECT_EQ(report(2).outcome, "crashed");
  EXPECT_THAT(steps(2), ElementsAre("submitted", "sent", "answered", "ended"));
}

TEST_F(Story, ACrashOfAnIdempotentTaskIsToldWithItsNextAttempt) {
  submit({.call = 1, .budget = 60s, .retries = 1, .idempotent = true});
  boot(1);
  finish(1, 1, crash());
  finish(1, 1);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "attempt_failed",
                                    "ended", "sent", "answered", "ended"));
  EXPECT_EQ(text(1, "attempt_failed"), "crashed, signal 11 (SIGSEGV); the task is idempotent and is tried again");
  EXPECT_EQ(report(1).lines[7].text, "sent to runner ffmpeg-1 (attempt 2)");
}

TEST_F(Story, ARunnerThatIsLostIsToldBetweenTheAttempts) {
  submit({.call = 1, .budget = 60s, .retries = 1, .idempotent = true});
  boot(1);
  now += 10ms;
  feed(event::MachineExited{1, "killed by signal 9"});
  feed(event::RunnerLost{1, "the connection was closed"});
  EXPECT_EQ(report(1).state, "waiting");
  boot(2);
  finish(1, 2);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "runner_lost",
                                    "boot_asked", "machine_started", "runner_ready", "sent", "answered", "ended"));
  EXPECT_EQ(text(1, "runner_lost"),
            "runner ffmpeg-1 was lost: killed by signal 9; the task is idempotent and is tried again");
}

TEST_F(Story, ACallThatLeftObjectsHoldsItsSlotUntilTheyAreGone) {
  submit({.call = 1});
  boot(1);
  now += 5ms;
  feed(event::Result{1, 1, std::nullopt, {7}});
  EXPECT_EQ(report(1).state, "holding");
  EXPECT_EQ(text(1, "held"), "its slot on ffmpeg-1 is kept for the objects that it has left there");
  now += 2s;
  Error crash{.code = ErrorCode::crashed, .message = "the child died", .signal = 11};
  feed(event::Ended{1, 1, crash});
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "answered",
                                    "held", "let_go", "ended"));
  EXPECT_EQ(report(1).state, "ended");
  EXPECT_EQ(report(1).outcome, "ok");
  EXPECT_THAT(text(1, "let_go"), HasSubstr("the child died"));
}

TEST_F(Story, ACallOnAnObjectWaitsForItsTurnInTheSlotAndForNoRunner) {
  submit({.call = 1});
  boot(1);
  feed(event::Result{1, 1, std::nullopt, {7}});
  feed(event::Ended{1, 1});
  submit({.call = 10});
  feed(event::Result{1, 10, std::nullopt, {8}});
  submit({.call = 11, .lease = 10});
  submit({.call = 12, .lease = 10});
  submit({.call = 13, .lease = 10});
  EXPECT_EQ(text(12, "queued"), "waits: another call was in the slot of its object");
  EXPECT_EQ(text(13, "queued"), "waits: another call was in the slot of its object, 1 call ahead of it");
  EXPECT_THAT(steps(13), ElementsAre("submitted", "queued"));
}

TEST_F(Story, ACallThatHoldsObjectsIsRememberedHoweverManyComeAfterIt) {
  submit({.call = 1});
  boot(1);
  feed(event::Result{1, 1, std::nullopt, {7}});
  for (CallId call = 2; call < 2 * limits::kHistoryRecentMax; ++call) trace.submitted(call, 0, "video::resize", now);
  EXPECT_EQ(report(1).state, "holding");
  feed(event::Ended{1, 1});
  EXPECT_EQ(report(1).state, "ended");
}

TEST_F(Story, ALostRunnerEndsACallThatMayNotRunTwice) {
  submit({.call = 1});
  boot(1);
  feed(event::RunnerLost{1, "nothing was heard from it"});
  pass(RunnerState::kReasonGrace);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "answered"));
  EXPECT_EQ(report(1).outcome, "runner_lost");
  EXPECT_THAT(text(1, "answered"), HasSubstr("nothing was heard from it"));
}

TEST_F(Story, ATimeoutWhileItRunsTellsOfTheStopAndTheEndOfTheSlot) {
  submit({.call = 1, .budget = 1s});
  boot(1);
  feed(event::Begun{1, 1});
  pass(1s);
  finish(1, 1, crash());
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started", "runner_ready", "sent", "begun",
                                    "stop_requested", "answered", "ended"));
  EXPECT_THAT(text(1, "stop_requested"), HasSubstr("its deadline has passed"));
  EXPECT_THAT(text(1, "stop_requested"), HasSubstr("killed 250ms later"));
  EXPECT_EQ(report(1).outcome, "timed_out");
}

TEST_F(Story, ATimeoutInTheQueueTellsWhatItWaitedFor) {
  submit({.call = 1, .budget = 10s});
  boot(1);
  submit({.call = 2, .budget = 1s});
  pass(1s);
  EXPECT_THAT(steps(2), ElementsAre("submitted", "queued", "answered"));
  EXPECT_EQ(report(2).outcome, "queue_timed_out");
}

TEST_F(Story, CallersThatGiveUpAreToldApartByWhereTheCallWas) {
  submit({.call = 1});
  boot(1);
  submit({.call = 2});
  feed(event::Cancel{2});
  feed(event::Cancel{1});
  EXPECT_THAT(steps(2), ElementsAre("submitted", "queued", "answered"));
  EXPECT_THAT(text(1, "stop_requested"), HasSubstr("its caller has given it up"));
  EXPECT_EQ(report(1).outcome, "cancelled");
}

TEST_F(Story, BootsThatFailedWhileItWaitedAreNamed) {
  submit({.call = 1, .budget = 60s});
  now += 3ms;
  feed(event::BootFailed{1, Error{.code = ErrorCode::boot_failed, .message = "no such image"}, Remedy::retry});
  pass(1250ms);  // the back-off
  boot(2);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "boot_failed", "boot_asked", "machine_started",
                                    "runner_ready", "sent"));
  EXPECT_EQ(text(1, "boot_failed"), "runner ffmpeg-1 did not boot: no such image");
}

TEST_F(Story, ABootThatIsQueuedSaysSinceWhenAndWhy) {
  submit({.call = 1});
  now += 2ms;
  feed(event::BootReached{1, BootPhase::queued, "partition gpu: Priority"});
  now += 40s;
  feed(event::BootReached{1, BootPhase::placed, ""});
  boot(1);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "boot_phase", "boot_phase", "machine_started",
                                    "runner_ready", "sent"));
  EXPECT_EQ(text(1, "boot_phase"), "the machine of runner ffmpeg-1 is queued (partition gpu: Priority)");
}

class StoryOfTwoBackends : public Story {
 protected:
  StoryOfTwoBackends() : Story(two_backends()) {}
  static PoolConfig two_backends() {
    PoolConfig config = small_pool();
    config.backend = {"local", "fly"};
    return config;
  }
};

TEST_F(StoryOfTwoBackends, ABootThatIsSentOnSaysWhichBackendHadNoRoom) {
  submit({.call = 1, .budget = 60s});
  now += 3ms;
  feed(event::BootFailed{1, Error{.code = ErrorCode::boot_failed, .message = "quota reached"}, Remedy::elsewhere});
  boot(1);
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "boot_sent_on", "machine_started", "runner_ready", "sent"));
  EXPECT_THAT(text(1, "queued"), HasSubstr("runner ffmpeg-1 was asked of backend local"));
  EXPECT_EQ(text(1, "boot_sent_on"),
            "backend local had no room for runner ffmpeg-1 (quota reached); it was asked of fly");
}

TEST_F(Story, ABootThatTakesTooLongSaysSoAndWhatToDo) {
  submit({.call = 1, .budget = 60s});
  pass(30s);
  EXPECT_THAT(text(1, "boot_failed"), HasSubstr("did not dial in within boot_timeout (30.0 s)"));
}

TEST_F(Story, ACrashWhoseRunnerIsLostBeforeTheSlotIsFreeWaitsForAnotherRunner) {
  submit({.call = 1, .budget = 60s, .retries = 1, .idempotent = true});
  boot(1);
  feed(event::Begun{1, 1});
  feed(event::Result{1, 1, crash()});
  EXPECT_EQ(report(1).state, "waiting");
  feed(event::MachineExited{1, "killed by signal 9"});
  feed(event::RunnerLost{1, "the connection was closed"});
  EXPECT_EQ(report(1).state, "waiting");
  EXPECT_EQ(text(1, "attempt_failed"), "crashed, signal 11 (SIGSEGV); the task is idempotent and is tried again");
}

TEST_F(Story, ABootThatFailsForGoodEndsTheCall) {
  submit({.call = 1});
  feed(event::BootFailed{1, Error{.code = ErrorCode::boot_failed, .message = "no such image"}, Remedy::permanent});
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "boot_failed", "answered"));
  EXPECT_THAT(text(1, "answered"), HasSubstr("no such image"));
}

TEST_F(Story, ABootWithoutEndIsToldWhileItIsWaitedFor) {
  submit({.call = 1});
  now += 2ms;
  feed(event::BootOk{1});
  now += 10s;
  EXPECT_THAT(steps(1), ElementsAre("submitted", "queued", "machine_started"));
  EXPECT_EQ(report(1).submitted_ago, 10s + 2ms);
}

TEST_F(Story, ARefusedCallHasAStoryToo) {
  trace.refused(9, "video::rezise", Error{.code = ErrorCode::not_found, .message = "no such task"}, now);
  EXPECT_THAT(steps(9), ElementsAre("submitted", "answered"));
  EXPECT_EQ(text(9, "answered"), "failed: not_found: no such task");
}

TEST_F(Story, ALateResultOfAnAnsweredCallIsNoFurtherAttempt) {
  submit({.call = 1});
  boot(1);
  feed(event::Cancel{1});
  feed(event::Result{1, 1, crash()});
  EXPECT_EQ(text(1, "attempt_failed"), "no such step");
}

TEST_F(Story, ACallOnASilentRunnerAndOneThatWaitsForItAreToldOfTheSilence) {
  submit({.call = 1, .budget = 60s});
  now += 2ms;
  feed(event::RunnerHello{1, {{0, std::nullopt}}, true});
  pass(15s);
  submit({.call = 2, .budget = 10s});
  pass(3s);
  for (const CallId call : {1U, 2U}) {
    EXPECT_THAT(text(call, "runner_silent"), HasSubstr("nothing was heard from runner ffmpeg-1 for 18s (still)"))
        << call;
  }
  pass(7s);
  feed(event::Heard{1});
  EXPECT_THAT(text(2, "runner_silent"), HasSubstr("for 25s: its connection lives")) << "though it has its answer";
  submit({.call = 3, .budget = 10s});
  EXPECT_EQ(text(3, "runner_silent"), "no such step") << "that was before its time";
}

}  // namespace story_test
}  // namespace flame::pool
