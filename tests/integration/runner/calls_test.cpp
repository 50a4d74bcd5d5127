// Calls through a real flame-runner: results, errors, payloads, output, and what is refused.
#include <fcntl.h>
#include <signal.h>

#include <set>
#include <string>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tests/integration/runner/fake_host.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/newer_minor.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

class RunnerCalls : public LeftoversTest {};

// On a busy machine, too, a task has begun by then.
constexpr std::int64_t kTimeToBegin = 500'000'000;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

TEST_F(RunnerCalls, TheHelloNamesPluginsAndTheMachine) {
  FakeHost host;
  host.parent.plugins.push_back({.name = "ghost", .version = "2.0.0", .digest = std::string(64, 'a')});
  host.start();
  const auto hello = host.expect<wire::Hello>();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->runner, "r-1");
  EXPECT_EQ(hello->incarnation, 11u);
  EXPECT_EQ(hello->nonce, 12u);
  ASSERT_EQ(hello->plugins.size(), 2u);
  EXPECT_TRUE(hello->plugins[0].ready) << hello->plugins[0].error;
  EXPECT_EQ(hello->plugins[0].plugin.digest, host.digest());
  EXPECT_FALSE(hello->plugins[1].ready);
  EXPECT_NE(hello->plugins[1].error.find("ghost@2.0.0"), std::string::npos) << hello->plugins[1].error;
  EXPECT_GE(hello->facts.size(), 6u);
}

TEST_F(RunnerCalls, ACallIsAnsweredAndEnded) {
  FakeHost host;
  host.serve();
  const Outcome outcome = host.call("echo", "hello");
  EXPECT_EQ(outcome.result.error.code, ErrorCode::none) << outcome.result.error.message;
  EXPECT_EQ(outcome.text(), "hello");
}

TEST_F(RunnerCalls, ASlotServesOneCallAfterTheOther) {
  FakeHost host;
  host.serve();
  std::set<std::int64_t> used;
  for (int i = 0; i < 20; ++i) used.insert(host.call("process_id").number());
  EXPECT_LE(used.size(), 2u) << "the first, and its spare if that became ready after it";
}

TEST_F(RunnerCalls, SlotsRunCallsAtTheSameTime) {
  FakeHost host;
  host.serve();
  std::uint64_t ids[4];
  for (auto& id : ids) id = host.invoke("waits_for_stop");
  for (const auto id : ids) EXPECT_TRUE(host.begun(id));
  for (const auto id : ids) {
    host.send(wire::Cancel{.id = id, .reason = wire::CancelReason::cancelled});
    EXPECT_EQ(host.finish(id).result.error.code, ErrorCode::none);
  }
}

TEST_F(RunnerCalls, PayloadsOfEverySizeComeBackUnchanged) {
  FakeHost host;
  host.serve();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, 16 * limits::KiB + 1, limits::kInlinePayloadMax, limits::kInlinePayloadMax + 1,
        limits::MiB, 2 * limits::MiB + 5, 11 * limits::MiB + 3}) {
    const std::string text = pattern(size);
    const Outcome outcome = host.call("echo", text);
    EXPECT_EQ(outcome.result.error.code, ErrorCode::none) << outcome.result.error.message;
    EXPECT_TRUE(outcome.text() == text) << size;
  }
}

TEST_F(RunnerCalls, AnExceptionIsTaskFailedWithRunnerAndPlugin) {
  FakeHost host;
  host.serve();
  const Error error = host.call("fails").result.error;
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.type, "std::runtime_error");
  EXPECT_EQ(error.message, "no such film");
  EXPECT_EQ(error.runner, "r-1");
  EXPECT_EQ(error.plugin, "probe@1.0.0");
}

TEST_F(RunnerCalls, OutputBelongsToItsInvocation) {
  FakeHost host;
  host.serve();
  const Outcome outcome = host.call("prints");
  std::string out, err, log;
  for (const auto& output : outcome.outputs) {
    (output.stream == wire::Stream::out ? out : output.stream == wire::Stream::err ? err : log) += output.text;
  }
  EXPECT_EQ(out, "to stdout");
  EXPECT_EQ(err, "to stderr");
  EXPECT_EQ(log, "a warning");
}

TEST_F(RunnerCalls, ProgressIsThinnedOutButItsEndArrives) {
  FakeHost host;
  host.serve();
  const Outcome outcome = host.call("reports");
  ASSERT_FALSE(outcome.progress.empty());
  EXPECT_LT(outcome.progress.size(), 500u);
  EXPECT_DOUBLE_EQ(outcome.progress.back().fraction, 1.0);
}

TEST_F(RunnerCalls, ASegfaultIsCrashedWithItsSignalAndLastLines) {
  FakeHost host;
  host.serve();
  const Error error = host.call("segfaults").result.error;
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.signal, SIGSEGV) << error.message;
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_NE(error.log_tail.find("about to fail"), std::string::npos) << error.log_tail;
  EXPECT_EQ(host.call("echo", "still here").text(), "still here");
}

TEST_F(RunnerCalls, ExitIsCrashedWithItsCode) {
  FakeHost host;
  host.serve();
  const Error error = host.call("exits").result.error;
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.exit_code, 3);
  EXPECT_EQ(error.signal, 0);
}

TEST_F(RunnerCalls, ATaskPastItsDeadlineIsStopped) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("waits_for_stop", {}, [](wire::Invoke& m) { m.remaining_ns = kTimeToBegin; });
  EXPECT_EQ(host.finish(id).result.error.code, ErrorCode::none);
}

// Its host may think that there is a millisecond left, and would take the task's word for what went wrong.
TEST_F(RunnerCalls, ATaskThatFailsOfBeingStoppedAtItsDeadlineHasTimedOut) {
  FakeHost host;
  host.serve();
  const auto late = host.invoke("fails_once_stopped", {}, [](wire::Invoke& m) { m.remaining_ns = kTimeToBegin; });
  const Error error = host.finish(late).result.error;
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.message;
  EXPECT_EQ(error.type, "");
  EXPECT_EQ(error.started, Started::yes);
  const auto cancelled = host.invoke("fails_once_stopped");
  ASSERT_TRUE(host.begun(cancelled));
  host.send(wire::Cancel{.id = cancelled, .reason = wire::CancelReason::cancelled});
  EXPECT_EQ(host.finish(cancelled).result.error.code, ErrorCode::task_failed) << "what its host has to say of it";
}

TEST_F(RunnerCalls, ADeafTaskIsKilledAfterItsDeadline) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("is_deaf", {}, [](wire::Invoke& m) { m.remaining_ns = kTimeToBegin; });
  const Error error = host.finish(id).result.error;
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.message;
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_EQ(host.call("echo", "next").text(), "next");
}

TEST_F(RunnerCalls, ACancelledDeafTaskIsKilled) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(id));
  host.send(wire::Cancel{.id = id, .reason = wire::CancelReason::cancelled});
  EXPECT_EQ(host.finish(id).result.error.code, ErrorCode::cancelled);
}

TEST_F(RunnerCalls, WhatATaskLeftBehindIsKilled) {
  FakeHost host;
  host.serve();
  const auto daemon = static_cast<pid_t>(host.call("daemonises").number());
  ASSERT_GT(daemon, 0);
  EXPECT_TRUE(eventually([daemon] { return ::kill(daemon, 0) != 0; }));
}

TEST_F(RunnerCalls, MemoryBeyondTheLimitIsOutOfMemory) {
  if (!std::string_view(FLAME_TEST_SANITIZER).empty()) return;  // limits are off under sanitizers, by design
  FakeHost host;
  host.welcome.memory_max = 64 * limits::MiB;
  host.serve();
  const Error error = host.call("exhausts_memory").result.error;
  EXPECT_EQ(error.code, ErrorCode::out_of_memory) << error.message;
}

TEST_F(RunnerCalls, UnknownPluginTaskAndSignatureAreTold) {
  FakeHost host;
  host.serve();
  auto refused = [&](const std::string& task, auto change) {
    return host.finish(host.invoke(task, {}, change)).result.error;
  };
  const Error plugin = refused("echo", [](wire::Invoke& m) { m.digest = std::string(64, 'b'); });
  EXPECT_EQ(plugin.code, ErrorCode::not_found);
  EXPECT_NE(plugin.message.find("probe@1.0.0"), std::string::npos) << plugin.message;
  const Error task = refused("ehco", [](wire::Invoke&) {});
  EXPECT_EQ(task.code, ErrorCode::incompatible);
  EXPECT_EQ(task.started, Started::no);
  EXPECT_NE(task.message.find("probe@1.0.0 has no task of number"), std::string::npos) << task.message;
  const Error signature = refused("echo", [](wire::Invoke& m) { m.task = base::task_id("probe::echo", 43); });
  EXPECT_EQ(signature.code, ErrorCode::incompatible);
  const Error object = refused("echo", [](wire::Invoke& m) { m.object = 5; });
  EXPECT_EQ(object.code, ErrorCode::invalid_argument) << object.message;
  const Error size = refused("echo", [](wire::Invoke& m) { m.payload.parts = {limits::GiB}; });
  EXPECT_EQ(size.code, ErrorCode::too_large);
  EXPECT_EQ(host.call("echo", "fine").text(), "fine");
}

TEST_F(RunnerCalls, APluginThatCannotBeHadFailsItsCallsWithTheReason) {
  FakeHost host;
  host.parent.plugins.push_back({.name = "ghost", .version = "2.0.0", .digest = std::string(64, 'a')});
  host.serve();
  const auto id = host.invoke("echo", {}, [](wire::Invoke& m) { m.digest = std::string(64, 'a'); });
  const Error error = host.finish(id).result.error;
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_NE(error.message.find("is not on this machine"), std::string::npos) << error.message;
}

TEST_F(RunnerCalls, MalformedFramesAreIgnored) {
  FakeHost host;
  host.serve();
  for (const std::string& frame : {std::string(), std::string("x"), std::string(5000, '\xff'), pattern(70000)}) {
    host.send_raw(bytes_of(frame));
  }
  EXPECT_EQ(host.call("echo", "unmoved").text(), "unmoved");
}

TEST_F(RunnerCalls, ARequestOfANewerMinorIsAnsweredOnceAndANotificationIsNot) {
  FakeHost host;
  host.serve();
  host.send_raw(of_a_newer_minor(wire::encode(host.welcome.session, wire::Drain{.grace_ns = 0})));
  host.send(wire::Unsupported{.id = 5, .what = "an answer, which has none itself"});
  wire::Invoke request;
  request.id = 77;
  host.send_raw(of_a_newer_minor(wire::encode(host.welcome.session, request)));
  const auto answer = host.expect<wire::Unsupported>();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->id, 77u);
  EXPECT_EQ(host.call("echo", "unmoved").text(), "unmoved");
}

TEST_F(RunnerCalls, ABrokenTransferFailsItsCallAlone) {
  FakeHost host;
  host.serve();
  const auto other = host.invoke("waits_for_stop");
  ASSERT_TRUE(host.begun(other));
  wire::Invoke message;
  message.id = 5;
  message.seq = 2;
  message.digest = host.digest();
  message.task = base::task_id("probe::echo", 42);
  message.payload = wire::PayloadInfo{.parts = {limits::MiB}, .transfer = 2};
  host.send(message);
  host.send_bulk(wire::Chunk{.transfer = 2, .offset = 64}, bytes_of(pattern(100)));  // not at its start
  const auto result = host.expect<wire::Result>();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->id, 5u);
  EXPECT_EQ(result->error.code, ErrorCode::incompatible) << result->error.message;
  host.send(wire::Cancel{.id = other, .reason = wire::CancelReason::cancelled});
  EXPECT_EQ(host.finish(other).result.error.code, ErrorCode::none);
}

TEST_F(RunnerCalls, TheTransferOfARefusedCallIsAborted) {
  FakeHost host;
  host.serve();
  wire::Invoke message;
  message.id = 5;
  message.seq = 1;
  message.digest = host.digest();
  message.task = base::task_id("probe::no_such_task", 42);
  message.payload = wire::PayloadInfo{.parts = {limits::MiB}, .transfer = 2};
  host.send_bulk(wire::Chunk{.transfer = 2, .offset = 0}, bytes_of(pattern(100)));
  host.send(message);
  const auto result = host.expect<wire::Result>();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error.code, ErrorCode::incompatible) << result->error.message;
  const auto abort = host.expect<wire::Abort>();
  ASSERT_TRUE(abort.has_value());
  EXPECT_EQ(abort->transfer, 2u);
}

TEST_F(RunnerCalls, AnAbortThatOvertakesItsInvokeEndsTheCall) {
  FakeHost host;
  host.serve();
  host.send_bulk(wire::Chunk{.transfer = 2, .offset = 0}, bytes_of(pattern(100)));
  host.send_bulk(wire::make_abort(2, "the call was cancelled"));
  host.send_bulk(wire::Chunk{.transfer = 4, .offset = 1},
                 bytes_of(pattern(100)));  // is refused: then the two before it were read
  const auto refused = host.expect<wire::Abort>();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->transfer, 4u);
  wire::Invoke message;
  message.id = 5;
  message.seq = 1;
  message.digest = host.digest();
  message.task = base::task_id("probe::echo", 42);
  message.payload = wire::PayloadInfo{.parts = {limits::MiB}, .transfer = 2};
  host.send(message);
  const auto result = host.expect<wire::Result>();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error.code, ErrorCode::incompatible);
  EXPECT_TRUE(host.expect<wire::Ended>().has_value());
}

TEST_F(RunnerCalls, ASlotThatDiesWhileItsResultIsSentSaysOfWhat) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke_text("echo", pattern(40 * limits::MiB));
  const auto result = host.expect<wire::Result>();  // and no credit for all of its bytes
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error.code, ErrorCode::none) << result->error.message;
  for (const pid_t pid : descendants(host.supervisor())) {
    if (oom_preference(pid) == 800) ::kill(pid, SIGKILL);
  }
  const auto abort = host.expect<wire::Abort>();
  ASSERT_TRUE(abort.has_value());
  EXPECT_EQ(abort->transfer, result->payload.transfer);
  EXPECT_EQ(abort->error.code, ErrorCode::crashed) << abort->error.to_string();
  EXPECT_EQ(abort->error.signal, SIGKILL);
  EXPECT_EQ(abort->error.runner, "r-1");
  EXPECT_EQ(abort->error.plugin, "probe@1.0.0");
  const auto ended = host.expect<wire::Ended>();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->id, id);
}

TEST_F(RunnerCalls, ThreadIsolationRunsCallsInOneProcess) {
  FakeHost host;
  host.welcome.isolation = wire::Isolation::thread;
  host.serve();
  const std::int64_t first = host.call("process_id").number();
  const auto held = host.invoke("waits_for_stop");
  ASSERT_TRUE(host.begun(held));
  EXPECT_EQ(host.call("process_id").number(), first);
  host.send(wire::Cancel{.id = held, .reason = wire::CancelReason::cancelled});
  EXPECT_EQ(host.finish(held).result.error.code, ErrorCode::none);
}

TEST_F(RunnerCalls, ADeafThreadEndsItsProcessAfterTheOthers) {
  FakeHost host;
  host.welcome.isolation = wire::Isolation::thread;
  host.serve();
  const auto innocent = host.invoke("waits_a_second");
  ASSERT_TRUE(host.begun(innocent));
  const auto deaf = host.invoke("is_deaf", {}, [](wire::Invoke& m) { m.remaining_ns = 20'000'000; });
  EXPECT_EQ(host.finish(innocent).text(), "done");
  EXPECT_EQ(host.finish(deaf).result.error.code, ErrorCode::timed_out);
  EXPECT_EQ(host.call("echo", "fresh").text(), "fresh");
}

}  // namespace
}  // namespace flame::test
