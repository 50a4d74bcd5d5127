// Runners that are killed, stopped, or come back: only their own calls fail, typed, and no attempt overlaps another.
#include <algorithm>

#include <gmock/gmock.h>

#include "tests/support/pool_test.hpp"
#include "tests/support/second_boot.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Loss : public PoolTest {
 protected:
  /// Beats and silences a tenth of the usual ones.
  static constexpr Liveness kQuick{.beat = 100ms, .host_silence = 1s, .runner_silence = 1500ms};

  /// Over tcp: there silence is evidence, and a runner that stands still is lost.
  static Host quick_host(const ChangePool& change, std::shared_ptr<MeddledBackend> backend = {}) {
    HostConfig quick = config(change);
    quick.liveness = kQuick;
    quick.listen = {"tcp://127.0.0.1:0"};
    if (backend == nullptr) return Host(std::move(quick));
    quick.pools["work"].backend = {"meddled"};
    return Host(std::move(quick), {std::move(backend)});
  }
  static std::shared_ptr<MeddledBackend> out_of_reach() {
    return std::make_shared<MeddledBackend>(
        MeddledBackend::Hooks{.refuse = {}, .change = {}, .holds_boots = false, .destroys = false});
  }
  /// The processes of the runner that owns this slot, its guardian first.
  static std::vector<pid_t> runner_of(std::int64_t slot) {
    const pid_t guardian = parent_of(supervisor_of(slot));
    std::vector<pid_t> all{guardian};
    for (const pid_t pid : descendants(guardian)) all.push_back(pid);
    return all;
  }
  static void send(const std::vector<pid_t>& pids, int signal) {
    for (const pid_t pid : pids) ::kill(pid, signal);
  }
  /// Kills the "supervisor", the "guardian" or "everything" of the runner that owns this slot; returns what it had.
  static std::vector<pid_t> kill_part(std::int64_t slot, const std::string& part) {
    const auto pids = runner_of(slot);
    if (part == "supervisor") send({supervisor_of(slot)}, SIGKILL);
    if (part == "guardian") send({pids.front()}, SIGKILL);
    if (part == "everything") send(pids, SIGKILL);
    return pids;
  }
  static bool all_gone(const std::vector<pid_t>& pids, std::chrono::nanoseconds patience = 10s) {
    return eventually([&] { return std::ranges::all_of(pids, is_gone); }, patience);
  }
  [[nodiscard]] Future<std::string> begin_alone(const Pool& pool, const std::string& name) const {
    auto call = pool.with({.timeout = 30s}).async<pool_tasks::alone>(file(name));
    EXPECT_TRUE(appears(name + ".1.begun"));
    return call;
  }
};

TEST_F(Loss, OnlyTheCallsOfAKilledRunnerFailAndItsWaitersAreServed) {
  for (const char* victim : {"supervisor", "guardian", "everything"}) {
    Host host = make_host([](PoolConfig& pool) {
      pool.max = 2;
      pool.max_concurrency = 2;
    });
    const Pool pool = host.pool("work");
    const std::string name = victim;
    const auto slot = pool.call<pool_tasks::process>();
    auto lost = begin(pool, name + "lost");
    auto lost_too = begin(pool, name + "lost_too");
    auto safe = begin(pool, name + "safe");
    auto safe_too = begin(pool, name + "safe_too");
    auto waiter = pool.async<pool_tasks::runner>();
    const auto pids = kill_part(slot, name);
    for (auto* call : {&lost, &lost_too}) {
      ASSERT_TRUE(call->wait_for(5s)) << victim;
      const Error error = error_of([&] { return call->get(); });
      EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
      EXPECT_NE(error.started, Started::no);
      EXPECT_EQ(error.runner, "work-1");
    }
    EXPECT_EQ(waiter.get(), "work-3") << "a new runner came for it";
    EXPECT_FALSE(safe.ready());
    go(name + "safe");
    go(name + "safe_too");
    EXPECT_EQ(safe.get(), "work-2");
    EXPECT_EQ(safe_too.get(), "work-2");
    EXPECT_TRUE(all_gone(pids));
    EXPECT_EQ(pool.stats().runners_lost, 1U);
  }
}

TEST_F(Loss, ATaskThatIsNotIdempotentIsNeverRunAgain) {
  Host host = make_host();
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = pool.with({.retries = 3}).async<pool_tasks::hold>(file("call"));
  ASSERT_TRUE(appears("call.begun"));
  kill_runner_of(slot);
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
  EXPECT_EQ(pool.call<pool_tasks::add>(1, 2), 3);
  EXPECT_EQ(pool.stats().retried, 0U);
}

TEST_F(Loss, AnIdempotentCallIsTriedAgainElsewhereOnceTheFirstIsGone) {
  for (const char* victim : {"supervisor", "guardian", "everything"}) {
    Host host = make_host([](PoolConfig& pool) {
      pool.max = 2;
      pool.max_concurrency = 1;
    });
    const Pool pool = host.pool("work");
    const std::string name = victim;
    const auto slot = pool.call<pool_tasks::process>();
    auto call = begin_alone(pool, name);
    const auto pids = kill_part(slot, name);
    EXPECT_TRUE(appears(name + ".2.begun"));
    go(name);
    EXPECT_EQ(call.get(), "work-2");
    EXPECT_FALSE(exists(name + ".overlap"));
    EXPECT_EQ(pool.stats().retried, 1U);
  }
}

TEST_F(Loss, AStoppedRunnerIsLostWhenItHasBeenSilent) {
  Host host = quick_host([](PoolConfig& pool) { pool.max_concurrency = 2; });
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const auto pids = runner_of(slot);
  const auto stopped = Clock::now();
  send({supervisor_of(slot)}, SIGSTOP);
  auto later = pool.with({.timeout = 20s}).async<pool_tasks::runner>();
  const Error error = error_of([&] { return call.get(); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  EXPECT_THAT(error.message, HasSubstr("nothing was heard from it for 1.5 s"));
  EXPECT_GE(Clock::now() - stopped, 1300ms);
  EXPECT_LT(Clock::now() - stopped, 4s);
  const auto second = later.try_get();
  if (second.has_error()) {
    EXPECT_EQ(second.error().code, ErrorCode::runner_lost) << "it was given to the stopped one, too";
  }
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
  EXPECT_TRUE(all_gone(pids)) << "a stopped process is destroyed like any other";
}

// The slots of a stopped supervisor run on: only its death proves that the first attempt is over.
TEST_F(Loss, AnIdempotentCallOnAStoppedRunnerIsNotTriedAgainBeforeThatIsDestroyed) {
  Host host = quick_host([](PoolConfig& pool) { pool.max = 2; });
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin_alone(pool, "call");
  send({supervisor_of(slot)}, SIGSTOP);
  EXPECT_TRUE(appears("call.2.begun"));
  go("call");
  EXPECT_EQ(call.get(), "work-2");
  EXPECT_FALSE(exists("call.overlap"));
}

// As a suspended virtual machine that comes back, while the cloud cannot be asked to destroy it.
TEST_F(Loss, ARunnerThatWakesUpTooLateEndsItselfAndIsNotHeard) {
  Host host = quick_host([](PoolConfig& pool) { pool.max_concurrency = 2; }, out_of_reach());
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const auto pids = runner_of(slot);
  send(pids, SIGSTOP);
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::runner_lost);
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
  const PoolStats before = pool.stats();
  go("call");  // its result will be there at once
  send(pids, SIGCONT);
  EXPECT_TRUE(all_gone(pids));
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
  const PoolStats after = pool.stats();
  EXPECT_EQ(after.succeeded, before.succeeded + 1);
  EXPECT_EQ(after.failed, before.failed);
  EXPECT_EQ(after.runners, 1U);
}

TEST_F(Loss, AShortPauseLosesNothing) {
  Host host = quick_host([](PoolConfig& pool) { pool.max_concurrency = 2; }, out_of_reach());
  const Pool pool = host.pool("work");
  const auto slot = pool.call<pool_tasks::process>();
  auto call = begin(pool, "call");
  const auto pids = runner_of(slot);
  send(pids, SIGSTOP);
  EXPECT_FALSE(call.wait_for(400ms));
  send(pids, SIGCONT);
  EXPECT_FALSE(call.wait_for(1500ms)) << "both sides go on";
  go("call");
  EXPECT_EQ(call.get(), "work-1");
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

// A machine whose init restarts the program: FLAME_PARENT is good for one session.
TEST_F(Loss, ARestartedRunnerIsNotLetInAgain) {
  std::mutex mutex;
  std::vector<BootRequest> requests;
  auto backend =
      std::make_shared<MeddledBackend>(MeddledBackend::Hooks{.refuse = {}, .change = [&](BootRequest& request) {
                                                               const std::lock_guard lock(mutex);
                                                               requests.push_back(request);
                                                             }});
  Host host = make_host(backend, [](PoolConfig& pool) { pool.min = 1; });
  const Pool pool = host.pool("work");
  ASSERT_EQ(pool.call<pool_tasks::runner>(), "work-1");
  BootRequest first;
  {
    const std::lock_guard lock(mutex);
    first = requests.at(0);
  }
  EXPECT_THAT(boot_again(first), HasSubstr("this runner has said hello already"));
  kill_runner_of(pool.call<pool_tasks::process>());
  ASSERT_TRUE(eventually([&] { return pool.stats().boots == 2; }));
  EXPECT_THAT(boot_again(first), HasSubstr("no such runner is expected")) << "nor after the first one's death";
  EXPECT_EQ(pool.call<pool_tasks::runner>(), "work-2");
}

}  // namespace
}  // namespace flame::test
