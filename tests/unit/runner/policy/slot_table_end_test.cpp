// SlotTable: which processes end in good order, so that a plugin may say goodbye, and which are killed.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/runner/policy/slot_table_fixture.hpp"

namespace flame::runner {
namespace slot_table_end_test {

using namespace std::chrono_literals;

class SlotTableEnd : public SlotTableTest {
 protected:
  // "1 ends, 2 dies": what the kills among the actions mean.
  std::string ends() {
    std::set<std::string> fates;  // those of one step have no order
    for (const auto& action : table->take_actions()) {
      const auto* kill = std::get_if<KillProcess>(&action);
      if (kill != nullptr) fates.insert(std::to_string(kill->process) + (kill->in_good_order ? " ends" : " dies"));
    }
    std::string text;
    for (const std::string& fate : fates) text += (text.empty() ? "" : ", ") + fate;
    return text;
  }
  void serve(std::uint64_t call, ProcessId process) {
    lease(call);
    ready(process);
  }
};

TEST_F(SlotTableEnd, ADiscardedSlotEndsInGoodOrder) {
  up();
  serve(7, 1);
  freed(1, 0, false);
  EXPECT_EQ(ends(), "1 ends");
}

TEST_F(SlotTableEnd, AKilledCallsProcessDies) {
  up();
  serve(7, 1);
  table->kill(now, {1, 0});
  EXPECT_EQ(ends(), "1 dies");
}

TEST_F(SlotTableEnd, ASlotThatHearsNoMoreDies) {
  up();
  ready(1);
  table->channel_lost(now, {1, 0});
  EXPECT_EQ(ends(), "1 dies");
}

TEST_F(SlotTableEnd, ASlotThatIsNotReadyInTimeDies) {
  up();
  pass(limits::kStartLimitDefault);
  EXPECT_EQ(ends(), "1 dies");
}

TEST_F(SlotTableEnd, WhenTheRunnerLeavesWhatIsAtRestEndsAndNothingIsMadeAnew) {
  up();
  serve(7, 1);
  ready(2);
  lease(8);
  ready(3);
  static_cast<void>(ends());
  freed(1);
  table->end_all();
  EXPECT_EQ(ends(), "1 ends, 3 ends") << "2 runs a call, and 4 is being made";
  table->process_gone(now, 1);
  table->process_gone(now, 3);
  EXPECT_EQ(did(), "");
  freed(2);
  table->end_all();
  EXPECT_EQ(ends(), "2 ends");
}

TEST_F(SlotTableEnd, AHeldSlotIsNotAtRest) {
  up();
  serve(7, 1);
  table->slot_held({1, 0});
  static_cast<void>(ends());
  table->end_all();
  EXPECT_EQ(ends(), "");
  table->slot_released(now, {1, 0}, true);
  table->end_all();
  EXPECT_EQ(ends(), "1 ends");
}

TEST_F(SlotTableEnd, ThreadsEndTogetherOnceNoneOfThemRuns) {
  make(welcome(2, wire::Isolation::thread));
  up();
  ready(1, 0);
  ready(1, 1);
  lease(7);
  table->end_all();
  EXPECT_EQ(ends(), "");
  freed(1, 1);
  freed(1, 0);
  table->end_all();
  EXPECT_EQ(ends(), "1 ends");
}

}  // namespace slot_table_end_test
}  // namespace flame::runner
