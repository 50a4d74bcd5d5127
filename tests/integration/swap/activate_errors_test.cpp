// What cannot be activated: each error says why and what to do, and what serves goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <future>
#include <thread>

#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::activate_errors_test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ActivateErrors : public SwapTest {
 protected:
  ActivateErrors() { add("1.0.0"); }

  /// Has failed, and the version before serves.
  Error fails(Host& host, const std::string& reference, const ActivateOptions& options = {}) {
    const Error error = error_of([&] { return host.activate(reference, options); });
    EXPECT_NE(error.code, ErrorCode::none) << reference;
    EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
    return error;
  }
};

TEST_F(ActivateErrors, WhatIsNotThere) {
  Host host(config());
  Error error = fails(host, "swap@1.9.0");
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, AllOf(HasSubstr("swap@1.9.0"), HasSubstr("there are: swap@1.0.0")));
  error = fails(host, "swpa@1.0.0");
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, AllOf(HasSubstr("no pool of this host has the plugin \"swpa\""), HasSubstr("swap")));
  error = fails(host, "swap@1.0.0", {.pool = "wrok"});
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, HasSubstr("no pool \"wrok\""));
  EXPECT_EQ(fails(host, "swap@one").code, ErrorCode::invalid_argument);
}

TEST_F(ActivateErrors, OutsideEveryConstraint) {
  add("2.0.0");
  Host host(config());
  const Error error = fails(host, "swap@2.0.0");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("no pool takes swap@2.0.0"), HasSubstr("pools.work.plugins[0] is \"swap@1\"")));
}

TEST_F(ActivateErrors, APinnedPoolIsNotRolledBack) {
  Host host(config("swap@1.0.0"));
  const Error error = error_of([&] { return host.rollback("swap"); });
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, HasSubstr("in full"));
}

TEST_F(ActivateErrors, ThereIsNothingToGoBackTo) {
  Host host(config());
  const Error error = error_of([&] { return host.rollback("swap"); });
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, HasSubstr("no other version of swap was active before"));
}

TEST_F(ActivateErrors, ATaskThatIsGoneUnlessItIsForced) {
  Host host(config());
  add("1.5.0");
  const Error error = fails(host, "swap@1.5.0");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, AllOf(HasSubstr("swap@1.5.0"), HasSubstr("old_task"), HasSubstr("force")));
  host.activate("swap@1.5.0", {.force = true});
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.5.0");
  EXPECT_EQ(error_of([&] { return host.pool("work").call<swap::old_task>(); }).code, ErrorCode::not_found);
}

TEST_F(ActivateErrors, AStartThatCrashesOnALiveRunner) {
  Host host(config());
  host.pool("work").call<swap::version>();
  add("1.2.0");
  const Error error = fails(host, "swap@1.2.0");
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("swap@1.2.0 could not be made ready in the pool work, so nothing was changed"),
                    HasSubstr("start() ended the process: signal 11")));
  EXPECT_EQ(error_of([&] { return host.rollback("swap"); }).code, ErrorCode::not_found);
}

TEST_F(ActivateErrors, AStartThatCrashesWhereNoRunnerIs) {
  Host host(config());
  add("1.2.0");
  const Error error = fails(host, "swap@1.2.0");
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_THAT(error.message, HasSubstr("start() ended the process: signal 11"));
}

TEST_F(ActivateErrors, AStartThatThrowsIsQuoted) {
  Host host(config());
  add("1.4.0");
  host.pool("work").call<swap::version>();
  EXPECT_THAT(fails(host, "swap@1.4.0").message, HasSubstr("no licence for this version"));
}

TEST_F(ActivateErrors, AStartThatHangsIsGivenUpAfterTheBootTimeout) {
  Host host(config("swap@1", [](PoolConfig& pool) { pool.boot_timeout = 1s; }));
  add("1.3.0");
  host.pool("work").call<swap::version>();
  const auto begin = std::chrono::steady_clock::now();
  const Error error = fails(host, "swap@1.3.0");
  EXPECT_TRUE(error.code == ErrorCode::timed_out || error.code == ErrorCode::boot_failed) << error.to_string();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST_F(ActivateErrors, AStartThatHangsWhereNoRunnerIs) {
  Host host(config("swap@1", [](PoolConfig& pool) { pool.boot_timeout = 1s; }));
  add("1.3.0");
  const Error error = fails(host, "swap@1.3.0");
  EXPECT_TRUE(error.code == ErrorCode::timed_out || error.code == ErrorCode::boot_failed) << error.to_string();
}

TEST_F(ActivateErrors, TwoAtOnceComeOneAfterTheOther) {
  Host host(config());
  host.pool("work").call<swap::version>();
  add("1.1.0");
  add("1.5.0");
  auto one = std::async(std::launch::async, [&] { return host.activate("swap@1.1.0"); });
  auto other = std::async(std::launch::async, [&] { return host.activate("swap@1.5.0", {.force = true}); });
  one.get();
  other.get();
  const std::string last = host.pool("work").call<swap::version>();
  EXPECT_TRUE(last == "1.1.0" || last == "1.5.0");
  host.rollback("swap");
  EXPECT_EQ(host.pool("work").call<swap::version>(), last == "1.1.0" ? "1.5.0" : "1.1.0");
}

TEST_F(ActivateErrors, AHostThatShutsDownInTheMiddle) {
  Host host(config("swap@1", [](PoolConfig& pool) { pool.boot_timeout = 30s; }));
  host.pool("work").call<swap::version>();
  add("1.3.0");
  auto change = std::async(std::launch::async, [&] { return error_of([&] { return host.activate("swap@1.3.0"); }); });
  ASSERT_TRUE(eventually([&] { return change.wait_for(0s) == std::future_status::timeout; }));
  host.shutdown();
  const Error error = change.get();
  EXPECT_EQ(error.code, ErrorCode::shutting_down) << error.to_string();
  EXPECT_EQ(error_of([&] { return host.activate("swap@1.0.0"); }).code, ErrorCode::shutting_down);
}

TEST_F(ActivateErrors, AVersionThatIsRevokedOrTooOldUnlessItIsForced) {
  HostConfig strict = config();
  add("1.1.0");
  strict.pools["work"].plugins = {"swap@1"};
  strict.plugins.min_version["swap"] = "1.1.0";
  Host host(std::move(strict));
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
  const Error error = error_of([&] { return host.activate("swap@1.0.0"); });
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, HasSubstr("min_version asks for 1.1.0"));
  host.activate("swap@1.0.0", {.force = true});
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
}

TEST_F(ActivateErrors, AFileThatIsNoPluginAnyMore) {
  Host host(config());
  static_cast<void>(versions_.write("swap-1.1.0.so", "not a plugin"));
  EXPECT_THAT(fails(host, "swap@1.1.0").message, HasSubstr("swap-1.1.0.so"));
}

}  // namespace
}  // namespace flame::test::activate_errors_test
