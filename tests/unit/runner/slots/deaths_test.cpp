// Tasks that end or ruin their process: the supervisor survives, knows why, and nothing is left.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "plugin_sdk/base/boot_time.hpp"
#include "tests/unit/runner/slots/slot_harness.hpp"

namespace flame::slot {
namespace {

class Deaths : public SlotTest {
 protected:
  /// Runs a task that ends its process; gives the wait status.
  int deadly(TestSlot& slot, std::string_view task, std::string_view argument = {}, InvokeView options = {}) {
    call(slot, task, argument, options);
    EXPECT_FALSE(slot.result.has_value());
    EXPECT_TRUE(slot.closed.has_value());
    EXPECT_TRUE(slot.handle->begun());
    return status_of(slot.pid);
  }
  void expect_next_slot_works() {
    TestSlot& next = make_slot();
    call(next, "echo", "alive");
    EXPECT_EQ(table(next), "alive");
  }
};

TEST_F(Deaths, ExitIsReportedWithItsCode) {
  const int status = deadly(hostile_slot(), "calls_exit");
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  expect_next_slot_works();
}

TEST_F(Deaths, ASegmentationFaultLeavesItsSignalAndCallStack) {
  TestSlot& slot = hostile_slot();
  const int status = deadly(slot, "segfaults");
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  const auto report = slot.handle->post_mortem().crash;
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->signal, SIGSEGV);
  EXPECT_EQ(report->address, 0u);
  EXPECT_FALSE(report->stack_overflow);
  EXPECT_FALSE(slot.handle->post_mortem().allocation_failed);
  const auto in_plugin = std::ranges::find(report->frames, "fixture_hostile.so", &CodeAddress::module);
  ASSERT_NE(in_plugin, report->frames.end());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they look at the access before it happens
  EXPECT_EQ(in_plugin, report->frames.begin());
  EXPECT_TRUE(in_plugin->exact);
#endif
  expect_next_slot_works();
}

TEST_F(Deaths, AbortIsReportedAsItsSignal) {
  TestSlot& slot = hostile_slot();
  const int status = deadly(slot, "calls_abort");
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_EQ(slot.handle->post_mortem().crash->signal, SIGABRT);
}

TEST_F(Deaths, AStackOverflowIsToldApart) {
  TestSlot& slot = hostile_slot();
  const int status = deadly(slot, "overflows_stack");
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  ASSERT_TRUE(slot.handle->post_mortem().crash.has_value());
  EXPECT_TRUE(slot.handle->post_mortem().crash->stack_overflow);
}

// Sanitizers allocate by rules of their own, so memory limits are off under them.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(Deaths, ExhaustedMemoryIsToldApartFromABug) {
  SlotLimits limits;
  limits.memory_max = 64 << 20;
  TestSlot& slot = hostile_slot(limits);
  const int status = deadly(slot, "exhausts_memory");
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(slot.handle->post_mortem().allocation_failed);
  expect_next_slot_works();
}

TEST_F(Deaths, AnInputBeyondTheMemoryLimitIsOutOfMemory) {
  SlotLimits limits;
  limits.memory_max = 8 << 20;
  TestSlot& slot = hostile_slot(limits);
  call(slot, "echo", std::string(32 << 20, 'x'));
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->error.code, ErrorCode::out_of_memory);
  call(slot, "big_result", number(32 << 20));
  EXPECT_EQ(slot.result->error.code, ErrorCode::out_of_memory);
  call(slot, "echo", "still alive");
  EXPECT_EQ(table(slot), "still alive");
}
#endif

TEST_F(Deaths, ClosingAllDescriptorsIsALostChannel) {
  TestSlot& slot = hostile_slot();
  deadly(slot, "closes_all_fds");
  EXPECT_NE(slot.closed->find("closed the runner's channel"), std::string::npos);
  expect_next_slot_works();
}

TEST_F(Deaths, AReplacedChannelNeverReceivesTheResult) {
  TestSlot& slot = hostile_slot();
  const test::TempDir directory;
  const std::string path = directory.path() + "/user-file";
  const int status = deadly(slot, "replaces_all_fds", path);
  EXPECT_EQ(WEXITSTATUS(status), kExitChannelLost);
  std::ifstream file(path);
  const std::string contents((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(contents, "");
}

TEST_F(Deaths, KillingTheProcessGroupHitsTheSlotAlone) {
  const int status = deadly(hostile_slot(), "kills_its_group");
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  expect_next_slot_works();
}

TEST_F(Deaths, ATaskThatIgnoresItsStopCanBeKilled) {
  TestSlot& slot = hostile_slot();
  begin(slot, "ignores_stop", number(0));
  ASSERT_TRUE(until([&] { return slot.handle->begun(); }));
  slot.handle->request_stop();
  ::kill(slot.pid, SIGKILL);
  EXPECT_EQ(WTERMSIG(status_of(slot.pid)), SIGKILL);
  EXPECT_FALSE(slot.handle->crash_announced());
}

TEST_F(Deaths, CpuTimeIsLimitedPerInvocation) {
  TestSlot& slot = hostile_slot();
  InvokeView options;
  options.cpu_time_ns = 1'000'000'000;
  std::int64_t burnt_ns = 0;
  for (int i = 0; i < 4; ++i) {
    call(slot, "burns_cpu", number(400), options);
    ASSERT_TRUE(slot.result.has_value()) << "call " << i << " died after " << burnt_ns << " ns of CPU in its process";
    burnt_ns += slot.result->usage.user_ns + slot.result->usage.system_ns;
  }
  EXPECT_GE(burnt_ns, 1'500'000'000) << "more than one invocation may use";
  const int status = deadly(slot, "burns_cpu", number(0), options);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGXCPU);
}

TEST_F(Deaths, WhereTheUsageOfACallBeganIsKnownAfterItsDeath) {
  TestSlot& slot = hostile_slot();
  call(slot, "burns_cpu", number(300));
  ASSERT_TRUE(slot.result.has_value());
  const std::int64_t before = base::boot_time().time_since_epoch().count();
  deadly(slot, "segfaults");
  const Usage begin = slot.handle->post_mortem().usage_at_begin;
  EXPECT_GE(begin.user_ns + begin.system_ns, 290'000'000) << "of the call before";
  EXPECT_GE(begin.wall_ns, before);
  EXPECT_LE(begin.wall_ns, base::boot_time().time_since_epoch().count());
  EXPECT_GT(begin.peak_memory, 0U);
}

TEST_F(Deaths, TheZygotesDeathHarmsNoSlot) {
  TestSlot& slot = hostile_slot();
  begin(slot, "waits_for_stop", {});
  ASSERT_TRUE(until([&] { return slot.handle->begun(); }));
  ::kill(zygote_->pid(), SIGKILL);
  status_of(zygote_->pid());
  slot.handle->request_stop();
  ASSERT_TRUE(until([&] { return slot.ready; }));
  call(slot, "echo", "orphan");
  EXPECT_EQ(table(slot), "orphan");
  auto handle = SlotHandle::create(1 << 20);
  ASSERT_TRUE(handle.has_value());
  SlotHandle* raw = handle->get();
  // A request to the dead is no failure by itself: whoever reaps the zygote asks its successor.
  const auto spawned = zygote_->spawn(std::span(&raw, 1), false, 99);
  ASSERT_TRUE(spawned.has_value());
  EXPECT_EQ(*spawned, 0) << "no process was made";
}

// A second supervisor in a process of its own, killed in the middle of a call.
class SupervisorDeath : public Deaths {
 protected:
  [[noreturn]] void supervise(int report) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    TestSlot& slot = hostile_slot();
    begin(slot, "ignores_stop", number(0));
    static_cast<void>(until([&] { return slot.handle->begun(); }));
    const pid_t pids[] = {slot.pid, zygote_->pid()};
    static_cast<void>(!::write(report, pids, sizeof(pids)));
    for (;;) ::pause();
  }
};

TEST_F(SupervisorDeath, KillsItsZygoteAndSlots) {
  int report[2];
  ASSERT_EQ(::pipe(report), 0);
  const pid_t supervisor = ::fork();
  if (supervisor == 0) supervise(report[1]);
  pid_t pids[2] = {};
  ASSERT_EQ(::read(report[0], pids, sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  ::close(report[0]);
  ::close(report[1]);
  ::kill(supervisor, SIGKILL);
  EXPECT_EQ(WTERMSIG(status_of(supervisor)), SIGKILL);
  EXPECT_EQ(WTERMSIG(status_of(pids[0])), SIGKILL);
  status_of(pids[1]);  // of the closed channel or of the signal, whichever came first
}

}  // namespace
}  // namespace flame::slot
