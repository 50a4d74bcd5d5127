// A pool of several backends, with real runners: which backend each runner comes from, and what callers hear.
#include <map>
#include <mutex>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Places = std::map<std::string, std::uint64_t>;

class Backends : public PoolTest {
 protected:
  /// Two tables of one kind: one machine of "near" at most.
  [[nodiscard]] static HostConfig near_then_far(const ChangePool& change = {}) {
    HostConfig config = PoolTest::config(change);
    for (const char* name : {"near", "far"}) {
      config.backends[name] = config.backends.at("local");
      config.backends[name].kind = "local";
    }
    config.backends["near"].max = 1;
    config.pools["work"].backend = {"near", "far"};
    return config;
  }
  /// A backend "meddled" that boots nothing.
  [[nodiscard]] static std::shared_ptr<MeddledBackend> refusing(const std::string& message, Remedy remedy) {
    return std::make_shared<MeddledBackend>(MeddledBackend::Hooks{
        .refuse =
            [=](const BootRequest&) {
              return BootFailure{.error = {.code = ErrorCode::boot_failed, .message = message}, .remedy = remedy};
            },
        .change = {}});
  }
  [[nodiscard]] static HostConfig on(std::vector<std::string> backends) {
    HostConfig config = PoolTest::config();
    config.pools["work"].backend = std::move(backends);
    return config;
  }
  /// Boots that went well, by backend.
  void count_boots(Pool& pool) {
    pool.on_grow_end([this](const GrowEnd& end) {
      const std::lock_guard lock(mutex_);
      if (end.ok) ++places_[end.backend];
    });
  }
  [[nodiscard]] Places places() {
    const std::lock_guard lock(mutex_);
    return places_;
  }

 private:
  std::mutex mutex_;
  Places places_;
};

TEST_F(Backends, AreFilledInOrderAndAPoolComesHome) {
  Host host(near_then_far([](PoolConfig& pool) {
    pool.max = 3;
    pool.idle_shutdown_after = 100ms;
  }));
  Pool pool = host.pool("work");
  count_boots(pool);
  std::vector<Future<std::string>> calls;
  for (const char* name : {"one", "two", "three"}) calls.push_back(begin(pool, name));
  EXPECT_TRUE(eventually([&] { return places() == Places{{"near", 1}, {"far", 2}}; }));
  for (const char* name : {"one", "two", "three"}) go(name);
  for (auto& call : calls) static_cast<void>(call.get());
  // A machine counts until its backend has said that it is gone, which may be after its runner has left.
  EXPECT_TRUE(eventually([&] {
    if (!eventually([] { return runner_processes(::getpid()).all().empty(); })) return false;
    EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
    return eventually([&] { return places()["near"] + places()["far"] == pool.stats().boots; }) &&
           places()["near"] == 2;
  })) << "there is room at home again";
}

TEST_F(Backends, TwoPoolsShareTheRoomOfATable) {
  HostConfig config = near_then_far();
  config.pools["other"] = config.pools["work"];
  config.pools["other"].backend = {"near"};
  Host host(std::move(config));
  const Pool pool = host.pool("work");
  auto held = begin(pool, "held");
  const Pool other = host.pool("other");
  const Error error = error_of([&] { static_cast<void>(other.with({.timeout = 300ms}).call<pool_tasks::add>(1, 2)); });
  EXPECT_THAT(error.message, AllOf(HasSubstr("near"), HasSubstr("max"))) << error.to_string();
  go("held");
  static_cast<void>(held.get());
}

TEST_F(Backends, ABackendWithoutRoomIsNoFailureWhileAnotherIsLeft) {
  const auto full = refusing("no room in any region", Remedy::elsewhere);
  Host host(on({"meddled", "local"}), {full});
  Pool pool = host.pool("work");
  count_boots(pool);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_EQ(pool.stats().boots_failed, 0U);
  EXPECT_EQ(full->asked().size(), 1U);
  EXPECT_TRUE(eventually([&] { return places() == Places{{"local", 1}}; }));
}

TEST_F(Backends, ABackendThatIsBrokenStopsNoOther) {
  Host host(on({"meddled", "local"}), {refusing("the token is wrong", Remedy::permanent)});
  EXPECT_EQ(host.pool("work").call<pool_tasks::add>(1, 2), 3);
}

TEST_F(Backends, WaitersHearAtOnceWhatTheOnlyBackendFailsAtForGood) {
  Host host(on({"meddled"}), {refusing("the token is wrong", Remedy::permanent)});
  const Error error = error_of([&] { static_cast<void>(host.pool("work").call<pool_tasks::add>(1, 2)); });
  EXPECT_EQ(error.code, ErrorCode::boot_failed);
  EXPECT_THAT(error.message, HasSubstr("the token is wrong"));
}

}  // namespace
}  // namespace flame::test
