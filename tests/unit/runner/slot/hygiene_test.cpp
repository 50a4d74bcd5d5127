// What tasks leave behind: restored, or the slot is discarded with the reason, after its result was delivered.
#include <signal.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/unit/runner/slots/slot_harness.hpp"

namespace flame::slot {
namespace hygiene_test {

/// Exists and is no zombie.
bool running(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string number, name, state;
  return file >> number >> name >> state && state != "Z";
}

class HygieneAfterACall : public SlotTest {
 protected:
  /// Its last call made no system call, so that the next is watched for one.
  TestSlot& watched_slot(SlotLimits limits = {}) {
    TestSlot& slot = hostile_slot(limits);
    call(slot, "echo", "x");
    return slot;
  }
  /// The result is delivered, then the slot is given up for a reason with this word.
  void expect_discarded(std::string_view task, std::string_view word) {
    TestSlot& slot = watched_slot();
    call(slot, task);
    ASSERT_TRUE(slot.result.has_value());
    EXPECT_EQ(slot.result->error.code, ErrorCode::none);
    EXPECT_NE(slot.discard_reason.find(word), std::string::npos) << slot.discard_reason;
  }
};

TEST_F(HygieneAfterACall, AThreadThatSleepsIsKeptAndCounted) {
  TestSlot& slot = watched_slot();
  call(slot, "leaves_thread");
  EXPECT_EQ(slot.discard_reason, "");
#ifdef __SANITIZE_THREAD__  // it may start a thread of its own beside the first
  EXPECT_GE(slot.threads, 1U);
#else
  EXPECT_EQ(slot.threads, 1U);
  call(slot, "echo", "x");
  EXPECT_EQ(slot.threads, 1U);
#endif
}
TEST_F(HygieneAfterACall, AThreadMoreWithEachCallDiscardsTheSlot) {
  TestSlot& slot = watched_slot();
  std::uint32_t calls = 0;
  for (; calls < 2 * limits::kThreadGrowthMax && slot.discard_reason.empty(); ++calls) call(slot, "leaves_thread");
  EXPECT_EQ(slot.discard, DiscardReason::thread_leak) << slot.discard_reason;
  EXPECT_EQ(calls, limits::kThreadGrowthMax);
}
TEST_F(HygieneAfterACall, WhereThreadsAreNotKeptOneDiscardsTheSlot) {
  TestSlot& slot = watched_slot({.discard_threads = 1});
  call(slot, "leaves_thread");
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->error.code, ErrorCode::none);
  EXPECT_EQ(slot.discard, DiscardReason::threads) << slot.discard_reason;
}
TEST_F(HygieneAfterACall, AChildLeftRunningDiscardsTheSlot) {
  expect_discarded("leaves_child", "child");
}
TEST_F(HygieneAfterACall, ADaemonChildDiscardsTheSlot) {
  expect_discarded("changes_session", "child");
}
TEST_F(HygieneAfterACall, APosixTimerLeftDiscardsTheSlot) {
  expect_discarded("leaves_posix_timer", "timer");
}

#if !defined(__SANITIZE_THREAD__)  // which has a thread of its own in each process, and these count threads
TEST_F(HygieneAfterACall, AJoinedThreadDoesNotCount) {
  TestSlot& slot = watched_slot();
  for (int i = 0; i < 50; ++i) {
    call(slot, "joins_thread");
    ASSERT_EQ(slot.discard_reason, "");
  }
}
#endif

TEST_F(HygieneAfterACall, AnAlarmDoesNotReachTheNextCall) {
  TestSlot& slot = watched_slot();
  call(slot, "leaves_alarm");
  ASSERT_EQ(slot.discard_reason, "");
  begin(slot, "waits_for_stop", {});
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);  // the alarm was due at 20 ms
  while (std::chrono::steady_clock::now() < end && !slot.closed) turn();
  ASSERT_FALSE(slot.closed.has_value());
  slot.handle->request_stop();
  EXPECT_TRUE(until([&] { return slot.ready; }));
}

TEST_F(HygieneAfterACall, DirectoryUmaskAndSignalMaskAreRestored) {
  TestSlot& slot = watched_slot();
  call(slot, "process_state");
  const std::string before = table(slot);
  EXPECT_STREQ(before.c_str(), std::filesystem::current_path().c_str());
  call(slot, "changes_cwd_and_umask");
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.discard_reason, "");
  call(slot, "process_state");
  EXPECT_EQ(table(slot), before);
}

TEST_F(HygieneAfterACall, AForkThatReturnsFromTheTaskAnswersOnce) {
  TestSlot& slot = watched_slot();
  call(slot, "forks_and_returns");
  ASSERT_TRUE(slot.result.has_value());
  ASSERT_TRUE(slot.ready);
  // The child ends without a word: a second result would break the protocol, a second slot would stay.
  pid_t child = 0;
  ASSERT_EQ(table(slot).size(), sizeof(child));
  std::memcpy(&child, table(slot).data(), sizeof(child));
  EXPECT_TRUE(until([&] { return !running(child); }));
  turn();
  EXPECT_FALSE(slot.closed.has_value());
  if (!slot.discard_reason.empty()) return;  // it still ran when the slot looked
  call(slot, "echo", "x");
  EXPECT_EQ(table(slot), "x");
}

}  // namespace hygiene_test
}  // namespace flame::slot
