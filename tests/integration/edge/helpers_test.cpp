// Plugins that keep a process of their own beside each slot: a Python, a browser, an office program.
#include "tests/integration/edge/helpers_tasks.hpp"

#include <signal.h>

#include <cerrno>

#include "tests/integration/edge/support.hpp"

namespace flame::test {
namespace {

class EdgeHelpers : public EdgeTest {
 protected:
  static Host one_slot() {
    return Host(config("helpers", [](PoolConfig& pool) {
      pool.max_concurrency = 1;
      pool.spare_slots = 0;
    }));
  }
};

TEST_F(EdgeHelpers, AHelperOfStartSlotServesCallAfterCall) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<helpers::process_id>();
  const auto helper = pool.call<helpers::helper_id>();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pool.call<helpers::ask_helper>("ready?"), "ready?");
    ASSERT_EQ(pool.call<helpers::process_id>(), slot) << "after " << i << " calls";
  }
  EXPECT_EQ(pool.call<helpers::helper_id>(), helper);
}

TEST_F(EdgeHelpers, CommandsOfATaskHaveTheirExitStatus) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<helpers::process_id>();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.call<helpers::exit_status>("exit 3"), 3);
  EXPECT_EQ(pool.call<helpers::process_id>(), slot);
}

TEST_F(EdgeHelpers, ThePluginHearsOfItsHelpersEndItself) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<helpers::end_helper>(), 7);
}

TEST_F(EdgeHelpers, AHelperThatEndedBetweenTwoCallsIsStillThePluginsToWaitFor) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<helpers::process_id>();
  pool.call<helpers::kill_helper>();
  EXPECT_EQ(pool.call<helpers::wait_for_helper>(), SIGKILL);
  EXPECT_EQ(pool.call<helpers::process_id>(), slot);
}

TEST_F(EdgeHelpers, AChildThatACallLeavesBesideTheHelperEndsWithItsSlot) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<helpers::process_id>();
  const auto child = static_cast<pid_t>(pool.call<helpers::leave_child>());
  EXPECT_NE(pool.call<helpers::process_id>(), slot);
  EXPECT_TRUE(eventually([&] { return ::kill(child, 0) != 0 && errno == ESRCH; }));
}

}  // namespace
}  // namespace flame::test
