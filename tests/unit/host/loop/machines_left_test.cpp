// Machines: what becomes of those that their backend could not end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/src/loop/machines.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/host/loop/machines_harness.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MachinesLeft : public MachinesTest {
 protected:
  /// A machine that runs, and whose end was asked for.
  void boot_and_destroy(std::size_t n) {
    boot(n);
    start(n, "m" + std::to_string(n));
    hear();
    destroy(n);
  }
  [[nodiscard]] std::uint64_t free() const { return machines_->room().free("slow"); }
};

TEST_F(MachinesLeft, AreDestroyedAgainUntilTheyAreGone) {
  boot_and_destroy(1);
  left(1);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("left 1 the engine is down")));
  tick(0s);
  EXPECT_THAT(backend_->destroyed, SizeIs(1)) << "not at once";
  EXPECT_LE(machines_->next_wakeup(), Instant{} + 1250ms);
  tick(1250ms);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " m1", name(1) + " m1"));
  tick(5min);
  EXPECT_THAT(backend_->destroyed, SizeIs(2)) << "while the answer is awaited";
  left(1);
  EXPECT_THAT(told(), IsEmpty()) << "nothing new";
  tick(5min);
  tick(6min);
  EXPECT_THAT(backend_->destroyed, SizeIs(3));
  gone(1);
  hear();
  EXPECT_TRUE(log_->contains("a machine that could not be ended is gone"));
  EXPECT_EQ(machines_->count(), 0U);
  EXPECT_EQ(free(), 2U);
  tick(1h);
  EXPECT_THAT(backend_->destroyed, SizeIs(3));
  EXPECT_EQ(machines_->next_wakeup(), kNever);
}

TEST_F(MachinesLeft, AreDestroyedAgainAlsoByABackendThatHasThrownOrNotAnswered) {
  boot_and_destroy(1);
  tick(0s);
  backend_->throws = true;
  tick(limits::kDestroyAnswerMax);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("its destroy() has thrown"))) << "it was asked again";
  backend_->throws = false;
  tick(limits::kDestroyAnswerMax);
  tick(limits::kDestroyAnswerMax + 2s);
  EXPECT_THAT(backend_->destroyed, SizeIs(2));
}

TEST_F(MachinesLeft, GiveTheirRoomBackOnceWhenTheirDeathIsProven) {
  boot_and_destroy(1);
  boot(2);
  left(1);
  hear();
  EXPECT_FALSE(machines_->take_room_made());
  EXPECT_EQ(free(), 0U);
  exit(1, "killed");
  EXPECT_THAT(told(), ElementsAre("exit 1 killed"));
  EXPECT_TRUE(machines_->take_room_made());
  EXPECT_EQ(free(), 1U);
  tick(0s);
  tick(2s);
  EXPECT_THAT(backend_->destroyed, SizeIs(2)) << "a stopped machine still exists";
  gone(1);
  gone(1);
  hear();
  EXPECT_EQ(machines_->count(), 1U);
  EXPECT_EQ(free(), 1U) << "once";
  EXPECT_FALSE(machines_->take_room_made());
}

TEST_F(MachinesLeft, GiveTheirRoomBackAlsoWhenTheirDeathWasProvenBefore) {
  boot_and_destroy(1);
  exit(1, "killed");
  hear();
  EXPECT_EQ(free(), 1U) << "its end is under way";
  left(1);
  hear();
  EXPECT_EQ(free(), 2U);
}

TEST_F(MachinesLeft, AreTriedOnceMoreWhenTheHostEnds) {
  boot_and_destroy(1);
  boot_and_destroy(2);
  left(1);
  hear();
  machines_->close(base::boot_time());
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " m1", name(2) + " m2", name(1) + " m1"))
      << "the end of the second one is under way";
  gone(1);
  gone(2);
  says().closed();
  hear();
  machines_->finish(base::boot_time(), true);
  EXPECT_FALSE(log_->contains("may be left"));
}

}  // namespace
}  // namespace flame::pool
