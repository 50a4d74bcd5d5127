// guard(): what the two processes that know the keys show of themselves.
#include "runner/os/guardian.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "tests/support/eventually.hpp"

namespace flame::runner {
namespace guardian_test {

constexpr int kSupervised = 42;

bool dumpable() {
  return ::prctl(PR_GET_DUMPABLE) != 0;
}

int supervise_for_test(const std::string& bytes) {
  return bytes == "the keys" && !dumpable() ? kSupervised : 1;
}

// In a process of its own, because the guardian is one for good.
[[noreturn]] void guard_and_exit() {
  ParentBytes parent{"the keys", {}};
  const int status = guard(parent, supervise_for_test);
  ::_exit(status == kSupervised && !dumpable() && parent.bytes.empty() ? 0 : 1);
}

constexpr auto kStandstill = std::chrono::milliseconds(200);

// Stops itself; ends as it should when somebody lets it go on.
int stand_still(const std::string&) {
  ::raise(SIGSTOP);
  return kSupervised;
}

// Goes on in time, and then takes longer than it may stand still.
int stand_still_for_a_moment(const std::string&) {
  const pid_t self = ::getpid();
  if (::fork() == 0) {
    static_cast<void>(test::eventually([&] { return ::kill(self, SIGCONT) != 0 || ::getppid() != self; }));
    ::_exit(0);
  }
  ::raise(SIGSTOP);
  const auto later = std::chrono::steady_clock::now() + 2 * kStandstill;
  static_cast<void>(test::eventually([&] { return std::chrono::steady_clock::now() >= later; }));
  return kSupervised;
}

int guarded(int (*supervise)(const std::string&), bool while_starter_lives = false) {
  const pid_t guardian = ::fork();
  if (guardian == 0) {
    ParentBytes parent{"the keys", {}};
    ::_exit(guard(parent, supervise, {.standstill = kStandstill, .while_starter_lives = while_starter_lives}));
  }
  int status = 0;
  EXPECT_EQ(::waitpid(guardian, &status, 0), guardian);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Guardian, ASupervisorThatStandsStillIsKilled) {
  EXPECT_EQ(guarded(stand_still), 128 + SIGKILL);
}

TEST(Guardian, ASupervisorThatGoesOnInTimeIsNot) {
  EXPECT_EQ(guarded(stand_still_for_a_moment), kSupervised);
}

// With SIGCHLD ignored the kernel reaps by itself, and nobody would hear of the supervisor's end.
TEST(Guardian, SignalsThatItsParentIgnoredOrBlockedHaveTheirDefaultsAgain) {
  const pid_t guardian = ::fork();
  if (guardian == 0) {
    ::signal(SIGCHLD, SIG_IGN);
    ::signal(SIGUSR1, SIG_IGN);
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &usr2, nullptr);
    ParentBytes parent{"the keys", {}};
    ::_exit(guard(parent, [](const std::string&) {
      sigset_t mask;
      ::sigprocmask(SIG_BLOCK, nullptr, &mask);
      const bool defaults = ::signal(SIGUSR1, SIG_DFL) == SIG_DFL && ::signal(SIGCHLD, SIG_DFL) == SIG_DFL;
      return defaults && sigismember(&mask, SIGUSR2) == 0 ? kSupervised : 1;
    }));
  }
  int status = 0;
  ASSERT_TRUE(test::eventually([&] { return ::waitpid(guardian, &status, WNOHANG) == guardian; }));
  EXPECT_EQ(WEXITSTATUS(status), kSupervised);
}

// Stands still for longer than it may, and is let go on then.
int stand_still_for_long(const std::string&) {
  const pid_t self = ::getpid();
  if (::fork() == 0) {
    const auto later = std::chrono::steady_clock::now() + 4 * kStandstill;
    static_cast<void>(test::eventually([&] { return std::chrono::steady_clock::now() >= later; }));
    ::kill(self, SIGCONT);
    ::_exit(0);
  }
  ::raise(SIGSTOP);
  return kSupervised;
}

TEST(Guardian, OverIpcASupervisorThatStandsStillIsKeptWhileItsStarterLives) {
  EXPECT_EQ(guarded(stand_still_for_long, true), kSupervised);
  EXPECT_EQ(guarded(stand_still_for_long, false), 128 + SIGKILL) << "else this test shows nothing";
}

TEST(Guardian, NeitherItNorTheSupervisorCanBeDumpedOrTraced) {
  ASSERT_TRUE(dumpable()) << "else this test shows nothing";
  const pid_t guardian = ::fork();
  ASSERT_GE(guardian, 0);
  if (guardian == 0) guard_and_exit();
  int status = 0;
  ASSERT_EQ(::waitpid(guardian, &status, 0), guardian);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace guardian_test
}  // namespace flame::runner
