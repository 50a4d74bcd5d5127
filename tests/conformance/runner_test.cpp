// FLAME's test/runner_test.exs and the part of test/fly_backend_test.exs that is about every backend. The number above
// each test is that of README.md.
#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunnerConformance : public PoolTest {
 protected:
  static void single_use(PoolConfig& pool) { pool.single_use = true; }
  static bool gone(const Pool& pool) {
    return eventually([&] { return pool.stats().runners == 0; }, 5s);
  }
  static std::shared_ptr<MeddledBackend> failing(const std::string& message, bool permanent) {
    return std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
        .refuse = [=](const BootRequest&) { return boot_failure(message, permanent); }, .change = {}});
  }
};

// 20
TEST_F(RunnerConformance, ASingleUseRunnerEndsAfterItsCall) {
  Host host = make_host(single_use);
  Pool pool = host.pool("work");
  const Events events(pool);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_TRUE(gone(pool));
  EXPECT_TRUE(events.become("start 1, end 1, shrink 0"));
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

// 21
TEST_F(RunnerConformance, ARunnerServesManyCallsAndEndsWhenThePoolDoes) {
  Host host = make_host();
  Pool pool = host.pool("work");
  const Events events(pool);
  const std::string first = pool.call<pool_tasks::runner>();
  EXPECT_EQ(pool.call<pool_tasks::runner>(), first);
  EXPECT_TRUE(events.become("start 1, end 1")) << "and does not end in between";
  EXPECT_TRUE(pool.drain(5s));
  EXPECT_TRUE(events.become("start 1, end 1, shrink 0"));
  EXPECT_EQ(pool.stats().boots, 1U);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

// 22
TEST_F(RunnerConformance, ABootThatCannotSucceedFailsTheCallAtOnce) {
  Host host = make_host(failing("invalid authentication", true));
  const auto begin = Clock::now();
  const Error error = error_of([&] { return host.pool("work").call<pool_tasks::add>(1, 2); });
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(error.code, ErrorCode::boot_failed);
  EXPECT_THAT(error.message, HasSubstr("invalid authentication"));
  EXPECT_EQ(error.started, Started::no);
}

// 23
TEST_F(RunnerConformance, ABootThatFailsIsNamedToTheCallThatWaitedForIt) {
  Host host = make_host(failing("nxdomain", false));
  const Error error = error_of([&] { return host.pool("work").with({.timeout = 300ms}).call<pool_tasks::add>(1, 2); });
  EXPECT_EQ(error.code, ErrorCode::boot_failed);
  EXPECT_THAT(error.message, HasSubstr("nxdomain"));
}

// 24
TEST_F(RunnerConformance, ASingleUseRunnerEndsAfterAFailure) {
  Host host = make_host(single_use);
  Pool pool = host.pool("work");
  const Error error = error_of([&] { return pool.call<pool_tasks::fail>("boom"); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.message, "boom");
  EXPECT_TRUE(gone(pool));
  EXPECT_TRUE(pool.drain(5s));
}

// 25
TEST_F(RunnerConformance, ARunnerOutlivesAFailure) {
  Host host = make_host();
  Pool pool = host.pool("work");
  const std::string runner = pool.call<pool_tasks::runner>();
  EXPECT_EQ(error_of([&] { return pool.call<pool_tasks::fail>("boom"); }).code, ErrorCode::task_failed);
  EXPECT_EQ(pool.call<pool_tasks::runner>(), runner);
  EXPECT_TRUE(pool.drain(5s));
}

// 26
TEST_F(RunnerConformance, ASingleUseRunnerEndsAfterATimeoutAndItsFunctionIsKilled) {
  Host host = make_host([](PoolConfig& pool) {
    pool.single_use = true;
    pool.timeout = 100ms;
  });
  const Pool pool = host.pool("work");
  const Error error = error_of([&] { return pool.call<pool_tasks::hold>(file("call")); });
  EXPECT_EQ(error.code, ErrorCode::timed_out);
  EXPECT_TRUE(gone(pool));
  go("call");
  EXPECT_TRUE(exists("call.begun"));
  EXPECT_FALSE(exists("call.done"));
}

// 27
TEST_F(RunnerConformance, ARunnerOutlivesATimeout) {
  Host host = make_host([](PoolConfig& pool) {
    pool.max_concurrency = 2;
    pool.timeout = 100ms;
  });
  Pool pool = host.pool("work");
  const std::string runner = pool.with({.timeout = 30s}).call<pool_tasks::runner>();
  EXPECT_EQ(error_of([&] { return pool.call<pool_tasks::hold>(file("call")); }).code, ErrorCode::timed_out);
  EXPECT_EQ(pool.with({.timeout = 30s}).call<pool_tasks::runner>(), runner);
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; })) << "it is killed, and only then the slot free";
  EXPECT_TRUE(pool.drain(5s));
}

// 28
TEST_F(RunnerConformance, ARunnerWithoutACallIdlesOut) {
  Host host = make_host([](PoolConfig& pool) { pool.idle_shutdown_after = 300ms; });
  Pool pool = host.pool("work");
  pool.expect(1, 100ms);
  ASSERT_TRUE(has_runners(pool, 1));
  const auto ready = Clock::now();
  EXPECT_TRUE(gone(pool));
  EXPECT_GT(Clock::now() - ready, 200ms);
  EXPECT_LT(Clock::now() - ready, 2s);
}

// 28
TEST_F(RunnerConformance, ARunnerIdlesOutAfterItsLastCall) {
  Host host = make_host([](PoolConfig& pool) { pool.idle_shutdown_after = 300ms; });
  const Pool pool = host.pool("work");
  pool.call<pool_tasks::nap>(500);
  const auto ended = Clock::now();
  EXPECT_TRUE(gone(pool));
  EXPECT_GT(Clock::now() - ended, 250ms);
  EXPECT_LT(Clock::now() - ended, 2s);
}

// 29
TEST_F(RunnerConformance, ARunnerStaysUntilItsIdleCheckLetsItGo) {
  Host host = make_host([this](PoolConfig& pool) {
    pool.idle_shutdown_after = 50ms;
    pool.env["IDLE_CHECK"] = "until " + file("may_go");
    pool.env["IDLE_CHECK_LOG"] = file("checks");
  });
  const Pool pool = host.pool("work");
  const auto runner = pool.call<pool_tasks::runner>();
  ASSERT_TRUE(eventually([&] { return lines_of("checks").size() >= 4; })) << "asked each time the timer fires";
  EXPECT_EQ(pool.call<pool_tasks::runner>(), runner);
  static_cast<void>(files_.write("may_go", ""));
  EXPECT_TRUE(gone(pool));
}

// 44
TEST_F(RunnerConformance, AFunctionOnARunnerKnowsItsParent) {
  HostConfig settings = config();
  settings.name = "web-1";
  const Host host(settings);
  const Pool pool = host.pool("work");
  EXPECT_THAT(pool.call<pool_tasks::parent>(), ElementsAre("web-1", "work", pool.call<pool_tasks::runner>(), "local"));
  EXPECT_FALSE(Parent::get().has_value()) << "and only there";
}

}  // namespace
}  // namespace flame::test
