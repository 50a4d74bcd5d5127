// HeldObjects of the runner: turns, destructors, and the end of a held slot, in its own words.
#include "runner/policy/held_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace held_objects_test {

using namespace std::chrono_literals;
using Turn = HeldObjects::Turn;

class HeldObjectsTest : public testing::Test {
 protected:
  // "enter 7", "refuse 7", "destroy 1 2", "kill", "free", in order.
  std::string did() {
    std::string text;
    for (const auto& action : slots.take_actions()) {
      if (!text.empty()) text += ", ";
      if (const auto* enter = std::get_if<EnterHeld>(&action)) text += "enter " + std::to_string(enter->invocation);
      if (const auto* refuse = std::get_if<RefuseHeld>(&action)) text += "refuse " + std::to_string(refuse->invocation);
      if (const auto* destroy = std::get_if<DestroyHeld>(&action)) {
        text += "destroy";
        for (const auto id : destroy->objects) text += " " + std::to_string(id);
      }
      if (std::holds_alternative<KillHeld>(action)) text += "kill";
      if (std::holds_alternative<FreeHeld>(action)) text += "free";
    }
    return text;
  }
  void hold(std::initializer_list<std::uint64_t> objects) {
    const std::vector<std::uint64_t> ids(objects);
    EXPECT_TRUE(slots.add(kLease, ids));
    slots.idle(now, kLease);
  }
  void release(std::initializer_list<std::uint64_t> objects) {
    const std::vector<std::uint64_t> ids(objects);
    slots.release(now, kLease, ids);
  }
  void idle() { slots.idle(now, kLease); }
  void pass(Duration time) {
    now += time;
    slots.tick(now);
  }

  static constexpr LeaseId kLease = 100;
  Instant now{1000s};
  HeldObjects slots{250ms};
};

TEST_F(HeldObjectsTest, GivesTurnsInOrderOneAtATime) {
  hold({1});
  EXPECT_EQ(slots.enter(now, kLease, 7), Turn::comes);
  EXPECT_EQ(slots.enter(now, kLease, 8), Turn::comes);
  EXPECT_EQ(did(), "enter 7");
  idle();
  EXPECT_EQ(did(), "enter 8");
  idle();
  EXPECT_EQ(did(), "");
}

TEST_F(HeldObjectsTest, ACallThatComesBeforeTheSlotIsIdleWaits) {
  const std::uint64_t object = 1;
  EXPECT_TRUE(slots.add(kLease, std::span(&object, 1)));
  EXPECT_EQ(slots.enter(now, kLease, 7), Turn::comes);
  EXPECT_EQ(did(), "");
  idle();
  EXPECT_EQ(did(), "enter 7");
}

TEST_F(HeldObjectsTest, FreesTheSlotWhenTheLastObjectIsDestroyed) {
  hold({1, 2});
  release({1});
  EXPECT_EQ(did(), "destroy 1");
  idle();
  EXPECT_EQ(did(), "");
  release({2, 2, 9});
  EXPECT_EQ(did(), "destroy 2");
  idle();
  EXPECT_EQ(did(), "free");
  EXPECT_FALSE(slots.contains(kLease));
  EXPECT_EQ(slots.enter(now, kLease, 7), Turn::unknown);
}

TEST_F(HeldObjectsTest, DestroysBetweenCallsAndBeforeTheNext) {
  hold({1, 2});
  EXPECT_EQ(slots.enter(now, kLease, 7), Turn::comes);
  EXPECT_EQ(slots.enter(now, kLease, 8), Turn::comes);
  release({1});
  EXPECT_EQ(did(), "enter 7");
  idle();
  EXPECT_EQ(did(), "destroy 1");
  idle();
  EXPECT_EQ(did(), "enter 8");
}

TEST_F(HeldObjectsTest, ACallMayAddObjectsThatKeepTheSlot) {
  hold({1});
  EXPECT_EQ(slots.enter(now, kLease, 7), Turn::comes);
  EXPECT_EQ(did(), "enter 7");
  release({1});
  const std::uint64_t second = 2;
  EXPECT_TRUE(slots.add(kLease, std::span(&second, 1)));
  idle();
  EXPECT_EQ(did(), "destroy 1");
  idle();
  EXPECT_EQ(did(), "");
  release({2});
  EXPECT_EQ(did(), "destroy 2");
}

TEST_F(HeldObjectsTest, KillsASlotWhoseDestructorDoesNotReturn) {
  hold({1});
  release({1});
  EXPECT_EQ(did(), "destroy 1");
  EXPECT_LE(slots.wake_at(), now + 250ms);
  pass(249ms);
  EXPECT_EQ(did(), "");
  pass(1ms);
  EXPECT_EQ(did(), "kill");
  pass(10s);
  EXPECT_EQ(did(), "") << "once";
  EXPECT_TRUE(slots.gone(kLease).waiting.empty());
}

TEST_F(HeldObjectsTest, AStopRefusesWhoWaitsAndDestroysAllWhenTheSlotIsIdle) {
  hold({1, 2});
  for (std::uint64_t id : {7U, 8U}) EXPECT_EQ(slots.enter(now, kLease, id), Turn::comes);
  EXPECT_EQ(did(), "enter 7");
  slots.stop(now, kLease);
  EXPECT_EQ(did(), "refuse 8");
  EXPECT_EQ(slots.enter(now, kLease, 10), Turn::unknown);
  idle();
  EXPECT_EQ(did(), "destroy 1 2");
  pass(10s);
  EXPECT_EQ(did(), "") << "who asked for the stop sees to the kill";
  idle();
  EXPECT_EQ(did(), "free");
}

TEST_F(HeldObjectsTest, AChildThatEndsByItselfIsDestroyedInTime) {
  hold({1});
  slots.child_ended(now, kLease);
  EXPECT_EQ(did(), "destroy 1");
  pass(250ms);
  EXPECT_EQ(did(), "kill");
}

TEST_F(HeldObjectsTest, AStopDuringADestructorLeavesTheKillToItsCaller) {
  hold({1});
  slots.child_ended(now, kLease);
  slots.stop(now, kLease);
  pass(10s);
  EXPECT_EQ(did(), "destroy 1");
}

TEST_F(HeldObjectsTest, ADeadSlotTellsWhoWaited) {
  hold({1});
  for (std::uint64_t id : {7U, 8U}) EXPECT_EQ(slots.enter(now, kLease, id), Turn::comes);
  EXPECT_EQ(did(), "enter 7");
  EXPECT_THAT(slots.gone(kLease).waiting, testing::ElementsAre(8)) << "7 was inside";
  EXPECT_FALSE(slots.withdraw(8));
  idle();
  release({1});
  slots.stop(now, kLease);
  EXPECT_EQ(did(), "");
}

TEST_F(HeldObjectsTest, WhatWasDecidedForADeadSlotIsVoid) {
  hold({1});
  for (std::uint64_t id : {7U, 8U}) EXPECT_EQ(slots.enter(now, kLease, id), Turn::comes);
  EXPECT_THAT(slots.gone(kLease).waiting, testing::ElementsAre(7, 8)) << "7 was about to enter";
  EXPECT_EQ(did(), "");
}

TEST_F(HeldObjectsTest, ASlotThatDiesWhenItHasBecomeFreeHasLostNothing) {
  hold({1});
  release({1});
  EXPECT_EQ(did(), "destroy 1");
  idle();
  EXPECT_TRUE(slots.gone(kLease).was_free);
  EXPECT_EQ(did(), "");
}

TEST_F(HeldObjectsTest, AWaitingCallCanBeWithdrawn) {
  hold({1});
  for (std::uint64_t id : {7U, 8U}) EXPECT_EQ(slots.enter(now, kLease, id), Turn::comes);
  EXPECT_TRUE(slots.withdraw(8));
  EXPECT_FALSE(slots.withdraw(7)) << "it is inside";
  EXPECT_EQ(slots.enter(now, kLease, 9), Turn::comes);
  idle();
  EXPECT_EQ(did(), "enter 7, enter 9");
}

TEST_F(HeldObjectsTest, OneMayWait) {
  hold({1});
  for (std::uint64_t id : {7U, 8U}) EXPECT_EQ(slots.enter(now, kLease, id), Turn::comes);
  EXPECT_EQ(slots.enter(now, kLease, 9), Turn::full) << "the host sends one at a time";
}

TEST_F(HeldObjectsTest, ASlotCannotClaimObjectsWithoutEnd) {
  std::vector<std::uint64_t> ids(limits::kObjectsPerSlotMax);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i + 1;
  EXPECT_TRUE(slots.add(kLease, ids));
  ids = {ids.size() + 1};
  EXPECT_FALSE(slots.add(kLease, ids));
}

TEST_F(HeldObjectsTest, DestroysManyObjectsInPieces) {
  std::vector<std::uint64_t> ids(limits::kAttachmentsMax + 1);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i + 1;
  EXPECT_TRUE(slots.add(kLease, ids));
  idle();
  slots.stop(now, kLease);
  auto actions = slots.take_actions();
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<DestroyHeld>(actions[0]).objects.size(), limits::kAttachmentsMax);
  idle();
  actions = slots.take_actions();
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(std::get<DestroyHeld>(actions[0]).objects.size(), 1u);
  idle();
  EXPECT_EQ(did(), "free");
}

}  // namespace held_objects_test
}  // namespace flame::runner
