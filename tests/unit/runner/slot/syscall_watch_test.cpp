// Calls that make no system call, and what the watch makes of the others. In processes of their own: the watch is set
// for a thread until it ends.
#include "runner/slot/syscall_watch.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runner/slot/process_hygiene.hpp"

namespace flame::slot {
namespace syscall_watch_test {

TEST(WatchPace, WatchesATaskWhoseCallsMakeNone) {
  WatchPace pace;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(pace.due(1)) << i;
    pace.ended(1, false);
  }
}

TEST(WatchPace, LooksMoreAndMoreSeldomAtATaskThatAlwaysMakesSome) {
  WatchPace pace;
  std::uint32_t watched = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (!pace.due(1)) continue;
    pace.ended(1, true);
    ++watched;
  }
  EXPECT_LT(watched, 60U);
  EXPECT_GT(watched, 10'000 / WatchPace::kSkipMax) << "it may have become another";
}

TEST(WatchPace, WatchesATaskAgainAfterOneCallWithout) {
  WatchPace pace;
  ASSERT_TRUE(pace.due(1));
  pace.ended(1, true);
  EXPECT_FALSE(pace.due(1));
  ASSERT_TRUE(pace.due(1));
  pace.ended(1, false);
  EXPECT_TRUE(pace.due(1));
}

TEST(WatchPace, KnowsTasksApart) {
  WatchPace pace;
  ASSERT_TRUE(pace.due(1));
  pace.ended(1, true);
  EXPECT_TRUE(pace.due(2));
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void nothing() {}

/// After a watched `task` the watch says that it made no system call.
bool untouched_by(void (*task)()) {
  SyscallWatch watch;
  watch.looked(StatusReader().read());
  watch.task_begins(1);
  task();
  watch.task_ended();
  return watch.untouched();
}

bool set_signal_stack(std::size_t size) {
  static std::array<char, 64 * 1024> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = size;
  return ::sigaltstack(&stack, nullptr) == 0;
}

// EXPECT_EXIT forks, so that the process has one thread.
void expect_in_child(bool (*check)()) {
  EXPECT_EXIT(std::_Exit(check() ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST(SyscallWatch, KnowsATaskThatMadeNone) {
  expect_in_child([] { return untouched_by(nothing); });
}

TEST(SyscallWatch, NoticesTheFirstAndLetsAllPass) {
  expect_in_child([] {
    static pid_t parent = 0;
    static pid_t group = -1;
    const pid_t expected = ::getppid();
    return !untouched_by([] {
      parent = ::getppid();
      group = ::getpgid(0);
    }) && parent == expected &&
           group == ::getpgrp();
  });
}

TEST(SyscallWatch, LetsAForkedChildAlone) {
  expect_in_child([] {
    static int status = -1;
    const bool untouched = untouched_by([] {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(::getppid() > 0 ? 7 : 8);
      ::waitpid(child, &status, 0);
    });
    return !untouched && WIFEXITED(status) && WEXITSTATUS(status) == 7;
  });
}

TEST(SyscallWatch, RemembersWhatWasNotWatchedUntilSomebodyHasLooked) {
  expect_in_child([] {
    SyscallWatch watch;
    watch.looked(StatusReader().read());
    watch.touched();
    watch.task_begins(1);
    watch.task_ended();
    if (watch.untouched()) return false;
    watch.looked(StatusReader().read());
    return watch.untouched();
  });
}

TEST(SyscallWatch, KeepsOutWhereAHandlerWouldBlockItsSignal) {
  expect_in_child([] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigfillset(&action.sa_mask);
    ::sigaction(SIGSEGV, &action, nullptr);
    return !untouched_by(nothing);
  });
}

TEST(SyscallWatch, KeepsOutWhereItsSignalIsBlockedOrTaken) {
  expect_in_child([] {
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGSYS);
    ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
    return !untouched_by(nothing);
  });
  expect_in_child([] {
    ::signal(SIGSYS, [](int) {});
    return !untouched_by(nothing);
  });
}

TEST(SyscallWatch, KeepsOutWhereTheSignalStackIsTooSmallForItsHandler) {
  expect_in_child([] { return set_signal_stack(2048) && !untouched_by(nothing); });
  expect_in_child([] { return set_signal_stack(64 * 1024) && untouched_by(nothing); });
}

TEST(SyscallWatch, KeepsOutAfterACallThatNobodyHasLookedAt) {
  expect_in_child([] {
    SyscallWatch watch;
    watch.looked(StatusReader().read());
    watch.touched();
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGSYS);
    ::pthread_sigmask(SIG_BLOCK, &mask, nullptr);
    watch.task_begins(1);
    static_cast<void>(::getppid());  // the kernel would kill for it
    watch.task_ended();
    return !watch.untouched();
  });
}

TEST(SyscallWatch, KeepsOutBesideOtherThreads) {
  expect_in_child([] {
    std::jthread other([](const std::stop_token& stop) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any().wait(lock, stop, [] { return false; });
    });
    return !untouched_by(nothing);
  });
}

TEST(SyscallWatch, LeavesTheSignalOfOthersItsMeaning) {
  EXPECT_EXIT(
      {
        const SyscallWatch watch;
        ::raise(SIGSYS);
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGSYS), "");
}

#endif

}  // namespace syscall_watch_test
}  // namespace flame::slot
