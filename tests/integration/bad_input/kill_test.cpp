// kill -9 of each process of a runner in the middle of work: every call is answered, nothing is left behind.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/bad_input/support.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Kill : public BadInputTest {
 protected:
  /// Several calls in flight on the one runner of `pool`, each of which would take a minute.
  std::vector<Future<std::string>> calls_in_flight(const Pool& pool) {
    std::vector<Future<std::string>> calls;
    for (std::size_t i = 0; i < kCalls; ++i) {
      calls.push_back(pool.with({.timeout = 60s}).async<misbehave::sleep_ms>(60'000));
    }
    EXPECT_TRUE(eventually([&] { return runner_processes(::getpid()).slots.size() >= kCalls; }));
    EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == kCalls; }));
    return calls;
  }

  static Error end_of(Future<std::string>& call) {
    if (!call.wait_for(10s)) return {.code = ErrorCode::none, .message = "no answer within ten seconds"};
    return error_of([&] { static_cast<void>(call.get()); });
  }

  /// After its runner was lost: every call has that answer, a new one works, nothing of the old runner lives.
  static void expect_all_lost(const Pool& pool, std::vector<Future<std::string>>& calls, const RunnerProcesses& old) {
    for (auto& call : calls) {
      const Error error = end_of(call);
      EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
      EXPECT_EQ(error.runner, "work-1");
    }
    EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
    for (const pid_t pid : old.all()) EXPECT_TRUE(eventually([pid] { return is_gone(pid); })) << command_of(pid);
  }

  /// Kills these processes of a runner while calls run on it: it loses them, and nothing else is lost.
  void lose(std::initializer_list<pid_t RunnerProcesses::*> victims) {
    const Host host = make_host();
    const Pool pool = host.pool("work");
    auto calls = calls_in_flight(pool);
    const RunnerProcesses old = runner_processes(::getpid());
    for (const auto victim : victims) {
      ASSERT_GT(old.*victim, 0);
      ASSERT_EQ(::kill(old.*victim, SIGKILL), 0);
    }
    expect_all_lost(pool, calls, old);
  }

  static constexpr std::size_t kCalls = 4;
};

TEST_F(Kill, ASlotFailsItsOwnCallOnly) {
  // Without a spare slot the next calls cannot pass by the one that has just been used.
  const Host host = make_host({.pool = "max_concurrency = 5\nspare_slots = 0\n"});
  const Pool pool = host.pool("work");
  const auto victim = static_cast<pid_t>(pool.call<misbehave::process_id>());
  auto calls = calls_in_flight(pool);
  ASSERT_EQ(::kill(victim, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return std::ranges::any_of(calls, [](const auto& call) { return call.ready(); }); }));
  std::size_t crashed = 0;
  for (auto& call : calls) {
    if (!call.ready()) continue;
    const Error error = end_of(call);
    EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
    EXPECT_EQ(error.signal, SIGKILL);
    ++crashed;
  }
  EXPECT_EQ(crashed, 1U);
  EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == kCalls - 1; }));
}

TEST_F(Kill, AZygoteCostsNoCall) {
  const Host host = make_host({.pool = "max_concurrency = 8\n"});
  const Pool pool = host.pool("work");
  std::vector<Future<std::string>> calls;
  for (std::size_t i = 0; i < kCalls; ++i) calls.push_back(pool.async<misbehave::sleep_ms>(1'000));
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == kCalls; }));
  ASSERT_TRUE(eventually([&] { return runner_processes(::getpid()).slots.size() >= kCalls; }));
  const pid_t zygote = runner_processes(::getpid()).zygote;
  ASSERT_GT(zygote, 0);
  ASSERT_EQ(::kill(zygote, SIGKILL), 0);
  // More than there are slots: these need the new zygote.
  for (std::size_t i = 0; i < kCalls; ++i) calls.push_back(pool.async<misbehave::sleep_ms>(1'000));
  for (auto& call : calls) EXPECT_EQ(call.get(), "slept");
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(Kill, ASupervisorLosesItsCallsAndNothingElse) {
  lose({&RunnerProcesses::supervisor});
}

TEST_F(Kill, CallsThatWaitForASlotOfALostRunnerAreServedByTheNext) {
  const Host host = make_host();
  const Pool pool = host.pool("work");
  auto calls = calls_in_flight(pool);
  auto waiting = pool.async<misbehave::add>(40, 2);
  EXPECT_TRUE(eventually([&] { return pool.stats().waiting == 1; }));
  const RunnerProcesses old = runner_processes(::getpid());
  ASSERT_EQ(::kill(old.supervisor, SIGKILL), 0);
  EXPECT_EQ(waiting.get(), 42);
  expect_all_lost(pool, calls, old);
}

TEST_F(Kill, ASupervisorInTheMiddleOfBigPayloadsLosesThemAndNothingElse) {
  const Host host = make_host();
  const Pool pool = host.pool("work");
  const auto made = pool.call<misbehave::process_id>();
  EXPECT_GT(made, 0);
  const RunnerProcesses old = runner_processes(::getpid());
  const Bytes big(std::string(std::size_t{256} << 20U, 'x'));
  auto there = pool.async<misbehave::checksum>(big);
  auto back = pool.async<misbehave::make_bytes>(std::uint64_t{256} << 20U);
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 2; }));
  ASSERT_EQ(::kill(old.supervisor, SIGKILL), 0);
  EXPECT_EQ(error_of([&] { static_cast<void>(there.get()); }).code, ErrorCode::runner_lost);
  EXPECT_EQ(error_of([&] { static_cast<void>(back.get()); }).code, ErrorCode::runner_lost);
  EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
}

TEST_F(Kill, AGuardianLosesItsCallsAndNothingElse) {
  lose({&RunnerProcesses::guardian});
}

TEST_F(Kill, AGuardianAndItsSupervisorAtOnceLoseTheirCallsAndNothingElse) {
  lose({&RunnerProcesses::guardian, &RunnerProcesses::supervisor});
}

TEST_F(Kill, AnIdempotentCallSurvivesTheDeathOfItsSlot) {
  const Host host = make_host();
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.call<misbehave::crash_below_attempt>(3U), 3U);
  EXPECT_EQ(pool.try_call<misbehave::crash_below_attempt>(9U).error().code, ErrorCode::crashed);
  EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
}

}  // namespace
}  // namespace flame::test
