// How a real flame-runner ends: idle, drained, abandoned, killed piece by piece. Nothing may stay behind.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/runner/fake_host.hpp"
#include "tests/support/eventually.hpp"

namespace flame::test {
namespace {

class RunnerLifetime : public LeftoversTest {};

TEST_F(RunnerLifetime, AnIdleRunnerAsksToRetireAndServesUntilItMay) {
  FakeHost host;
  host.welcome.idle_shutdown_ns = 50'000'000;
  host.serve();
  EXPECT_EQ(host.call("echo", "first").text(), "first");
  const auto asked = host.expect<wire::Retire>();
  ASSERT_TRUE(asked.has_value());
  EXPECT_FALSE(asked->must);
  EXPECT_EQ(asked->last_seq, 1u);
  host.send(wire::RetireReply{.granted = false});
  EXPECT_EQ(host.call("echo", "second").text(), "second");
  const auto again = host.expect<wire::Retire>();
  ASSERT_TRUE(again.has_value());
  host.send(wire::RetireReply{.granted = true});
  EXPECT_TRUE(host.expect<wire::Bye>().has_value());
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, SigtermDrains) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("waits_a_second");
  ASSERT_TRUE(host.begun(id));
  ::kill(host.guardian(), SIGTERM);
  const auto asked = host.expect<wire::Retire>();
  ASSERT_TRUE(asked.has_value());
  EXPECT_TRUE(asked->must);
  host.send(wire::RetireReply{.granted = true});
  EXPECT_EQ(host.finish(id).text(), "done");
  EXPECT_TRUE(host.expect<wire::Retire>().has_value()) << "has the host its results?";
  host.send(wire::RetireReply{.granted = true});
  EXPECT_TRUE(host.expect<wire::Bye>().has_value());
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, ADrainEndsWithItsGrace) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(id));
  host.send(wire::Drain{.grace_ns = 50'000'000});
  EXPECT_EQ(host.finish(id).result.error.code, ErrorCode::shutting_down);
  EXPECT_TRUE(host.expect<wire::Retire>().has_value());
  host.send(wire::RetireReply{.granted = true});
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, ASingleUseRunnerLeavesAfterItsCall) {
  FakeHost host;
  host.welcome.single_use = true;
  host.welcome.slots = 1;
  host.serve();
  EXPECT_EQ(host.call("echo", "once").text(), "once");
  EXPECT_TRUE(host.expect<wire::Retire>().has_value());
  host.send(wire::RetireReply{.granted = true});
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, AVanishedHostEndsLinkedWorkAtOnce) {
  FakeHost host;
  host.welcome.shutdown_grace_ns = 60'000'000'000;
  host.serve();
  const auto id = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(id));
  host.vanish();
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, AVanishedHostLetsUnlinkedWorkFinish) {
  FakeHost host;
  host.welcome.shutdown_grace_ns = 60'000'000'000;
  host.serve();
  const auto id = host.invoke("waits_a_second", {}, [](wire::Invoke& m) { m.linked = false; });
  ASSERT_TRUE(host.begun(id));
  const auto start = std::chrono::steady_clock::now();
  host.vanish();
  EXPECT_EQ(host.wait_exit(), 0);
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

// A host that is killed takes the reader of the runner's log with it.
TEST_F(RunnerLifetime, ALogThatNobodyReadsAnyMoreHarmsNoUnlinkedWork) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  base::UniqueFd reader(ends[0]);
  base::UniqueFd writer(ends[1]);
  FakeHost host;
  host.log_fd = writer.get();
  host.welcome.shutdown_grace_ns = 60'000'000'000;
  host.serve();
  writer.reset();
  const auto id = host.invoke("waits_a_second", {}, [](wire::Invoke& m) { m.linked = false; });
  ASSERT_TRUE(host.begun(id));
  const auto start = std::chrono::steady_clock::now();
  reader.reset();
  host.vanish();
  EXPECT_EQ(host.wait_exit(), 0);
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST_F(RunnerLifetime, ASilentHostIsGivenUpOverTcp) {
  FakeHost host;
  host.listen_on_tcp();
  host.beats = false;
  host.welcome.beat_interval_ns = 100'000'000;
  host.welcome.host_silence_ns = 1'000'000'000;
  host.welcome.runner_silence_ns = 1'500'000'000;
  host.serve();
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, ASilentHostIsKeptOverIpcUntilItsConnectionEnds) {
  FakeHost host;
  host.beats = false;
  host.welcome.beat_interval_ns = 50'000'000;
  host.welcome.host_silence_ns = 300'000'000;
  host.welcome.runner_silence_ns = 400'000'000;
  host.serve();
  EXPECT_EQ(host.finish(host.invoke("waits_a_second")).result.error.code, ErrorCode::none);
  host.vanish();
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerLifetime, WithoutAHostTheFailsafeEndsIt) {
  FakeHost host;
  host.parent.control = {"ipc:///nonexistent/control.ipc", "tcp://127.0.0.1:1"};
  host.parent.bulk = host.parent.control;
  host.parent.failsafe_ns = 400'000'000;
  host.start();
  EXPECT_EQ(host.wait_exit(), 1);
}

TEST_F(RunnerLifetime, TheNextEndpointIsTried) {
  FakeHost host;
  host.parent.control.insert(host.parent.control.begin(), "ipc:///nonexistent/control.ipc");
  host.parent.bulk.insert(host.parent.bulk.begin(), "ipc:///nonexistent/bulk.ipc");
  host.serve();
  EXPECT_EQ(host.call("echo", "found").text(), "found");
}

TEST_F(RunnerLifetime, ARefusedRunnerLeaves) {
  FakeHost host;
  host.start();
  ASSERT_TRUE(host.expect<wire::Hello>().has_value());
  host.send(wire::make_refuse(ErrorCode::incompatible, "another major"));
  EXPECT_EQ(host.wait_exit(), 1);
}

TEST_F(RunnerLifetime, AKilledSlotIsReportedAndReplaced) {
  FakeHost host;
  host.welcome.slots = 1;  // with a spare beside it, the second call may run in the other process
  host.welcome.spare_slots = 0;
  host.serve();
  const auto pid = static_cast<pid_t>(host.call("process_id").number());
  const auto id = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(id));
  ::kill(pid, SIGKILL);
  const Error error = host.finish(id).result.error;
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.message;
  EXPECT_EQ(error.signal, SIGKILL);
  EXPECT_NE(host.call("process_id").number(), pid);
}

TEST_F(RunnerLifetime, AKilledZygoteCostsNoCall) {
  FakeHost host;
  host.serve();
  const auto id = host.invoke("waits_a_second");
  ASSERT_TRUE(host.begun(id));
  const pid_t zygote = host.zygote();
  ASSERT_GT(zygote, 0);
  ::kill(zygote, SIGKILL);
  EXPECT_EQ(host.finish(id).text(), "done");
  std::uint64_t ids[4];
  for (auto& wanted : ids) wanted = host.invoke("waits_for_stop");
  for (const auto wanted : ids) EXPECT_TRUE(host.begun(wanted));
}

TEST_F(RunnerLifetime, AKilledSupervisorLeavesNothing) {
  FakeHost host;
  host.serve();
  const auto daemon = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(daemon));
  ::kill(host.supervisor(), SIGKILL);
  EXPECT_EQ(host.wait_exit(), 128 + SIGKILL);
}

TEST_F(RunnerLifetime, AKilledGuardianLeavesNothing) {
  FakeHost host;
  host.serve();
  const auto deaf = host.invoke("is_deaf");
  ASSERT_TRUE(host.begun(deaf));
  const pid_t supervisor = host.supervisor();
  const auto rest = descendants(host.guardian());
  ASSERT_GE(rest.size(), 3u);
  ::kill(host.guardian(), SIGKILL);
  EXPECT_EQ(host.wait_exit(), 128 + SIGKILL);
  // The test's process is a subreaper: the supervisor becomes its child, and ends by itself.
  int status = 0;
  EXPECT_TRUE(eventually([&] { return ::waitpid(supervisor, &status, WNOHANG) == supervisor; }));
  for (const pid_t pid : rest) EXPECT_TRUE(eventually([pid] { return ::kill(pid, 0) != 0; })) << pid;
}

TEST_F(RunnerLifetime, TheParentVariableIsNotSeenAfterwards) {
  FakeHost host;
  host.parent.secret_key = std::string(40, 'S');
  host.start(true);
  ASSERT_TRUE(host.expect<wire::Hello>().has_value());
  host.send(host.welcome);
  EXPECT_EQ(host.call("echo", "x").text(), "x");
  for (pid_t pid : descendants(host.guardian())) {
    const auto environment = base::read_file("/proc/" + std::to_string(pid) + "/environ", 1 << 20);
    if (!environment) continue;  // not readable at all: as good
    EXPECT_EQ(environment->find("FLAME_PARENT=R"), std::string::npos);
    const std::size_t at = environment->find("FLAME_PARENT=");
    if (at != std::string::npos) {
      EXPECT_EQ((*environment)[at + 13], '\0');
    }
  }
}

TEST_F(RunnerLifetime, WithoutAParentItSaysWhatIsMissing) {
  base::SpawnRequest request;
  request.path = FLAME_TEST_RUNNER;
  const auto runner = base::spawn(request);
  ASSERT_TRUE(runner.has_value());
  int status = 0;
  ASSERT_EQ(::waitpid(runner->pid, &status, 0), runner->pid);
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

}  // namespace
}  // namespace flame::test
