// A network that breaks and heals, over tcp with CURVE: a proxy between host and runner stops forwarding.
#include <algorithm>

#include <gmock/gmock.h>

#include "tests/support/parents.hpp"
#include "tests/support/pool_test.hpp"
#include "tests/support/second_boot.hpp"
#include "tests/support/tcp_proxy.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Partition : public PoolTest {
 protected:
  static constexpr Liveness kQuick{.beat = 100ms, .host_silence = 1s, .runner_silence = 1500ms};

  /// Runners dial through proxy_. `destroys` false: nobody but itself ends a runner that is lost.
  Host start(bool destroys, const ChangePool& change = {}) {
    backend_ = std::make_shared<MeddledBackend>(
        MeddledBackend::Hooks{.refuse = {},
                              .change = [this](BootRequest& request) { divert(request); },
                              .holds_boots = false,
                              .destroys = destroys,
                              .tells_exits = tells_exits_});
    HostConfig settings = config(change);
    settings.liveness = kQuick;
    settings.listen = {"tcp://127.0.0.1:0"};
    settings.pools["work"].backend = {"meddled"};
    return Host(std::move(settings), {backend_});
  }
  void divert(BootRequest& request) {
    wire::Parent parent = parent_of(request);
    for (auto* endpoints : {&parent.control, &parent.bulk}) {
      for (std::string& endpoint : *endpoints) endpoint = proxy_->forward(endpoint);
    }
    set_parent(request, parent);
  }

  static std::vector<pid_t> runner_of(std::int64_t slot) {
    const pid_t guardian = parent_of(supervisor_of(slot));
    std::vector<pid_t> all{guardian};
    for (const pid_t pid : descendants(guardian)) all.push_back(pid);
    return all;
  }
  static bool all_gone(const std::vector<pid_t>& pids, std::chrono::nanoseconds patience = 10s) {
    return eventually([&] { return std::ranges::all_of(pids, is_gone); }, patience);
  }

  void SetUp() override {
    PoolTest::SetUp();
    proxy_ = std::make_unique<TcpProxy>();
  }
  void TearDown() override {
    backend_.reset();
    proxy_.reset();
    PoolTest::TearDown();
  }

  bool tells_exits_ = true;
  std::unique_ptr<TcpProxy> proxy_;
  std::shared_ptr<MeddledBackend> backend_;
};

TEST_F(Partition, CallsGoThroughTheProxyAtAll) {
  Host host = start(true);
  EXPECT_EQ(host.pool("work").call<pool_tasks::add>(1, 2), 3);
}

TEST_F(Partition, AShortOneLosesNothing) {
  Host host = start(false, [](PoolConfig& pool) { pool.max_concurrency = 2; });
  const Pool pool = host.pool("work");
  auto call = begin(pool, "call");
  proxy_->cut();
  auto sent = pool.async<pool_tasks::add>(1, 2);
  go("call");
  EXPECT_FALSE(call.wait_for(500ms));
  proxy_->heal();
  EXPECT_EQ(call.get(), "work-1");
  EXPECT_EQ(sent.get(), 3);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(Partition, ALongOneEndsTheRunnerOnBothSidesAndItsLateResultIsNotHeard) {
  Host host = start(false);
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const auto pids = runner_of(slot);
  const auto cut = Clock::now();
  proxy_->cut();
  go("call");
  EXPECT_TRUE(appears("call.done"));
  EXPECT_TRUE(all_gone(pids, 5s)) << "the runner has given its host up by itself";
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  EXPECT_LT(Clock::now() - cut, 5s);
  const PoolStats before = pool.stats();
  proxy_->heal();  // now the result arrives
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
  EXPECT_EQ(pool.stats().succeeded, before.succeeded + 1);
  EXPECT_EQ(pool.stats().failed, before.failed);
}

TEST_F(Partition, LinkedWorkIsKilledBeforeTheHostGivesUp) {
  Host host = start(false);
  const Pool pool = host.pool("work");
  const auto slot = static_cast<pid_t>(pool.call<pool_tasks::process>());
  auto call = begin(pool, "call");
  proxy_->cut();
  EXPECT_TRUE(eventually([&] { return is_gone(slot); }, 5s));
  EXPECT_FALSE(call.ready()) << "only then a second attempt could begin";
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
}

TEST_F(Partition, UnlinkedWorkHasItsGrace) {
  Host host = start(false, [](PoolConfig& pool) { pool.shutdown_timeout = 5s; });
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call", {.link = false});
  const auto pids = runner_of(slot);
  proxy_->cut();
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
  EXPECT_FALSE(is_gone(static_cast<pid_t>(slot)));
  go("call");
  EXPECT_TRUE(appears("call.done"));
  EXPECT_TRUE(all_gone(pids, 4s)) << "nothing is left to do there";
}

TEST_F(Partition, AnIdempotentCallIsTriedAgainElsewhereAndNeverOverlaps) {
  struct Cut {
    const char* name;
    bool up;
    bool down;
    bool tells_exits;
  };
  // The last one: the host can neither end the runner nor learn that it has ended, and goes by the time alone.
  for (const Cut& cut : {Cut{"both", true, true, true}, Cut{"up", true, false, true}, Cut{"down", false, true, true},
                         Cut{"unproven", true, false, false}}) {
    tells_exits_ = cut.tells_exits;
    Host host = start(false, [](PoolConfig& pool) { pool.max = 2; });
    const Pool pool = host.pool("work");
    auto call = pool.with({.timeout = 40s}).async<pool_tasks::alone>(file(cut.name));
    ASSERT_TRUE(appears(std::string(cut.name) + ".1.begun"));
    proxy_->cut(cut.up, cut.down);
    ASSERT_TRUE(eventually([&] { return pool.stats().runners_lost == 1; })) << cut.name;
    proxy_->heal();
    EXPECT_TRUE(eventually([&] { return exists(std::string(cut.name) + ".2.begun"); }, 15s)) << cut.name;
    go(cut.name);
    EXPECT_EQ(call.get(), "work-2");
    EXPECT_FALSE(exists(std::string(cut.name) + ".overlap")) << cut.name;
    EXPECT_EQ(pool.stats().retried, 1U);
  }
}

TEST_F(Partition, WaitersAreServedByANewRunner) {
  Host host = start(true);
  const Pool pool = host.pool("work");
  auto call = begin(pool, "call");
  auto waiter = pool.async<pool_tasks::runner>();
  proxy_->cut();
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
  proxy_->heal();
  EXPECT_EQ(waiter.get(), "work-2");
}

TEST_F(Partition, AConnectionThatIsResetIsNeverTakenUpAgain) {
  Host host = start(false);
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const auto pids = runner_of(slot);
  const auto reset = Clock::now();
  proxy_->reset_all();
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
  EXPECT_LT(Clock::now() - reset, 1s) << "at once, not when it has been silent";
  EXPECT_TRUE(all_gone(pids));
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
}

// A machine that comes up when its host has been restarted: same address, other keys.
TEST_F(Partition, ARunnerOfTheHostBeforeDoesNotJoinTheNextOneAtItsAddress) {
  std::string port;
  BootRequest late;
  const auto listen_on = [&](HostConfig settings, const std::string& address) {
    settings.listen = {address};
    settings.liveness.failsafe = 1s;
    settings.pools["work"].backend = {"meddled"};
    backend_ = std::make_shared<MeddledBackend>(
        MeddledBackend::Hooks{.refuse = {}, .change = [&](BootRequest& request) { late = request; }});
    return Host(std::move(settings), {backend_});
  };
  {
    Host first = listen_on(config(), "tcp://127.0.0.1:0");
    ASSERT_EQ(first.pool("work").call<pool_tasks::runner>(), "work-1");
    const std::string endpoint = parent_of(late).control.at(0);
    port = endpoint.substr(endpoint.rfind(':'));
  }
  const BootRequest request = late;  // the next host's boots are kept there, too
  Host second = listen_on(config([](PoolConfig& pool) { pool.min = 1; }), "tcp://127.0.0.1" + port);
  ASSERT_EQ(second.pool("work").call<pool_tasks::runner>(), "work-1");
  EXPECT_THAT(boot_again(request), HasSubstr("failsafe"));
  EXPECT_EQ(second.pool("work").stats().runners, 1U);
  EXPECT_EQ(second.pool("work").call<pool_tasks::runner>(), "work-1");
}

}  // namespace
}  // namespace flame::test
