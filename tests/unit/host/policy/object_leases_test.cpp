// ObjectLeases: turns in front of slots that objects live in.
#include "host/src/policy/object_leases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::pool {
namespace object_leases_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Admission = ObjectLeases::Admission;

constexpr CallId kLease = 1;
constexpr RunnerId kRunner = 7;

class ObjectLeasesTest : public testing::Test {
 protected:
  void SetUp() override { slots.open(kLease, kRunner); }
  CallId next(CallId lease = kLease) {
    const auto turn = slots.next(lease);
    return turn ? turn->call : 0;
  }
  ObjectLeases slots{2};
};

TEST_F(ObjectLeasesTest, GivesTurnsInOrderOneAtATime) {
  for (CallId call : {10U, 11U}) EXPECT_EQ(slots.enqueue(kLease, call), Admission::queued);
  EXPECT_EQ(next(), 10u);
  EXPECT_EQ(slots.lease_around(10), kLease);
  EXPECT_EQ(next(), 0u) << "it is inside";
  EXPECT_EQ(slots.ended(kRunner, 10), kLease);
  EXPECT_EQ(next(), 11u);
  EXPECT_EQ(slots.waiting(), 0u);
}

TEST_F(ObjectLeasesTest, KeepsLeasesApart) {
  slots.open(2, kRunner);
  EXPECT_EQ(slots.enqueue(kLease, 10), Admission::queued);
  EXPECT_EQ(slots.enqueue(2, 20), Admission::queued);
  EXPECT_EQ(next(2), 20u);
  EXPECT_EQ(next(), 10u);
  EXPECT_THAT(slots.leases(kRunner), ElementsAre(1, 2));
  EXPECT_THAT(slots.leases(8), IsEmpty());
  EXPECT_EQ(slots.size(), 2u);
}

TEST_F(ObjectLeasesTest, BoundsThoseWhoWaitForOneSlot) {
  EXPECT_EQ(slots.enqueue(kLease, 10), Admission::queued);
  EXPECT_EQ(next(), 10u);
  EXPECT_EQ(slots.enqueue(kLease, 11), Admission::queued);
  EXPECT_EQ(slots.enqueue(kLease, 12), Admission::queued);
  EXPECT_EQ(slots.enqueue(kLease, 13), Admission::full);
  EXPECT_TRUE(slots.remove_waiting(11));
  EXPECT_EQ(slots.enqueue(kLease, 14), Admission::queued);
}

TEST_F(ObjectLeasesTest, WhoGaveUpGetsNoTurn) {
  for (CallId call : {10U, 11U}) EXPECT_EQ(slots.enqueue(kLease, call), Admission::queued);
  EXPECT_TRUE(slots.remove_waiting(10));
  EXPECT_FALSE(slots.remove_waiting(10));
  EXPECT_EQ(next(), 11u);
  EXPECT_FALSE(slots.remove_waiting(11)) << "it is inside";
}

TEST_F(ObjectLeasesTest, ADoomedLeaseTakesNobodyButIsHeldUntilItCloses) {
  for (CallId call : {10U, 11U}) EXPECT_EQ(slots.enqueue(kLease, call), Admission::queued);
  EXPECT_EQ(next(), 10u);
  EXPECT_THAT(slots.begin_close(kLease, "it hung"), ElementsAre(11));
  EXPECT_THAT(slots.begin_close(kLease, "again"), IsEmpty());
  EXPECT_EQ(slots.enqueue(kLease, 12), Admission::gone);
  EXPECT_EQ(slots.why_closing(kLease), "it hung");
  EXPECT_EQ(slots.runner_of(kLease), kRunner);
  const auto remains = slots.close(kLease);
  ASSERT_TRUE(remains);
  EXPECT_EQ(remains->inside, 10u);
  EXPECT_EQ(slots.runner_of(kLease), std::nullopt);
}

TEST_F(ObjectLeasesTest, ClosingTellsWhoIsLeft) {
  for (CallId call : {10U, 11U}) EXPECT_EQ(slots.enqueue(kLease, call), Admission::queued);
  EXPECT_EQ(next(), 10u);
  const auto remains = slots.close(kLease);
  ASSERT_TRUE(remains);
  EXPECT_EQ(remains->runner, kRunner);
  EXPECT_EQ(remains->inside, 10u);
  EXPECT_THAT(remains->waiting, ElementsAre(11));
  EXPECT_FALSE(slots.close(kLease));
  EXPECT_EQ(slots.lease_around(10), std::nullopt);
  EXPECT_EQ(slots.enqueue(kLease, 12), Admission::gone);
  EXPECT_EQ(slots.waiting() + slots.size(), 0u);
}

TEST_F(ObjectLeasesTest, OnlyItsOwnRunnerEndsACall) {
  EXPECT_EQ(slots.enqueue(kLease, 10), Admission::queued);
  EXPECT_EQ(slots.ended(kRunner, 10), std::nullopt) << "it waits";
  EXPECT_EQ(next(), 10u);
  EXPECT_EQ(slots.ended(kRunner + 1, 10), std::nullopt);
  EXPECT_EQ(slots.ended(kRunner, 10), kLease);
  EXPECT_EQ(slots.ended(kRunner, 10), std::nullopt);
}

TEST_F(ObjectLeasesTest, OpeningTwiceChangesNothing) {
  EXPECT_EQ(slots.enqueue(kLease, 10), Admission::queued);
  slots.open(kLease, kRunner + 1);
  EXPECT_EQ(slots.runner_of(kLease), kRunner);
  EXPECT_EQ(next(), 10u);
}

}  // namespace object_leases_test
}  // namespace flame::pool
