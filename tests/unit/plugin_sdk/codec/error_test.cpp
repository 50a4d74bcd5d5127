// Texts of errors, and how a Result throws.
#include <gtest/gtest.h>

#include <csignal>

#include <flame/error.hpp>
#include <flame/result.hpp>

namespace {

using flame::Error;
using flame::ErrorCode;

TEST(ErrorText, IsOneLineWithEverythingThatIsKnown) {
  Error error;
  error.code = ErrorCode::crashed;
  error.signal = SIGSEGV;
  error.plugin = "video@1.4.0";
  error.runner = "r-3";
  EXPECT_EQ(error.to_string(), "crashed: Segmentation fault (signal 11) in video@1.4.0 on runner r-3");
  error.invocation = 17;
  EXPECT_EQ(error.to_string(), "crashed: Segmentation fault (signal 11) in video@1.4.0 on runner r-3 (invocation 17)");
  error = {};
  error.code = ErrorCode::task_failed;
  error.type = "std::runtime_error";
  error.message = "two\nlines";
  EXPECT_EQ(error.to_string(), "task_failed: std::runtime_error: two lines");
}

TEST(ErrorText, TellsTheSignalOrExitCodeOnce) {
  Error error;
  error.code = ErrorCode::crashed;
  error.signal = SIGKILL;
  error.message = "The task's process died: killed (signal 9). Look for it.";
  EXPECT_EQ(error.to_string(), "crashed: The task's process died: killed (signal 9). Look for it.");
  error.message = "The slot is gone.";
  EXPECT_EQ(error.to_string(), "crashed: Killed (signal 9): The slot is gone.");
  error.signal = 0;
  error.exit_code = 3;
  EXPECT_EQ(error.to_string(), "crashed: exit code 3: The slot is gone.");
  error.message = "The task ended its process with exit code 3.";
  EXPECT_EQ(error.to_string(), "crashed: The task ended its process with exit code 3.");
}

TEST(ErrorText, NamesEveryCode) {
  EXPECT_EQ(to_string(ErrorCode::none), "none");
  EXPECT_EQ(to_string(ErrorCode::queue_timed_out), "queue_timed_out");
  EXPECT_EQ(to_string(ErrorCode::shutting_down), "shutting_down");
  EXPECT_EQ(to_string(static_cast<ErrorCode>(200)), "unknown");
}

TEST(Result, ThrowsACallErrorWithTheWholeError) {
  Error error;
  error.code = ErrorCode::not_found;
  error.message = "no such task";
  const flame::Result<int> result(error);
  try {
    static_cast<void>(result.value());
    FAIL() << "no exception";
  } catch (const flame::CallError& e) {
    EXPECT_EQ(e.code(), ErrorCode::not_found);
    EXPECT_STREQ(e.what(), "not_found: no such task");
  }
}

}  // namespace
