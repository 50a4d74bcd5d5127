// What hygiene compares in the kernel, with this process in the place of a slot.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "plugin_sdk/base/fork_guard.hpp"
#include "runner/slot/child_watch.hpp"
#include "runner/slot/exit_watch.hpp"
#include "runner/slot/proc_file.hpp"
#include "runner/slot/process_hygiene.hpp"
#include "runner/slot/resource_watch.hpp"
#include "runner/slot/running_calls.hpp"
#include "runner/slot/signal_action.hpp"
#include "runner/slot/streams.hpp"
#include "runner/slot/timer_watch.hpp"

namespace flame::slot {
namespace watches_test {

/// Runs `look` in a child, so that this process stays as it is; true if it was true there.
template <typename Look>
bool in_a_child(Look look) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(look() ? 0 : 1);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

pid_t sleeper() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return child;
}

TEST(ProcFileTest, IsOpenedAnewWhenItsNumberWasTakenFromIt) {
  EXPECT_TRUE(in_a_child([] {
    ProcFile file("/proc/self/status", "Name:");
    std::array<char, 4096> buffer{};
    if (!file.read(buffer).starts_with("Name:")) return false;
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    for (int i = 0; i < 64; ++i) static_cast<void>(::open("/dev/zero", O_RDONLY));
    return file.read(buffer).starts_with("Name:");
  }));
}

TEST(LimitsWatchTest, SeesAnyLimitAndExpectsTheRunnersOwn) {
  EXPECT_TRUE(in_a_child([] {
    LimitsWatch watch;
    if (watch.changed()) return false;
    rlimit cpu{};
    ::getrlimit(RLIMIT_CPU, &cpu);
    cpu.rlim_cur = 12345;
    ::setrlimit(RLIMIT_CPU, &cpu);
    if (!watch.changed()) return false;
    watch.expect_cpu_limit(12345);
    if (watch.changed()) return false;
    const rlimit core{0, 0};
    ::setrlimit(RLIMIT_CORE, &core);
    const rlimit files{40, 40};
    ::setrlimit(RLIMIT_NOFILE, &files);
    return watch.changed();
  }));
}

TEST(SchedulingTest, ShowsNice) {
  EXPECT_TRUE(in_a_child([] {
    const Scheduling home = present_scheduling();
    return home == present_scheduling() && ::setpriority(PRIO_PROCESS, 0, 19) == 0 && !(home == present_scheduling());
  }));
}

TEST(SchedulingTest, OfAThreadIsPutBackOrItSaysThatItMayNot) {
  EXPECT_TRUE(in_a_child([] {
    const Scheduling home = present_scheduling();
    const ThreadScheduling thread;
    cpu_set_t all;
    cpu_set_t now;
    ::sched_getaffinity(0, sizeof(all), &all);
    cpu_set_t one = all;
    for (std::size_t cpu = CPU_SETSIZE - 1; CPU_COUNT(&one) > 1; --cpu) CPU_CLR(cpu, &one);
    ::sched_setaffinity(0, sizeof(one), &one);
    ::setpriority(PRIO_PROCESS, 0, 19);
    const bool restored = thread.restore();
    ::sched_getaffinity(0, sizeof(now), &now);
    return CPU_EQUAL(&now, &all) != 0 && restored == (present_scheduling() == home);
  }));
}

TEST(ExitWatchTest, SeesAnExitOfTheSlotAndNotOfAChildOfItsTasks) {
  void* shared = ::mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* page = new (shared) ControlPage;
  EXPECT_TRUE(in_a_child([page] {
    watch_exit(page);
    const auto exit_well = []() -> bool { std::quick_exit(0); };
    if (!in_a_child(exit_well) || page->exited.load() != 0) return false;
    return exit_well();
  }));
  EXPECT_EQ(page->exited.load(), 1U);
  ::munmap(shared, kControlBytes);
}

TEST(HandlerWatchTest, SeesAHandlerThatTookThePlaceOfAnother) {
  EXPECT_TRUE(in_a_child([] {
    ::signal(SIGUSR1, [](int) { static_cast<void>(::getpid()); });
    const HandlerWatch watch(StatusReader().read().caught);
    struct sigaction home {};
    ::sigaction(SIGUSR1, nullptr, &home);
    ::signal(SIGUSR1, [](int) { static_cast<void>(::getppid()); });
    if (!watch.changed()) return false;
    ::sigaction(SIGUSR1, &home, nullptr);
    return !watch.changed();
  }));
}

TEST(RunningCallsTest, TellWhetherTheCallersCallWasAloneAllTheTime) {
  RunningCalls calls;
  EXPECT_FALSE(calls.now().one_runs());
  const RunningCall own(calls);
  const RunningCalls::Moment before = calls.now();
  EXPECT_TRUE(before.one_runs());
  EXPECT_EQ(calls.now(), before);
  {
    const RunningCall other(calls);
    EXPECT_FALSE(calls.now().one_runs());
  }
  EXPECT_TRUE(calls.now().one_runs());
  EXPECT_NE(calls.now(), before) << "another has come and gone";
}

TEST(TimerWatchTest, EndsWhatACallSetAndLetsAProfilerBe) {
  EXPECT_TRUE(in_a_child([] {
    ::signal(SIGPROF, SIG_IGN);
    const itimerval profile{{0, 200'000}, {0, 200'000}};
    ::setitimer(ITIMER_PROF, &profile, nullptr);
    const TimerWatch watch;
    ::alarm(100);
    const itimerval other{{7, 0}, {7, 0}};
    ::setitimer(ITIMER_PROF, &other, nullptr);
    watch.restore_interval_timers();
    itimerval real{};
    itimerval now{};
    ::getitimer(ITIMER_REAL, &real);
    ::getitimer(ITIMER_PROF, &now);
    return real.it_value.tv_sec == 0 && real.it_value.tv_usec == 0 && now.it_interval.tv_usec == 200'000;
  }));
}

TEST(TimerWatchTest, FindsAPosixTimerThatWasNotThereAtTheStart) {
  EXPECT_TRUE(in_a_child([] {
    timer_t before{};
    ::timer_create(CLOCK_MONOTONIC, nullptr, &before);
    TimerWatch watch;
    if (watch.changed()) return false;
    timer_t timer{};
    ::timer_create(CLOCK_MONOTONIC, nullptr, &timer);
    if (!watch.changed()) return false;
    ::timer_delete(timer);
    return !watch.changed();
  }));
}

TEST(ChildWatchTest, TakesHelpersForTheirOwnersAndOthersForLeft) {
  EXPECT_TRUE(in_a_child([] {
    const pid_t helper = sleeper();
    ChildWatch watch;
    if (watch.child_left(true)) return false;
    const pid_t other = sleeper();
    if (!watch.child_left(true)) return false;
    ::kill(other, SIGKILL);
    while (watch.child_left(true)) continue;  // until it has been reaped
    ::kill(helper, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(helper), &info, WEXITED | WNOWAIT);
    return !watch.child_left(true) && ::waitpid(helper, nullptr, 0) == helper;
  }));
}

#ifndef __SANITIZE_THREAD__  // it does not survive a thread that a forked child starts
TEST(ChildWatchTest, AHelperThatAnotherThreadOfTheStartMadeIsItsOwners) {
  EXPECT_TRUE(in_a_child([] {
    ::alarm(30);
    std::promise<pid_t> made;
    std::thread([&made] {
      made.set_value(sleeper());
      for (;;) ::pause();
    }).detach();
    const pid_t helper = made.get_future().get();
    ChildWatch watch;
    const bool left = watch.child_left(false);
    ::kill(helper, SIGKILL);
    return !left;
  }));
}

TEST(ChildWatchTest, TheChildOfAnotherThreadIsFoundAndLeftForItToReap) {
  EXPECT_TRUE(in_a_child([] {
    ::alarm(30);
    ChildWatch watch;
    std::promise<pid_t> made;
    std::thread([&made] {
      made.set_value(sleeper());
      for (;;) ::pause();
    }).detach();
    const pid_t child = made.get_future().get();
    const bool found = watch.child_left(false);
    ::kill(child, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    return found && !watch.child_left(false) && ::waitpid(child, nullptr, 0) == child;
  }));
}
#endif

TEST(ChildWatchTest, WithoutHelpersReapsWhatHasEnded) {
  EXPECT_TRUE(in_a_child([] {
    ChildWatch watch;
    const pid_t child = sleeper();
    if (!watch.child_left(true)) return false;
    ::kill(child, SIGKILL);
    while (watch.child_left(true)) continue;
    return ::waitpid(child, nullptr, 0) == -1 && errno == ECHILD;
  }));
}

TEST(OpenFilesTest, CountsOnlyWhereTheTableCouldHoldSoMany) {
  EXPECT_TRUE(in_a_child([] {
    const rlimit limit{256, 256};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const OpenFiles files;
    if (files.short_of(64) || files.short_of(256)) return false;
    for (int i = 0; i < 140; ++i) static_cast<void>(::open("/dev/null", O_RDONLY));
    return files.more_than_at_start() == 140 && files.short_of(256) && !files.short_of(64);
  }));
}

TEST(OpenFilesTest, AProcessWithoutAFreeDescriptorIsCountedAsFullByTheListToo) {
  EXPECT_TRUE(in_a_child([] {
    const rlimit limit{256, 256};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const long before = listed_descriptors();
    while (::open("/dev/null", O_RDONLY) >= 0) continue;
    return before < 128 && listed_descriptors() == 256;
  }));
}

TEST(ForkGuardTest, KnowsAChild) {
  const base::ForkGuard guard;
  EXPECT_FALSE(guard.in_child());
  EXPECT_TRUE(in_a_child([&guard] { return guard.in_child(); }));
}

#ifndef __SANITIZE_THREAD__  // it does not survive a thread that a forked child starts
TEST(StreamsTest, AreNotWaitedForWhereAThreadHasTheLock) {
  EXPECT_TRUE(in_a_child([] {
    ::alarm(30);
    pthread_t thread{};
    static int ready[2];
    if (::pipe(ready) != 0) return false;
    const auto hold = [](void*) -> void* {
      ::flockfile(stdout);
      static_cast<void>(!::write(ready[1], "x", 1));
      for (;;) ::pause();
    };
    ::pthread_create(&thread, nullptr, hold, nullptr);
    char byte = 0;
    static_cast<void>(!::read(ready[0], &byte, 1));
    flush_streams();
    return true;
  }));
}
#endif

}  // namespace watches_test
}  // namespace flame::slot
