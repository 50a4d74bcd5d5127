// Threads that a call leaves are mostly a library's pool: the slot keeps them, unless they compute on or become more.
#include "tests/integration/edge/kept_threads_tasks.hpp"

#include <signal.h>

#include <cerrno>
#include <chrono>
#include <set>

#include "tests/integration/edge/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class EdgeKeptThreads : public EdgeTest {
 protected:
  static Host one_slot(std::uint32_t spare_slots = 0) {
    return Host(config("kept_threads", [&](PoolConfig& pool) {
      pool.max_concurrency = 1;
      pool.spare_slots = spare_slots;
    }));
  }
  template <class Call>
  static std::size_t processes_of(const Pool& pool, int calls, Call call) {
    std::set<std::int64_t> processes;
    for (int i = 0; i < calls; ++i) {
      call();
      processes.insert(pool.call<kept_threads::process_id>());
    }
    return processes.size();
  }
};

TEST_F(EdgeKeptThreads, APoolOfThreadsThatTheFirstCallMakesServesTheOthers) {
  Host host = one_slot(1);
  const Pool pool = host.pool("p");
  const auto used = processes_of(pool, 100, [&] { EXPECT_EQ(pool.call<kept_threads::add_in_pool>(40, 2), 42); });
  EXPECT_LE(used, 3U);
}

TEST_F(EdgeKeptThreads, AFewSleepingThreadsStay) {
  Host host = one_slot(1);
  const Pool pool = host.pool("p");
  EXPECT_LE(processes_of(pool, 4, [&] { pool.call<kept_threads::leave_sleeper>(); }), 3U);
}

TEST_F(EdgeKeptThreads, AThreadMoreWithEachCallIsALeak) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto used = processes_of(pool, 100, [&] { pool.call<kept_threads::leave_sleeper>(); });
  EXPECT_GE(used, 3U);
  EXPECT_LE(used, 30U);
}

TEST_F(EdgeKeptThreads, AThreadThatGoesOnComputingEndsItsSlot) {
  Host host = one_slot(1);
  const Pool pool = host.pool("p");
  const auto slot = static_cast<pid_t>(pool.call<kept_threads::leave_computer>());
  // Also when calls come one after the other.
  EXPECT_TRUE(eventually(
      [&] {
        pool.call<kept_threads::process_id>();
        return ::kill(slot, 0) != 0 && errno == ESRCH;
      },
      60s));
}

TEST_F(EdgeKeptThreads, WorkersThatTurnForAMomentBeforeTheySleepStay) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<kept_threads::process_id>();
  pool.call<kept_threads::leave_spinner>(300);
  static_cast<void>(eventually([] { return false; }, 1s));  // the time in which it may turn
  EXPECT_TRUE(eventually([&] { return pool.call<kept_threads::process_id>() == slot; }));
}

}  // namespace
}  // namespace flame::test
