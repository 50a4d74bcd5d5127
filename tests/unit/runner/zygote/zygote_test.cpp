// Zygotes: what they load, refuse and survive; slots of plugins that cannot be forked.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <flame_abi.h>

#include "plugin_sdk/base/task_id.hpp"
#include "tests/unit/runner/slots/slot_harness.hpp"

namespace flame::slot {
namespace zygote_test {

class Zygotes : public SlotTest {
 protected:
  void expect_refused(LoadSpec load, ErrorCode code, std::string_view words) {
    start_zygote(std::move(load));
    ASSERT_TRUE(until([this] { return zygote_closed_; }));
    status_of(zygote_->pid());
    ASSERT_TRUE(zygote_error_.has_value());
    EXPECT_EQ(zygote_error_->code, code);
    EXPECT_NE(zygote_error_->message.find(words), std::string::npos) << zygote_error_->message;
  }
  /// The process ended before it could say anything.
  Error fate_of(const std::string& file) {
    start_zygote(spec(file, "broken"));
    EXPECT_TRUE(until([this] { return zygote_closed_; }));
    EXPECT_FALSE(zygote_error_.has_value());
    return zygote_->describe_exit(status_of(zygote_->pid()));
  }
};

TEST_F(Zygotes, ACrashingStaticConstructorIsNamed) {
  const Error error = fate_of("fixture_constructor");
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("static constructor"), std::string::npos) << error.message;
}

TEST_F(Zygotes, ACrashingStartIsNamed) {
  const Error error = fate_of("fixture_start_crashes");
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("start() ended the process: signal 11"), std::string::npos) << error.message;
}

TEST_F(Zygotes, AnExitingStartIsNamed) {
  const Error error = fate_of("fixture_start_exits");
  EXPECT_EQ(error.exit_code, 9);
  EXPECT_NE(error.message.find("start() ended the process: exit code 9"), std::string::npos) << error.message;
}

TEST_F(Zygotes, AFailingStartTellsItsReason) {
  expect_refused(spec("fixture_start_fails", "broken"), ErrorCode::task_failed, "no model for pool pool-1");
}

TEST_F(Zygotes, GetABoundForTheStacksOfJoinedThreadsUnlessTheUserSetsOne) {
  const char* before = ::getenv("GLIBC_TUNABLES");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=1", 1);
  const std::vector<std::string> environment = built_environment();
  before == nullptr ? ::unsetenv("GLIBC_TUNABLES") : ::setenv("GLIBC_TUNABLES", kept.c_str(), 1);
  const auto tunables = std::ranges::find_if(
      environment, [](const std::string& variable) { return variable.starts_with("GLIBC_TUNABLES="); });
  ASSERT_NE(tunables, environment.end());
  EXPECT_NE(tunables->find(":glibc.pthread.stack_cache_size=16777216:"), std::string::npos) << *tunables;
  EXPECT_TRUE(tunables->ends_with(":glibc.pthread.stack_cache_size=1")) << *tunables;
}

TEST_F(Zygotes, AnotherAbiMajorIsIncompatible) {
  expect_refused(spec("fixture_major", "broken"), ErrorCode::incompatible, "ABI major 2");
}

TEST_F(Zygotes, ANewerAbiMinorIsIncompatible) {
  expect_refused(spec("fixture_minor", "broken"), ErrorCode::incompatible,
                 "ABI minor " + std::to_string(FLAME_ABI_MINOR + 1));
}

TEST_F(Zygotes, ADamagedTableIsIncompatible) {
  expect_refused(spec("fixture_stride", "broken"), ErrorCode::incompatible, "stride 12");
}

TEST_F(Zygotes, ALibraryWithoutTheEntryIsIncompatible) {
  expect_refused(spec("fixture_no_entry", "broken"), ErrorCode::incompatible, "flame_plugin_entry_v1");
}

TEST_F(Zygotes, AnUndefinedSymbolIsNamed) {
  expect_refused(spec("fixture_undefined", "broken"), ErrorCode::invalid_argument, "nobody_defines_this");
}

TEST_F(Zygotes, ALibraryThatWantsMoreStaticTlsThanIsLeftIsToldTheRemedy) {
  expect_refused(spec("fixture_static_tls", "broken"), ErrorCode::invalid_argument,
                 "GLIBC_TUNABLES=glibc.rtld.optional_static_tls");
}

TEST_F(Zygotes, AFileThatIsNoLibraryIsRefused) {
  const test::TempDir directory;
  LoadSpec load = spec("fixture_hostile", "hostile");
  load.plugin_path = directory.path() + "/text.so";
  std::ofstream(load.plugin_path) << "no ELF file";
  expect_refused(std::move(load), ErrorCode::invalid_argument, "text.so");
}

TEST_F(Zygotes, AMissingFileIsNotFound) {
  expect_refused(spec("no_such_file", "broken"), ErrorCode::not_found, "no_such_file.so");
}

TEST_F(Zygotes, ATableThatIsNotTheNotesIsIncompatible) {
  expect_refused(spec("fixture_hostile", "other"), ErrorCode::incompatible, "its note says other@1.0.0");
}

TEST_F(Zygotes, OtherTasksThanTheNotesAreIncompatible) {
  LoadSpec load = spec("fixture_start_prints", "broken");
  load.task_count = 1;
  load.tasks_hash = base::task_id("fixture::echo", kFixtureFingerprint + 1);
  expect_refused(std::move(load), ErrorCode::incompatible, "different tasks");
}

TEST_F(Zygotes, TheNotesTasksAreAccepted) {
  LoadSpec load = spec("fixture_start_prints", "broken");
  load.task_count = 1;
  load.tasks_hash = base::task_id("fixture::echo", kFixtureFingerprint);
  start_zygote(std::move(load));
  ASSERT_TRUE(zygote_ready_.has_value());
  EXPECT_TRUE(zygote_ready_->forkable);
  TestSlot& slot = make_slot();
  call(slot, "echo", "hello");
  EXPECT_EQ(table(slot), "hello");
  EXPECT_EQ(slot.out, "");  // what start() printed is the zygote's, once
  EXPECT_EQ(zygote_output_, "started for runner-1\n");
}

TEST_F(Zygotes, AMissingZygoteBinaryIsABootFailure) {
  LoadSpec load = spec("fixture_hostile", "hostile");
  load.zygote_binary = "/nowhere/flame-zygote";
  const auto started = ZygoteHandle::start(std::move(load));
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().error.code, ErrorCode::boot_failed);
  EXPECT_FALSE(started.error().shortage);
  EXPECT_NE(started.error().error.message.find("Install flame-zygote"), std::string::npos);
}

TEST_F(Zygotes, WhatThereIsTooLittleOfIsAShortageThatNamesTheLimit) {
  for (const auto& [number, remedy] : {std::pair{EAGAIN, "--pids-limit"}, {EMFILE, "ulimit -n"}, {ENOMEM, "memory"}}) {
    const MakeFailure failure = make_failure("cannot start it", number);
    EXPECT_TRUE(failure.shortage);
    EXPECT_NE(failure.error.message.find(remedy), std::string::npos) << failure.error.message;
    EXPECT_EQ(failure.error.message.find("Install"), std::string::npos) << failure.error.message;
  }
  EXPECT_FALSE(make_failure("cannot start it", ENOENT).shortage);
}

#if !defined(__SANITIZE_THREAD__)  // which has a thread of its own in each process, and these count threads
TEST_F(Zygotes, APluginWithThreadsGetsSlotsOfItsOwn) {
  start_zygote(spec("fixture_start_thread", "broken"));
  ASSERT_TRUE(zygote_ready_.has_value());
  EXPECT_FALSE(zygote_ready_->forkable);
  EXPECT_EQ(zygote_ready_->threads, 2u);
  EXPECT_EQ(status_of(zygote_->pid()), 0);
  for (int i = 0; i < 2; ++i) {
    TestSlot& slot = make_slot();
    ASSERT_TRUE(slot.ready);
    call(slot, "echo", "from an own process");
    EXPECT_EQ(table(slot), "from an own process");
    EXPECT_EQ(slot.discard_reason, "");
  }
}
#endif

TEST_F(Zygotes, AFailingStartSlotRefusesTheSlot) {
  start_zygote(spec("fixture_start_slot_fails", "broken"));
  TestSlot& slot = make_slot();
  EXPECT_NE(slot.discard_reason.find("no device"), std::string::npos) << slot.discard_reason;
  EXPECT_EQ(status_of(slot.pid), 0);
}

TEST_F(Zygotes, AClosedChannelEndsTheZygoteButNotItsSlots) {
  TestSlot& slot = hostile_slot();
  const pid_t zygote = zygote_->pid();
  zygote_.reset();
  EXPECT_EQ(status_of(zygote), 0);
  call(slot, "echo", "on my own");
  EXPECT_EQ(table(slot), "on my own");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory knows no limit
TEST_F(Zygotes, SlotsWhoseThreadsFindNoRoomSaySoBeforeOneOfThemServes) {
  LoadSpec load = spec("fixture_hostile", "hostile");
  load.limits.memory_max = 1 * limits::MiB;  // the process may use ten: one thread's stack, mostly, and not nine
  start_zygote(std::move(load));
  for (TestSlot* slot : make_slots(10, true)) {
    EXPECT_NE(slot->discard_reason.find("limits.memory"), std::string::npos) << slot->discard_reason;
  }
  EXPECT_EQ(status_of(slots_.front()->pid), 0) << "it was no crash";
}
#endif

TEST_F(Zygotes, ARequestToAZygoteThatHasJustDiedIsLostWithItAndNoFailure) {
  hostile_slot();
  siginfo_t info{};
  ASSERT_EQ(::kill(zygote_->pid(), SIGKILL), 0);
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(zygote_->pid()), &info, WEXITED | WNOWAIT), 0);
  const auto handle = SlotHandle::create(limits::kPayloadMaxDefault);
  ASSERT_TRUE(handle.has_value());
  SlotHandle* const slots[] = {handle->get()};
  const auto pid = zygote_->spawn(slots, false, 77);
  ASSERT_TRUE(pid.has_value()) << pid.error().error.message;
  EXPECT_EQ(*pid, 0);
}

}  // namespace zygote_test
}  // namespace flame::slot
