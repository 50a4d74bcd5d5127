// Every way in which a call can end has a story, and every error names the number that leads to it.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "tests/integration/host/control_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class Why : public ControlTest {
 protected:
  /// Without "begun", which depends on how long a call takes.
  [[nodiscard]] std::vector<std::string> steps(std::uint64_t invocation) const {
    std::vector<std::string> what;
    for (const auto& line : why(invocation).lines) {
      if (line.what != "begun") what.push_back(line.what);
    }
    return what;
  }
  [[nodiscard]] std::string text(std::uint64_t invocation, const std::string& what) const {
    for (const auto& line : why(invocation).lines) {
      if (line.what == what) return line.text;
    }
    return "no such step";
  }
  [[nodiscard]] bool has(std::uint64_t invocation, const std::string& what) const {
    return text(invocation, what) != "no such step";
  }
  static HostConfig one_slot() {
    return config([](PoolConfig& pool) { pool.max = 1, pool.max_concurrency = 1; });
  }
};

TEST_F(Why, ACallThatSucceeded) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  auto cold = pool.async<tasks::add>(1, 2);
  const auto id = cold.id();
  cold.get();
  // The backend's answer may come after the runner's.
  ASSERT_TRUE(eventually([&] { return has(id, "ended") && has(id, "machine_started"); }));
  EXPECT_THAT(steps(id), testing::UnorderedElementsAre("submitted", "queued", "boot_phase", "boot_phase",
                                                       "machine_started", "runner_ready", "sent", "answered", "ended"));
  EXPECT_EQ(text(id, "submitted"), "submitted to pool ffmpeg (task tasks::add, host_tasks@1.4.0)");
  EXPECT_EQ(text(id, "queued"), "waits: no runner was up; runner ffmpeg-1 was asked of backend local");
  auto warm = pool.async<tasks::add>(1, 2);
  const auto next = warm.id();
  warm.get();
  ASSERT_TRUE(eventually([&] { return has(next, "ended"); }));
  EXPECT_THAT(steps(next), ElementsAre("submitted", "sent", "answered", "ended"));
  EXPECT_EQ(std::get<control::CallReport>(ask(control::WhyRequest{.which = control::WhyRequest::Which::last}).value())
                .invocation,
            next);
}

TEST_F(Why, ATaskThatThrowsAndOneThatCrashes) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  const Error failed = error_of([&] { pool.call<tasks::fail>("no such file"); });
  EXPECT_THAT(failed.to_string(), HasSubstr("(invocation " + std::to_string(failed.invocation) + ")"));
  EXPECT_THAT(text(failed.invocation, "answered"), HasSubstr("std::runtime_error: no such file"));
  const Error crashed = error_of([&] { pool.call<tasks::die>(SIGSEGV); });
  EXPECT_EQ(why(crashed.invocation).outcome, "crashed");
  EXPECT_THAT(text(crashed.invocation, "answered"), HasSubstr("segmentation fault (signal 11)"));
  const auto last = ask(control::WhyRequest{.which = control::WhyRequest::Which::failed});
  EXPECT_EQ(std::get<control::CallReport>(last.value()).invocation, crashed.invocation);
}

TEST_F(Why, ATimeoutInTheQueue) {
  Host host(one_slot());
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  auto running = pool.async<tasks::linger>(60'000);
  const Error late = pool.with({.timeout = 50ms}).try_call<tasks::nothing>().error();
  EXPECT_EQ(late.code, ErrorCode::queue_timed_out);
  EXPECT_THAT(steps(late.invocation), ElementsAre("submitted", "queued", "answered"));
  EXPECT_EQ(text(late.invocation, "queued"), "waits: no slot of 1 runner was free for it");
  EXPECT_EQ(why(running.id()).state, "running");
}

TEST_F(Why, ATimeoutWhileItRuns) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  const Error late = pool.with({.timeout = 100ms}).try_call<tasks::linger>(60'000).error();
  EXPECT_EQ(late.code, ErrorCode::timed_out);
  ASSERT_TRUE(eventually([&] { return has(late.invocation, "ended"); }));
  EXPECT_TRUE(has(late.invocation, "begun"));
  EXPECT_THAT(steps(late.invocation), ElementsAre("submitted", "sent", "stop_requested", "answered", "ended"));
  EXPECT_THAT(text(late.invocation, "stop_requested"), HasSubstr("its deadline has passed"));
}

TEST_F(Why, ACallThatItsCallerGaveUp) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  auto call = pool.async<tasks::linger>(60'000);
  const auto id = call.id();
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  call.cancel();
  EXPECT_EQ(error_of([&] { call.get(); }).invocation, id);
  EXPECT_THAT(text(id, "stop_requested"), HasSubstr("its caller has given it up"));
  EXPECT_EQ(why(id).outcome, "cancelled");
}

TEST_F(Why, ARunnerThatWasLostWithTheCall) {
  Host host(one_slot());
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  const pid_t guardian = std::stoi(status().runners.at(0).facts.at("pid"));
  auto call = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  std::ifstream children("/proc/" + std::to_string(guardian) + "/task/" + std::to_string(guardian) + "/children");
  pid_t supervisor = 0;
  children >> supervisor;
  ASSERT_GT(supervisor, 1);
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  const Error lost = error_of([&] { call.get(); });
  EXPECT_EQ(lost.code, ErrorCode::runner_lost);
  EXPECT_EQ(why(lost.invocation).outcome, "runner_lost");
  EXPECT_THAT(steps(lost.invocation), ElementsAre("submitted", "sent", "answered"));
  EXPECT_THAT(text(lost.invocation, "answered"), HasSubstr("the runner was lost"));
}

TEST_F(Why, ABootThatFailed) {
  HostConfig settings = config();
  settings.backends["local"].values["runner"] = Option{OptionValue(std::string("/nonexistent/runner")), {}};
  Host host(settings);
  const Error failed = error_of([&] { host.pool("ffmpeg").call<tasks::nothing>(); });
  EXPECT_EQ(failed.code, ErrorCode::boot_failed);
  EXPECT_THAT(steps(failed.invocation), ElementsAre("submitted", "queued", "boot_failed", "answered"));
  EXPECT_THAT(text(failed.invocation, "boot_failed"), HasSubstr("/nonexistent/runner"));
}

TEST_F(Why, ACallThatWasRefused) {
  Host host(config());
  const Error unknown = error_of([&] { host.pool("ffmpeg").call<tasks::missing>(1); });
  EXPECT_EQ(unknown.code, ErrorCode::not_found);
  ASSERT_GT(unknown.invocation, 0U);
  EXPECT_THAT(steps(unknown.invocation), ElementsAre("submitted", "answered"));
  EXPECT_EQ(why(unknown.invocation).task, "tasks::missing");
}

TEST_F(Why, ANumberThatNobodyKnowsIsAnsweredWithWhatIsRemembered) {
  Host host(config());
  const auto answer = ask(control::WhyRequest{.invocation = 999}).error();
  EXPECT_EQ(answer.code, ErrorCode::not_found);
  EXPECT_THAT(answer.message, HasSubstr("its last 1024 calls"));
  EXPECT_THAT(ask(control::WhyRequest{.which = control::WhyRequest::Which::last}).error().message,
              HasSubstr("no call of this host has ended yet"));
}

}  // namespace
}  // namespace flame::test
