// PoolPolicy: why a runner that leaves is gone, in whatever order that is heard.
#include <gtest/gtest.h>

#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {
namespace pool_goodbye_test {

class PoolGoodbye : public testing::Test {
 protected:
  PoolGoodbye() { pool.submit(1).hello(1).finish(1); }
  void may_go() { pool.feed(event::Retire{.runner = 1, .last_seq = 1, .sent_seq = 1}); }
  /// Empty: it is not gone.
  std::string why_gone() {
    const auto told = pool.all<action::Callback>();
    return told.empty() || told.back().kind != action::Callback::Kind::shrink ? std::string() : told.back().reason;
  }

  PoolScenario pool{pool_config(0, 1, 1)};
};

TEST_F(PoolGoodbye, IsTheReason) {
  may_go();
  pool.feed(event::RunnerLost{1, "idle", true});
  EXPECT_EQ(why_gone(), "idle");
  EXPECT_EQ(pool.all<action::Callback>().at(0).count, 0U);
}

TEST_F(PoolGoodbye, MayComeAfterTheEndOfTheProcess) {
  may_go();
  pool.feed(event::MachineExited{1, "exit code 0"});
  EXPECT_EQ(why_gone(), "");
  pool.feed(event::RunnerLost{1, "idle", true});
  EXPECT_EQ(why_gone(), "idle");
}

TEST_F(PoolGoodbye, IsNotAwaitedForLong) {
  may_go();
  pool.feed(event::MachineExited{1, "exit code 137 (killed by signal 9)"}).pass(RunnerState::kExitGrace);
  EXPECT_EQ(why_gone(), "exit code 137 (killed by signal 9)");
}

TEST_F(PoolGoodbye, IsNoneWhenOnlyTheConnectionEnds) {
  may_go();
  pool.feed(event::MachineExited{1, "exit code 137 (killed by signal 9)"});
  pool.feed(event::RunnerLost{1, "the connection was closed"});
  EXPECT_EQ(why_gone(), "exit code 137 (killed by signal 9)");
}

}  // namespace pool_goodbye_test
}  // namespace flame::pool
