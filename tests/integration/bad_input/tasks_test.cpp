// Tasks that throw, return too much, end their process, or do not listen.
#include <signal.h>

#include <string>

#include "tests/integration/bad_input/support.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class BadTasks : public BadInputTest {};

TEST_F(BadTasks, AStandardExceptionIsTaskFailedWithItsTypeAndMessage) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::throw_exception>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  EXPECT_EQ(error.type, "std::out_of_range");
  EXPECT_EQ(error.message, "the message");
  ASSERT_FALSE(error.where.empty());
  EXPECT_NE(error.where[0].find("misbehave::throw_exception() at misbehave.so+0x"), std::string::npos)
      << error.where[0];
}

TEST_F(BadTasks, AThrownIntIsTaskFailedWithItsType) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::throw_int>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  EXPECT_EQ(error.type, "int");
  EXPECT_FALSE(error.message.empty());
}

TEST_F(BadTasks, ANestedExceptionNamesItsCause) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::throw_nested>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  EXPECT_EQ(error.type, "std::runtime_error");
  EXPECT_EQ(error.message, "outer\ncaused by std::logic_error: inner");
}

TEST_F(BadTasks, AResultOverTheLimitIsTooLarge) {
  const Host host = make_host({.pool = "payload_max = \"1MiB\"\n"});
  const Error error = failure_of<misbehave::return_too_much>(host.pool("work"), std::uint64_t{8} << 20U);
  EXPECT_EQ(error.code, ErrorCode::too_large) << error.to_string();
  EXPECT_NE(error.message.find("payload_max"), std::string::npos) << error.message;
}

TEST_F(BadTasks, ExitIsCrashedWithItsCode) {
  const Host host = make_host();
  const Pool pool = host.pool("work");
  const Error slow = failure_of<misbehave::call_exit>(pool, 7);
  EXPECT_EQ(slow.code, ErrorCode::crashed) << slow.to_string();
  EXPECT_EQ(slow.exit_code, 7);
  EXPECT_EQ(slow.signal, 0);
  const Error quick = failure_of<misbehave::call_quick_exit>(pool, 0);
  EXPECT_EQ(quick.code, ErrorCode::crashed) << quick.to_string();
  EXPECT_EQ(quick.exit_code, 0);
}

TEST_F(BadTasks, AbortIsCrashedWithItsSignal) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::call_abort>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGABRT);
  EXPECT_EQ(error.plugin, "misbehave@1.0.0");
  EXPECT_EQ(error.runner, "work-1");
}

TEST_F(BadTasks, ASegfaultIsCrashedWithItsSignalAndAddress) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::segfault>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("segmentation fault (signal 11) at address 0x0"), std::string::npos) << error.message;
  EXPECT_EQ(error.started, Started::yes);
  expect_crashed_in(error, "misbehave::segfault()", "misbehave.so");
}

TEST_F(BadTasks, ATaskDeafToItsStopTokenIsAnsweredAtTheDeadlineAndKilledAfterTheGrace) {
  const Host host = make_host({.pool = "max_concurrency = 2\n"});
  const Pool pool = host.pool("work");
  const Error error = beside_others(pool, [&] {
    const auto begin = std::chrono::steady_clock::now();
    const auto result = pool.with({.timeout = 300ms}).try_call<misbehave::ignore_stop>(60'000);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, 300ms);
    EXPECT_LT(took, 1500ms);
    // The caller has its answer; the slot is freed by the death of the task, long before its minute is over.
    EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }, 5s));
    return result.has_error() ? result.error() : Error{};
  });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::yes);
}

TEST_F(BadTasks, ATaskSeesTheDeadlineThatItsCallHas) {
  const Host host = make_host({.pool = "timeout = \"20s\"\n"});
  const Pool pool = host.pool("work");
  const auto remaining = pool.call<misbehave::remaining_ms>();
  EXPECT_GT(remaining, 15'000) << "the pool's timeout";
  EXPECT_LE(remaining, 20'000);
  const auto explicitly = pool.with({.timeout = 60s}).call<misbehave::remaining_ms>();
  EXPECT_GT(explicitly, 55'000) << "the call's own";
  EXPECT_LE(explicitly, 60'000);
}

TEST_F(BadTasks, ATaskWithoutTimeoutSeesNoDeadline) {
  const Host host = make_host({.pool = "timeout = \"infinite\"\n"});
  EXPECT_EQ(host.pool("work").call<misbehave::remaining_ms>(), -1);
}

TEST_F(BadTasks, ACrashTellsTheUsageOfItsOwnCallAndNotOfTheOnesBefore) {
  const Host host = make_host({.pool = "max_concurrency = 1\nspare_slots = 0\n"});
  const Pool pool = host.pool("work");
  const auto slot = pool.call<misbehave::process_id>();
  pool.call<misbehave::spin_ms>(500);
  EXPECT_EQ(pool.call<misbehave::make_bytes>(std::uint64_t{64} << 20U).size(), std::size_t{64} << 20U);
  ASSERT_EQ(pool.call<misbehave::process_id>(), slot);
  const Error error = error_of([&] { pool.call<misbehave::kill_self>(SIGKILL); });
  EXPECT_EQ(error.signal, SIGKILL) << error.to_string();
  EXPECT_GT(error.usage.wall_ns, 0);
  EXPECT_LT(std::chrono::nanoseconds(error.usage.wall_ns), 5s);
  EXPECT_LT(std::chrono::nanoseconds(error.usage.user_ns + error.usage.system_ns), 300ms);
#ifndef __SANITIZE_ADDRESS__  // it keeps what was freed
  EXPECT_LT(error.usage.peak_memory, std::uint64_t{32} << 20U);
#endif
}

TEST_F(BadTasks, ATaskThatHangsForEverIsTimedOut) {
  const Host host = make_host();
  const Pool pool = host.pool("work");
  const Error error = beside_others(pool, [&] {
    const auto result = pool.with({.timeout = 200ms}).try_call<misbehave::hang>();
    return result.has_error() ? result.error() : Error{};
  });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
}

TEST_F(BadTasks, ACancelledTaskThatHangsIsAnsweredAtOnceAndItsSlotComesBack) {
  const Host host = make_host({.pool = "max_concurrency = 1\nspare_slots = 0\n"});
  const Pool pool = host.pool("work");
  const auto first = static_cast<pid_t>(pool.call<misbehave::process_id>());
  auto hanging = pool.async<misbehave::hang>();
  ASSERT_TRUE(eventually([&] { return ignores_sigterm(first); }));
  hanging.cancel();
  EXPECT_EQ(error_of([&] { hanging.get(); }).code, ErrorCode::cancelled);
  EXPECT_NE(pool.call<misbehave::process_id>(), first);
}

TEST_F(BadTasks, AHostThatIsDroppedWhileATaskHangsLeavesNothing) {
  Host host = make_host({.pool = "timeout = \"60s\"\n"});
  const Pool pool = host.pool("work");
  auto hanging = pool.async<misbehave::hang>();
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  host.shutdown();
  EXPECT_EQ(error_of([&] { hanging.get(); }).code, ErrorCode::shutting_down);
}

}  // namespace
}  // namespace flame::test
