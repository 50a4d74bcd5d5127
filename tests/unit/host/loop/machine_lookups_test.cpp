// A boot whose answer was lost, and whose runner is there: its machine is looked for, never made again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "tests/unit/host/loop/machines_harness.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MachineLookupsTest : public MachinesTest {
 protected:
  /// After its runner has dialled in.
  void lose_answer(std::size_t n) {
    connected_.insert(n);
    fail(n, true);
  }
  /// By the list that was asked for last.
  void found(std::vector<Machine> machines) { says().listed(backend_->last_ticket, std::move(machines)); }
};

TEST_F(MachineLookupsTest, AMachineWhoseRunnerHasDialledInIsLookedUpWhateverWasLostOfItsBoot) {
  boot(1);
  lose_answer(1);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(backend_->destroyed, IsEmpty()) << "calls may run there";
  EXPECT_EQ(backend_->asked.size(), 1U) << "booted again, it would be there twice if it has died meanwhile";
  EXPECT_THAT(backend_->lists_asked, ElementsAre(Labels{{"flame-host", "h"}, {"flame-name", name(1)}}));
  found({{.name = "flame-run-7", .id = "x"}, {.name = name(1), .id = "m", .ends_in = std::chrono::minutes(10)}});
  EXPECT_THAT(told(), ElementsAre("boot 1", "ends 1 600 s"));
  EXPECT_EQ(machines_->machine_of(key(1)).id, "m");
  exit(1, "killed");
  EXPECT_THAT(told(), ElementsAre("exit 1 killed"));
}

TEST_F(MachineLookupsTest, AMachineWhoseRunnerHasDialledInIsThereWhateverTheListSays) {
  boot(1);
  lose_answer(1);
  hear();
  found({});
  EXPECT_THAT(told(), ElementsAre("boot 1"));
  boot(2);
  lose_answer(2);
  hear();
  says().listed(backend_->last_ticket, Error{.message = "the engine is down"});
  EXPECT_THAT(told(), ElementsAre("boot 2"));
  destroy(2);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(2) + " ")) << "by its name";
}

TEST_F(MachineLookupsTest, AMachineThatIsGivenUpWhileItIsLookedUpIsDestroyed) {
  boot(1);
  lose_answer(1);
  hear();
  destroy(1);
  found({{.name = name(1), .id = "m"}});
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " "));
  gone(1);
  hear();
  EXPECT_EQ(machines_->count(), 0U);
}

}  // namespace
}  // namespace flame::pool
