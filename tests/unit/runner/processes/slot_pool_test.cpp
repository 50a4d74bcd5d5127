// SlotPool over slots that say what the test wants: what its listener hears, and in which order.
#include "runner/processes/slot_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/unit/runner/processes/fake_slots.hpp"

namespace flame::runner {
namespace slot_pool_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr GenerationId kPlugin = 0;

wire::Welcome one_slot() {
  wire::Welcome welcome;
  welcome.slots = 1;
  welcome.kill_grace_ns = 250'000'000;
  return welcome;
}

class SlotPoolTest : public testing::Test {
 protected:
  SlotPoolTest() { pool_.generation_up(now_, kPlugin, true); }

  /// The call `id` is in the slot, which has said that it runs nothing else.
  void lease(std::uint64_t id) {
    pool_.lease(now_, kPlugin, id);
    slot().say(slot::SlotReady{.reusable = true, .reason = {}});
    hear();
    EXPECT_THAT(told(), ElementsAre("granted " + std::to_string(id)));
  }
  /// Its result names these objects, and the slot is idle.
  void end(std::uint64_t id, std::vector<std::uint64_t> objects = {}) {
    slot::SlotResult result;
    result.id = id;
    result.resources = std::move(objects);
    slot().say(std::move(result));
    slot().say(slot::SlotReady{.reusable = true, .reason = {}});
  }
  void hear() {
    pool_.on_channel(now_, {1, 0});
    pool_.run_actions(now_);
  }
  void close() { slot().say(slot::SlotClosed{"the end"}); }
  void reap(int status = SIGSEGV) {
    EXPECT_TRUE(pool_.reaped(now_, 101, status, rusage{}));
    pool_.run_actions(now_);
  }
  std::vector<std::string> told() { return listener_.told(); }
  test::FakeSlot& slot() { return *system_.slots.at(0); }

  Instant now_{1000s};
  test::FakeSystem system_;
  test::ToldListener listener_;
  SlotPool pool_{now_, one_slot(), 0, system_, listener_, listener_};
};

TEST_F(SlotPoolTest, WhatASlotSaidBeforeItDiedIsHeardFirst) {
  lease(1);
  end(1);
  close();
  reap();
  EXPECT_THAT(told(), ElementsAre("result 1", "freed 1"));
}

TEST_F(SlotPoolTest, ACallThatHasNoResultDiesWithItsProcess) {
  lease(1);
  close();
  reap();
  EXPECT_THAT(told(), ElementsAre("died (crashed) 1"));
}

TEST_F(SlotPoolTest, ObjectsThatWereDestroyedBeforeTheirProcessDiedWereLetGo) {
  lease(1);
  end(1, {5});
  hear();
  EXPECT_THAT(told(), ElementsAre("result 1", "held 1"));
  pool_.release(now_, 1, std::vector<std::uint64_t>{5});
  EXPECT_THAT(slot().destroyed, ElementsAre(5));
  slot().say(slot::SlotReady{.reusable = true, .reason = {}});
  close();
  reap();  // both are heard now
  EXPECT_THAT(told(), ElementsAre("let go 1"));
  EXPECT_THAT(pool_.running(), IsEmpty());
}

TEST_F(SlotPoolTest, ObjectsThatWereToldToStopSayWhyWhenTheirProcessDiesAtOnce) {
  lease(1);
  end(1, {5});
  hear();
  EXPECT_THAT(told(), ElementsAre("result 1", "held 1"));
  pool_.stop_held(now_, 1, StopCause::timed_out);
  slot().say(slot::SlotReady{.reusable = true, .reason = {}});
  close();
  reap();
  EXPECT_THAT(told(), ElementsAre("let go (timed_out) 1"));
}

TEST_F(SlotPoolTest, ACallThatIsStoppedInTheTurnInWhichItGetsItsSlotIsInThatSlot) {
  lease(1);
  pool_.lease(now_, kPlugin, 2);
  end(1);
  pool_.on_channel(now_, {1, 0});  // what that leads to is not done yet
  EXPECT_THAT(told(), ElementsAre("result 1", "freed 1"));
  pool_.unpipeline(now_, 2);
  EXPECT_THAT(told(), ElementsAre("granted 2"));
  EXPECT_NE(pool_.slot_of(2), nullptr);
}

TEST_F(SlotPoolTest, ACallWhoseTurnHasComeInASlotThatHasDiedEndsOnce) {
  lease(1);
  end(1, {5});
  hear();
  EXPECT_EQ(pool_.enter(now_, 1, 2), HeldObjects::Turn::comes);
  EXPECT_EQ(pool_.enter(now_, 1, 3), HeldObjects::Turn::comes);
  EXPECT_THAT(told(), ElementsAre("result 1", "held 1", "granted 2"));
  end(2);
  close();
  reap();
  EXPECT_THAT(told(), ElementsAre("result 2", "freed 2", "died (runner_lost) 3", "died (crashed) 1"));
  EXPECT_THAT(pool_.running(), IsEmpty());
}

TEST_F(SlotPoolTest, ACallIsNotToldWhyTheOneBeforeItWasKilled) {
  lease(1);
  end(1, {5});
  hear();
  EXPECT_EQ(pool_.enter(now_, 1, 2), HeldObjects::Turn::comes);
  pool_.kill(now_, 2, StopCause::cancelled);
  EXPECT_THAT(system_.killed, ElementsAre(101));
  end(2);
  close();
  hear();
  hear();
  EXPECT_THAT(told(), ElementsAre("result 1", "held 1", "granted 2", "result 2", "freed 2"));
  EXPECT_EQ(pool_.enter(now_, 1, 3), HeldObjects::Turn::comes);
  EXPECT_THAT(told(), ElementsAre("died (runner_lost) 3"));
  reap(SIGKILL);
  EXPECT_THAT(told(), ElementsAre("died (cancelled) 1")) << "it was killed for its own call";
}

TEST_F(SlotPoolTest, AnEndedGenerationRefusesWhatWaitsAndFinishesWhatRuns) {
  lease(1);
  pool_.lease(now_, kPlugin, 2);
  EXPECT_EQ(pool_.census(kPlugin).in_use, 1u);
  pool_.end_generation(now_, kPlugin, Error{.code = ErrorCode::not_found, .message = "ended"});
  EXPECT_THAT(told(), ElementsAre("died (not_found) 2"));
  EXPECT_THAT(system_.killed, IsEmpty());
  end(1);
  hear();
  EXPECT_THAT(told(), ElementsAre("result 1", "freed 1"));
  EXPECT_THAT(system_.killed, ElementsAre(101));
  EXPECT_EQ(pool_.census(kPlugin).processes, 1u);
  reap(SIGKILL);
  EXPECT_EQ(pool_.census(kPlugin).processes, 0u);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(SlotPoolTest, TellsWhySlotsCannotBeMadeAhead) {
  system_.has_processes = false;
  pool_.generation_up(now_, kPlugin + 1, true, 1);
  pool_.run_actions(now_);
  const auto ahead = pool_.take_ahead();
  ASSERT_EQ(ahead.size(), 1u);
  EXPECT_EQ(ahead[0].generation, kPlugin + 1);
  EXPECT_EQ(ahead[0].error.message, "no process");
}

}  // namespace slot_pool_test
}  // namespace flame::runner
