// describe_death(): which error a dead slot is.
#include "runner/processes/crash_report.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdint>

namespace flame::runner {
namespace crash_report_test {

using namespace std::chrono_literals;

constexpr int exited(int code) {
  return code << 8;
}
constexpr int signalled(int signal) {
  return signal;
}

Death death(int status) {
  Death result;
  result.wait_status = status;
  result.started = Started::yes;
  return result;
}

TEST(CrashReport, ASignalIsCrashedWithItsName) {
  const Error error = describe_death(death(signalled(SIGSEGV)));
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("segmentation fault (signal 11)"), std::string::npos) << error.message;
  EXPECT_EQ(error.started, Started::yes);
}

TEST(CrashReport, EachSignalIsToldOnceAndWithItsOwnRemedy) {
  for (const auto& [signal, remedy] :
       {std::pair{SIGSEGV, "Debug the plugin."}, std::pair{SIGXCPU, "limits.cpu_time"},
        std::pair{SIGABRT, "failed assertion"}, std::pair{SIGTERM, "FLAME did not send it"},
        std::pair{SIGKILL, "FLAME did not send it"}}) {
    const Error error = describe_death(death(signalled(signal)));
    EXPECT_NE(error.message.find(remedy), std::string::npos) << error.message;
    const std::string once = signal_text(signal);
    EXPECT_NE(error.message.find(once), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find(once), error.message.rfind(once)) << error.message;
    EXPECT_EQ(error.to_string(), "crashed: " + error.message);
  }
  EXPECT_EQ(describe_death(death(signalled(SIGKILL))).message.find("Debug"), std::string::npos)
      << "no fault of the plugin";
}

TEST(CrashReport, ACrashThatHadToBeKilledIsTheCrash) {
  Death hung = death(signalled(SIGKILL));
  hung.crash = slot::CrashReport{SIGSEGV, 0x10, false, false, {}};
  const Error error = describe_death(hung);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("segmentation fault (signal 11) at address 0x10"), std::string::npos) << error.message;
}

TEST(CrashReport, ACallThatNeverGotASlotIsToldWhatKeptItFromOne) {
  Death waiting;
  waiting.cause = StopCause::timed_out;
  waiting.started = Started::no;
  EXPECT_NE(describe_death(waiting).message.find("all slots were busy"), std::string::npos);
  waiting.waited_for = "the plugin's zygote has not answered a request for a slot for 4s";
  EXPECT_EQ(describe_death(waiting).code, ErrorCode::timed_out);
  EXPECT_NE(describe_death(waiting).message.find(waiting.waited_for), std::string::npos);
  EXPECT_EQ(describe_death(waiting).message.find("start()"), std::string::npos);
}

TEST(CrashReport, TheExitOfAnotherTaskIsCollateral) {
  Death beside = death(exited(7));
  beside.collateral = beside.exit_of_another = true;
  beside.started = Started::no;
  const Error error = describe_death(beside);
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_TRUE(error.collateral);
  EXPECT_EQ(error.exit_code, 7);
  EXPECT_EQ(error.started, Started::no);
  EXPECT_NE(error.message.find("Another task of the same process called exit()"), std::string::npos) << error.message;
}

TEST(CrashReport, OneOfSeveralSuspectsIsNotToldThatItWasTheOne) {
  Death exit = death(exited(7));
  exit.suspects = 3;
  EXPECT_NE(describe_death(exit).message.find("One of the 3 tasks that ran there"), std::string::npos);
  EXPECT_EQ(describe_death(exit).exit_code, 7);
  Death crash = death(signalled(SIGSEGV));
  crash.suspects = 2;
  EXPECT_NE(describe_death(crash).message.find("One of the 2 tasks that ran there"), std::string::npos);
}

TEST(CrashReport, AProcessThatEndedForWantOfAThreadSaysWhatToRaise) {
  Death openmp = death(exited(1));
  openmp.log_tail = "libgomp: Thread creation failed: Resource temporarily unavailable\n";
  EXPECT_NE(describe_death(openmp).message.find("limits.memory"), std::string::npos) << describe_death(openmp).message;
  Death aborted = death(signalled(SIGABRT));
  aborted.log_tail = "terminate called ... what():  Resource temporarily unavailable\n";
  EXPECT_NE(describe_death(aborted).message.find("limits.memory"), std::string::npos);
  EXPECT_EQ(describe_death(death(exited(1))).message.find("limits.memory"), std::string::npos);
}

TEST(CrashReport, AThreadThatWasDestroyedBeforeItsJoinMayHaveLackedMemoryForAnother) {
  Death aborted = death(signalled(SIGABRT));
  aborted.log_tail = "terminate called without an active exception\n";
  EXPECT_NE(describe_death(aborted).message.find("limits.memory"), std::string::npos)
      << describe_death(aborted).message;
  aborted.log_tail = "FATAL: exception not rethrown\n";
  EXPECT_NE(describe_death(aborted).message.find("pthread_exit()"), std::string::npos);
  EXPECT_EQ(describe_death(aborted).message.find("limits.memory"), std::string::npos);
  aborted.log_tail.clear();
  EXPECT_EQ(describe_death(aborted).message.find("limits.memory"), std::string::npos);
}

TEST(CrashReport, ACrashWithoutAReportNamesWhatKeepsTheReportFromBeingWritten) {
  const auto text = [](int signal) { return describe_death(death(signalled(signal))).message; };
  EXPECT_NE(text(SIGSEGV).find("OMP_STACKSIZE"), std::string::npos) << text(SIGSEGV);
  EXPECT_NE(text(SIGSEGV).find("limits.core = true"), std::string::npos) << text(SIGSEGV);
  EXPECT_NE(text(SIGFPE).find("blocked"), std::string::npos) << text(SIGFPE);
  EXPECT_EQ(text(SIGFPE).find("stack"), std::string::npos) << text(SIGFPE);
  for (const int signal : {SIGABRT, SIGTERM, SIGKILL, SIGXCPU}) {
    EXPECT_EQ(text(signal).find("No report"), std::string::npos) << text(signal);
  }
  Death reported = death(signalled(SIGSEGV));
  reported.crash = slot::CrashReport{SIGSEGV, 0x10, false, false, {}};
  EXPECT_EQ(describe_death(reported).message.find("No report"), std::string::npos);
  Death loading = death(signalled(SIGSEGV));
  loading.before_ready = true;
  EXPECT_EQ(describe_death(loading).message.find("No report"), std::string::npos) << "nobody reports there";
}

TEST(CrashReport, TheEndOfTheTasksThreadIsToldApartFromAnExit) {
  Death ended = death(exited(slot::kExitThreadEnded));
  EXPECT_EQ(describe_death(ended).code, ErrorCode::crashed);
  EXPECT_EQ(describe_death(ended).message,
            "The task ended its thread (pthread_exit() or a cancellation). Return or throw instead.");
  ended.collateral = ended.exit_of_another = true;
  EXPECT_TRUE(describe_death(ended).message.starts_with("Another task of the same process ended its thread."));
}

TEST(CrashReport, AnExitIsCrashedWithItsCode) {
  const Error error = describe_death(death(exited(3)));
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.exit_code, 3);
  EXPECT_EQ(error.signal, 0);
}

TEST(CrashReport, ADeadlineThatPassedBeforeTheTaskBeganPointsAtStart) {
  Death killed = death(signalled(SIGKILL));
  killed.cause = StopCause::timed_out;
  killed.started = Started::no;
  EXPECT_NE(describe_death(killed).message.find("start()"), std::string::npos);
  killed.started = Started::yes;
  EXPECT_EQ(describe_death(killed).message.find("start()"), std::string::npos);
}

TEST(CrashReport, ADeathBeforeAnyCallNamesThePluginsHook) {
  Death early = death(signalled(SIGSEGV));
  early.started = Started::no;
  early.before_ready = true;
  early.in_start_slot = true;
  const Error crash = describe_death(early);
  EXPECT_EQ(crash.code, ErrorCode::crashed);
  EXPECT_TRUE(crash.message.starts_with("The plugin's start_slot() crashed: segmentation fault")) << crash.message;
  early.allocation_failed = true;
  const Error memory = describe_death(early);
  EXPECT_EQ(memory.code, ErrorCode::out_of_memory);
  EXPECT_TRUE(memory.message.starts_with("The plugin's start_slot() ran out of memory.")) << memory.message;
  early = death(exited(3));
  early.before_ready = true;
  EXPECT_TRUE(describe_death(early).message.starts_with("The plugin, as it was loaded for a slot, ended its process"));
}

TEST(CrashReport, AHookThatDoesNotReturnIsTimedOutWithTheRemedy) {
  const Error error = describe_overdue("start()", std::chrono::seconds(30), "loading");
  EXPECT_EQ(error.code, ErrorCode::timed_out);
  EXPECT_EQ(error.started, Started::no);
  EXPECT_EQ(error.log_tail, "loading");
  EXPECT_NE(error.message.find("The plugin's start() did not return within 30s"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("Raise boot_timeout"), std::string::npos) << error.message;
}

TEST(CrashReport, AKillOfOursHasItsCause) {
  for (const auto& [cause, code] :
       {std::pair{StopCause::timed_out, ErrorCode::timed_out}, std::pair{StopCause::cancelled, ErrorCode::cancelled},
        std::pair{StopCause::shutting_down, ErrorCode::shutting_down}}) {
    Death killed = death(signalled(SIGKILL));
    killed.cause = cause;
    killed.allocation_failed = true;
    EXPECT_EQ(describe_death(killed).code, code);
  }
}

TEST(CrashReport, AFailedAllocationBeforeTheDeathIsOutOfMemory) {
  Death null_pointer = death(signalled(SIGSEGV));
  null_pointer.allocation_failed = true;
  const Error error = describe_death(null_pointer);
  EXPECT_EQ(error.code, ErrorCode::out_of_memory);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_EQ(error.message.find("Debug the plugin"), std::string::npos) << error.message;
}

TEST(CrashReport, AForeignSigkillIsOutOfMemoryOnlyIfTheKernelKilled) {
  Death killed = death(signalled(SIGKILL));
  EXPECT_EQ(describe_death(killed).code, ErrorCode::crashed);
  killed.oom_killed = true;
  EXPECT_EQ(describe_death(killed).code, ErrorCode::out_of_memory);
}

TEST(CrashReport, AnInnocentCallIsCollateral) {
  Death innocent = death(signalled(SIGKILL));
  innocent.collateral = true;
  const Error error = describe_death(innocent);
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_TRUE(error.collateral);
}

TEST(CrashReport, AnInnocentCallInACrashedProcessLearnsOfTheCrash) {
  Death innocent = death(signalled(SIGSEGV));
  innocent.collateral = true;
  innocent.crash_of_another = SIGSEGV;
  const Error error = describe_death(innocent);
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_TRUE(error.collateral);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_TRUE(error.message.starts_with("Another task of the same process crashed it: segmentation fault (signal 11)."))
      << error.message;
}

TEST(CrashReport, AClosedChannelIsNamed) {
  Death closed = death(signalled(SIGKILL));
  closed.channel_lost = "the task closed the runner's channel";
  EXPECT_EQ(describe_death(closed).message, "the task closed the runner's channel");
  EXPECT_NE(describe_death(death(exited(slot::kExitChannelLost))).message.find("channel"), std::string::npos);
}

TEST(CrashReport, UsageIsWhatTheInvocationUsedAndNotItsProcess) {
  Usage begin;
  begin.wall_ns = Duration(1000s).count();
  begin.user_ns = Duration(5s).count();
  begin.system_ns = Duration(2s).count();
  begin.peak_memory = 64 << 20;
  rusage end{};
  end.ru_utime = {7, 0};
  end.ru_stime = {2, 500'000};
  end.ru_maxrss = 100 << 10;
  const Instant now(1004s);
  const Usage alone = usage_until_death(begin, end, now, false);
  EXPECT_EQ(Duration(alone.wall_ns), 4s);
  EXPECT_EQ(Duration(alone.user_ns), 2s);
  EXPECT_EQ(Duration(alone.system_ns), 500ms);
  EXPECT_EQ(alone.peak_memory, std::uint64_t{36} << 20U);
  const Usage thread = usage_until_death(begin, end, now, true);
  EXPECT_EQ(Duration(thread.wall_ns), 4s);
  EXPECT_EQ(thread.user_ns + thread.system_ns, 0) << "the process's counters are of all its threads";
  EXPECT_EQ(thread.peak_memory, 0U);
}

TEST(CrashReport, UsageOfASlotThatLiesIsNeverNegative) {
  Usage begin;
  begin.wall_ns = begin.user_ns = INT64_MIN;
  begin.system_ns = INT64_MAX;
  begin.peak_memory = UINT64_MAX;
  const Usage usage = usage_until_death(begin, rusage{}, Instant(1s), false);
  EXPECT_EQ(usage.wall_ns + usage.user_ns + usage.system_ns, 0);
  EXPECT_EQ(usage.peak_memory, 0U);
}

TEST(CrashReport, TheStackIsKept) {
  Death crashed = death(signalled(SIGSEGV));
  crashed.crash = slot::CrashReport{SIGSEGV, 0, true, false, {}};
  crashed.where = {"video.so+0x10"};
  const Error error = describe_death(crashed);
  EXPECT_EQ(error.where, std::vector<std::string>{"video.so+0x10"});
  EXPECT_NE(error.message.find("stack overflowed"), std::string::npos);
  EXPECT_EQ(error.message.find("at address"), std::string::npos) << error.message;
}

}  // namespace crash_report_test
}  // namespace flame::runner
