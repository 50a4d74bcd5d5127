// Bad tasks under isolation = "thread": they share a process, so the others learn that it was not their fault.
#include <signal.h>

#include <string>

#include "tests/integration/bad_input/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class BadThreads : public BadInputTest {
 protected:
  static Host threads() { return make_host({.pool = "isolation = \"thread\"\n"}); }
};

TEST_F(BadThreads, AnExceptionStaysInItsOwnCall) {
  const Host host = threads();
  const Error error = failure_of<misbehave::throw_exception>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  EXPECT_EQ(error.type, "std::out_of_range");
}

TEST_F(BadThreads, ACrashAnswersEveryCallOfTheProcessAndTheNextCallWorks) {
  const Host host = threads();
  const Pool pool = host.pool("work");
  auto other = pool.async<misbehave::sleep_ms>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  EXPECT_EQ(pool.call<misbehave::add>(1, 2), 3);
  const auto crashed = pool.try_call<misbehave::segfault>();
  ASSERT_TRUE(crashed.has_error());
  EXPECT_EQ(crashed.error().code, ErrorCode::crashed) << crashed.error().to_string();
  EXPECT_EQ(crashed.error().signal, SIGSEGV);
  EXPECT_FALSE(crashed.error().collateral) << crashed.error().to_string();
  ASSERT_FALSE(crashed.error().where.empty());
  const Error lost = error_of([&] { static_cast<void>(other.get()); });
  EXPECT_EQ(lost.code, ErrorCode::crashed) << lost.to_string();
  EXPECT_TRUE(lost.collateral) << lost.to_string();
  EXPECT_NE(lost.message.find("Another task of the same process crashed it"), std::string::npos) << lost.message;
  EXPECT_EQ(lost.usage.user_ns, 0) << "the process's CPU time is not this call's";
  if (lost.started == Started::yes) {
    EXPECT_GT(lost.usage.wall_ns, 0);
  }
  EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(BadThreads, ADeafTaskIsAnsweredAtItsDeadlineAndTheNextCallWorks) {
  const Host host = threads();
  const Pool pool = host.pool("work");
  auto other = pool.async<misbehave::sleep_ms>(3000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  const auto deaf = pool.with({.timeout = 1s}).try_call<misbehave::hang>();
  ASSERT_TRUE(deaf.has_error());
  EXPECT_EQ(deaf.error().code, ErrorCode::timed_out) << deaf.error().to_string();
  EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
  EXPECT_EQ(other.get(), "slept") << "its process is retired, not killed, while it runs";
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(BadThreads, AnInnocentCallBesideADeafOneIsCollateralWhenItsProcessIsKilledAfterFiveSeconds) {
  const Host host = threads();
  const Pool pool = host.pool("work");
  auto innocent = pool.with({.timeout = 60s}).async<misbehave::ignore_stop>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  const auto deaf = pool.with({.timeout = 1s}).try_call<misbehave::hang>();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(deaf.has_error());
  EXPECT_EQ(deaf.error().code, ErrorCode::timed_out) << deaf.error().to_string();
  const Error lost = error_of([&] { static_cast<void>(innocent.get()); });
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(lost.code, ErrorCode::crashed) << lost.to_string();
  EXPECT_TRUE(lost.collateral) << lost.to_string();
  EXPECT_NE(lost.message.find("did not stop when asked"), std::string::npos) << lost.message;
  EXPECT_GE(took, 5s) << "so long it might have ended by itself";
  EXPECT_LT(took, 8s);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

}  // namespace
}  // namespace flame::test
