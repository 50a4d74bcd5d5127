// Which of the calls in a process that died is told what.
#include "runner/processes/blame.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace flame::runner {
namespace blame_test {

constexpr int kExited7 = 7 << 8;

Witness running() {
  return {.runs = true, .begun = true};
}
Witness crashed(bool by_helper = false) {
  Witness slot = running();
  slot.crash = slot::CrashReport{SIGSEGV, 0x10, false, by_helper, {}};
  return slot;
}

TEST(Blame, ACrashOnASlotsOwnThreadIsItsCallsAlone) {
  const auto blames = judge({running(), crashed()}, SIGSEGV, true);
  EXPECT_FALSE(blames[0].crash);
  EXPECT_EQ(blames[0].crash_of_another, SIGSEGV);
  EXPECT_TRUE(blames[1].crash);
  EXPECT_EQ(blames[1].crash_of_another, 0);
  EXPECT_EQ(blames[1].suspects, 0U);
}

TEST(Blame, ACrashInAThreadThatSomeTaskMadeIsAnyTasksThatHadBegun) {
  const auto blames = judge({crashed(true), running(), {.runs = true}}, SIGSEGV, true);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(blames[i].crash) << i;
    EXPECT_EQ(blames[i].crash_of_another, 0) << i;
    EXPECT_EQ(blames[i].suspects, 2U) << i;
  }
  EXPECT_FALSE(blames[2].crash);
  EXPECT_EQ(blames[2].crash_of_another, SIGSEGV) << "it had not begun";
}

TEST(Blame, ACrashInAThreadOfTheOnlyTaskIsItsOwnWhereverItIsReported) {
  Witness free_slot = crashed(true);
  free_slot.runs = false;
  const auto blames = judge({free_slot, running()}, SIGSEGV, true);
  EXPECT_TRUE(blames[1].crash);
  EXPECT_EQ(blames[1].suspects, 0U);
}

TEST(Blame, AnExitIsItsCallersAloneWhenItIsKnown) {
  Witness caller = running();
  caller.exited = true;
  const auto blames = judge({running(), caller}, kExited7, true);
  EXPECT_TRUE(blames[0].exit_of_another);
  EXPECT_FALSE(blames[1].exit_of_another);
  EXPECT_EQ(blames[1].suspects, 0U);
}

TEST(Blame, AnExitThatNobodySawIsAnyTasksThatHadBegun) {
  const auto blames = judge({running(), running(), {.runs = true}}, kExited7, true);
  EXPECT_EQ(blames[0].suspects, 2U);
  EXPECT_EQ(blames[1].suspects, 2U);
  EXPECT_FALSE(blames[1].exit_of_another);
  EXPECT_TRUE(blames[2].exit_of_another) << "it had not begun";
  EXPECT_EQ(blames[2].suspects, 0U);
}

TEST(Blame, AProcessOfOneSlotHasOneToBlame) {
  EXPECT_TRUE(judge({crashed()}, SIGSEGV, false)[0].crash);
  EXPECT_FALSE(judge({running()}, kExited7, false)[0].exit_of_another);
}

}  // namespace blame_test
}  // namespace flame::runner
