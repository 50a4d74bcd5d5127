// LocalBackend with real processes: a shell script stands in for flame-runner.
#include "backends/local/local_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/fixed_descriptor.hpp"
#include "tests/support/heard_events.hpp"

namespace flame::backends {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class LocalBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "flame-local-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    backend_.reset();
    std::filesystem::remove_all(directory_);
  }

  LocalBackend& backend_running(const std::string& script, LocalOptions options = {}) {
    const auto path = directory_ / "fake-runner";
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ::chmod(path.c_str(), 0755);
    options.runner = path.string();
    return backend_with(std::move(options));
  }
  LocalBackend& backend_with(LocalOptions options) {
    backend_.emplace(std::move(options));
    backend_->open(events_);
    return *backend_;
  }
  static BootRequest request(const std::string& name, const std::string& pool = "p") {
    return {.name = name,
            .pool = pool,
            .runner = "r-" + name,
            .labels = {{"flame-name", name}, {"flame-host", "web-1"}, {"flame-pool", pool}},
            .descriptor = test::descriptor_of("parent")};
  }
  BootOutcome boot(BootRequest request) {
    backend_->boot(std::move(request));
    return events_.boot(boots_++);
  }
  BootOutcome boot(const std::string& name) { return boot(request(name)); }
  void destroy(const std::string& name) { backend_->destroy(name, {}); }
  /// Names of the machines that have these labels.
  std::vector<std::string> list(const Labels& scope = {}) {
    backend_->list(++tickets_, scope);
    std::vector<std::string> names;
    const auto machines = events_.list(tickets_);
    for (const Machine& machine : machines.value()) names.push_back(machine.name);
    return names;
  }

  std::filesystem::path directory_;
  test::HeardEvents events_;
  std::optional<LocalBackend> backend_;
  std::size_t boots_ = 0;
  std::uint64_t tickets_ = 0;
};

TEST_F(LocalBackendTest, HandsTheParentBytesOverByDescriptorAndNotByEnvironment) {
  backend_running("cat <&$FLAME_PARENT_FD > " + (directory_ / "parent").string() + "; env > " +
                  (directory_ / "env").string());
  BootRequest asked = request("m1");
  asked.descriptor = test::descriptor_of(std::string("secret\0bytes", 12));
  asked.plugin_dirs = {"/p/a", "/p/b"};
  const auto machine = boot(asked);
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->name, "m1");
  EXPECT_EQ(machine->labels, asked.labels);
  EXPECT_EQ(events_.exit_of("m1").reason, "exit code 0");
  EXPECT_EQ(contents(directory_ / "parent"), std::string("secret\0bytes", 12));
  const std::string environment = contents(directory_ / "env");
  EXPECT_EQ(environment.find("secret"), std::string::npos);
  EXPECT_NE(environment.find("FLAME_PLUGIN_PATH=/p/a:/p/b"), std::string::npos);
}

TEST_F(LocalBackendTest, IsReachedOverIpcAndFailsTheBootForGoodIfItsHostListensOnNothing) {
  class Deaf final : public BootDescriptor {
   public:
    [[nodiscard]] Result<std::string> bytes(const Reach& reach) const override {
      EXPECT_TRUE(reach.ipc);
      return Error{.code = ErrorCode::invalid_argument, .message = "listens on nothing"};
    }
  };
  backend_running("exec sleep 100");
  BootRequest asked = request("m1");
  asked.descriptor = std::make_shared<Deaf>();
  const auto outcome = boot(asked);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().remedy, Remedy::permanent);
  EXPECT_EQ(outcome.error().error.message, "listens on nothing");
}

TEST_F(LocalBackendTest, InheritsNoSecretsAndNoDescriptors) {
  ::setenv("FLAME_TEST_TOKEN", "hunter2", 1);
  backend_running("env; ls /proc/self/fd | tr '\\n' ' '", {.log = (directory_ / "log").string()});
  BootRequest asked = request("m1");
  asked.env = {{"GIVEN", "yes"}};
  const auto machine = boot(asked);
  ::unsetenv("FLAME_TEST_TOKEN");
  ASSERT_TRUE(machine);
  static_cast<void>(events_.exit_of("m1"));
  // 4 is the directory that ls itself reads. The log file is written by a thread of its own.
  const auto descriptors = [&] { return contents(directory_ / "log").find("0 1 2 3 4 \n") != std::string::npos; };
  const bool only_its_own = test::eventually(descriptors);
  const std::string log = contents(directory_ / "log");
  EXPECT_TRUE(only_its_own) << log;
  EXPECT_EQ(log.find("hunter2"), std::string::npos) << log;
  EXPECT_NE(log.find("GIVEN=yes"), std::string::npos) << log;
}

TEST_F(LocalBackendTest, SaysHowFarABootHasComeAndThenItsOutcome) {
  backend_running("exec sleep 100");
  ASSERT_TRUE(boot("m1"));
  destroy("m1");
  EXPECT_THAT(events_.order_of("m1", "destroyed"), ElementsAre("phase 3", "phase 4", "booted", "exited", "destroyed"));
}

TEST_F(LocalBackendTest, TellsTheExitCodeAndTheLastLinesOfARunnerThatDiesAtBoot) {
  backend_running("echo starting; echo 'cannot open the flux capacitor' >&2; exit 7");
  ASSERT_TRUE(boot("m1"));
  const MachineExit exit = events_.exit_of("m1");
  EXPECT_EQ(exit.reason, "exit code 7");
  EXPECT_FALSE(exit.out_of_memory);
  EXPECT_NE(exit.log_tail.find("flux capacitor"), std::string::npos) << exit.log_tail;
  EXPECT_THAT(list(), IsEmpty());
}

TEST_F(LocalBackendTest, TellsTheSignalThatKilledARunner) {
  backend_running("kill -9 $$");
  ASSERT_TRUE(boot("m1"));
  EXPECT_EQ(events_.exit_of("m1").reason, "killed by signal 9 (Killed)");
}

TEST_F(LocalBackendTest, LogsLinesWithTheRunnersName) {
  backend_running("echo hello from here; exec sleep 100");
  ASSERT_TRUE(boot("m1"));
  EXPECT_EQ(events_.first_line(), "runner r-m1: hello from here");
}

TEST_F(LocalBackendTest, GivesTheEndOfAMachinesLog) {
  backend_running("echo hello from here; exec sleep 100");
  const auto machine = boot("m1");
  ASSERT_TRUE(machine);
  static_cast<void>(events_.first_line());
  backend_->logs(1, *machine, 9);
  backend_->logs(2, Machine{.name = "stranger"}, 9);
  EXPECT_EQ(events_.log_of(1).value(), "from here");
  ASSERT_FALSE(events_.log_of(2));
  EXPECT_EQ(events_.log_of(2).error().code, ErrorCode::not_found);
}

TEST_F(LocalBackendTest, ASecondBootOfOneNameAndLabelsIsTheSameMachine) {
  backend_running("exec sleep 100");
  const auto first = boot("m1");
  const auto second = boot("m1");
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_THAT(list(), ElementsAre("m1"));
}

TEST_F(LocalBackendTest, AMachineOfAnotherOwnerIsNeverAdopted) {
  backend_running("exec sleep 100");
  ASSERT_TRUE(boot(request("m1", "thumbs")));
  const auto outcome = boot(request("m1", "video"));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().remedy, Remedy::permanent);
  EXPECT_THAT(outcome.error().error.message, AllOf(HasSubstr("thumbs"), HasSubstr("web-1")));
  EXPECT_THAT(list(), ElementsAre("m1"));
}

TEST_F(LocalBackendTest, ListsMachinesThatHaveAllLabelsOfTheScope) {
  backend_running("exec sleep 100");
  ASSERT_TRUE(boot(request("m1", "thumbs")));
  ASSERT_TRUE(boot(request("m2", "video")));
  EXPECT_THAT(list(), ElementsAre("m1", "m2"));
  EXPECT_THAT(list({{"flame-pool", "video"}, {"flame-host", "web-1"}}), ElementsAre("m2"));
  EXPECT_THAT(list({{"flame-pool", "video"}, {"flame-host", "web-2"}}), IsEmpty());
}

TEST_F(LocalBackendTest, DestroyAsksWithSigint) {
  backend_running("trap 'exit 3' INT; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(boot("m1"));
  static_cast<void>(events_.first_line());
  destroy("m1");
  EXPECT_EQ(events_.exit_of("m1").reason, "destroyed (exit code 3)");
}

TEST_F(LocalBackendTest, EachDestroyIsAnsweredOnceAfterTheEndIsTold) {
  backend_running("trap 'exit 3' INT; echo ready; while :; do sleep 0.01; done");
  std::promise<void> released;
  events_.on_booted([&, gate = released.get_future().share()](const MachineName& name) {
    if (name == "gate") gate.wait();
  });
  ASSERT_TRUE(boot("m1"));
  static_cast<void>(events_.first_line());
  backend_->boot(request("gate"));
  destroy("m1");
  destroy("m1");
  released.set_value();
  EXPECT_TRUE(test::eventually([&] { return events_.order_of("m1", "destroyed").size() == 6; }));
  EXPECT_THAT(events_.order_of("m1", "destroyed"),
              ElementsAre("phase 3", "phase 4", "booted", "exited", "destroyed", "destroyed"));
  destroy("m1");
  EXPECT_TRUE(test::eventually([&] { return events_.order_of("m1", "destroyed").size() == 7; })) << "gone is gone";
}

TEST_F(LocalBackendTest, ABootThatIsDestroyedBeforeItsTurnNeverBegins) {
  backend_running("exec sleep 100");
  // While the first is held, the second comes in together with m1; while that is held, m1 is destroyed.
  std::map<MachineName, std::promise<void>> held;
  std::map<MachineName, std::shared_future<void>> gates;
  for (const char* gate : {"first", "second"}) gates[gate] = held[gate].get_future().share();
  std::promise<void> second_is_up;
  events_.on_booted([&](const MachineName& name) {
    if (name == "second") second_is_up.set_value();
    if (gates.contains(name)) gates.at(name).wait();
  });
  for (const char* name : {"first", "second", "m1"}) backend_->boot(request(name));
  held["first"].set_value();
  second_is_up.get_future().wait();
  destroy("m1");
  held["second"].set_value();
  EXPECT_THAT(events_.order_of("m1", "destroyed"), ElementsAre("booted", "destroyed"));
  ASSERT_FALSE(events_.boot(2));
  EXPECT_EQ(events_.boot(2).error().error.code, ErrorCode::cancelled);
  EXPECT_THAT(list(), UnorderedElementsAre("first", "second"));
}

TEST_F(LocalBackendTest, DestroyKillsARunnerThatIgnoresSigint) {
  backend_running("trap '' INT; echo ready; exec sleep 100");
  ASSERT_TRUE(boot("m1"));
  static_cast<void>(events_.first_line());
  const auto before = std::chrono::steady_clock::now();
  destroy("m1");
  EXPECT_EQ(events_.exit_of("m1").reason, "destroyed (killed by signal 9 (Killed))");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 1900ms);
}

TEST_F(LocalBackendTest, DestroyKillsASupervisorThatHangsAndLetsTheGuardianEnd) {
  backend_running("trap '' INT; sleep 100 & echo ready; wait $!; exit 5");
  ASSERT_TRUE(boot("m1"));
  static_cast<void>(events_.first_line());
  destroy("m1");
  EXPECT_EQ(events_.exit_of("m1").reason, "destroyed (exit code 5)");
}

TEST_F(LocalBackendTest, DestroyOfAnUnknownMachineDoesNothing) {
  backend_running("exec sleep 100");
  backend_->destroy("no such machine", "1");
  EXPECT_THAT(events_.order_of("no such machine", "destroyed"), ElementsAre("destroyed"));
  EXPECT_TRUE(boot("m1"));
}

TEST_F(LocalBackendTest, CloseLeavesNoProcessTellsOfEachEndAndIsTheLastEvent) {
  backend_running("exec sleep 100");
  const auto one = boot("m1");
  const auto two = boot("m2");
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  destroy("m1");
  backend_->close(10s);
  EXPECT_TRUE(events_.is_closed());
  EXPECT_THAT(events_.order_of("m1", "destroyed"), ElementsAre("phase 3", "phase 4", "booted", "exited", "destroyed"));
  EXPECT_THAT(events_.order_of("m2", "exited"), ElementsAre("phase 3", "phase 4", "booted", "exited"));
  EXPECT_EQ(events_.exit_of("m2").reason.rfind("destroyed", 0), 0U);
  EXPECT_EQ(::kill(std::stoi(one->id), 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(LocalBackendTest, CloseKillsWhatIgnoresItWithinItsTime) {
  backend_running("trap '' INT; echo ready; exec sleep 100");
  ASSERT_TRUE(boot("m1"));
  static_cast<void>(events_.first_line());
  const auto before = std::chrono::steady_clock::now();
  backend_->close(400ms);
  EXPECT_TRUE(events_.is_closed());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1500ms) << "two seconds is what destroy() takes";
  EXPECT_EQ(events_.exit_of("m1").reason, "destroyed (killed by signal 9 (Killed))");
}

TEST_F(LocalBackendTest, NothingBootsOnceItCloses) {
  backend_running("exec sleep 100");
  std::promise<void> released;
  events_.on_booted([&, gate = released.get_future().share()](const MachineName& name) {
    if (name == "gate") gate.wait();
  });
  backend_->boot(request("gate"));
  backend_->close(10s);
  backend_->boot(request("m1"));
  released.set_value();
  EXPECT_TRUE(events_.is_closed());
  ASSERT_FALSE(events_.boot(1));
  EXPECT_EQ(events_.boot(1).error().error.code, ErrorCode::shutting_down);
}

TEST_F(LocalBackendTest, TheDestructorLeavesNoProcessToo) {
  backend_running("exec sleep 100");
  const auto machine = boot("m1");
  ASSERT_TRUE(machine);
  backend_.reset();
  EXPECT_EQ(events_.exit_of("m1").reason.rfind("destroyed", 0), 0U);
  EXPECT_EQ(::kill(std::stoi(machine->id), 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(LocalBackendTest, ALogFileThatCannotBeOpenedFailsItsBootsForGood) {
  backend_with({.log = (directory_ / "missing" / "log").string()});
  const auto opened = events_.opened_with();
  ASSERT_TRUE(opened && opened->has_error());
  EXPECT_THAT(opened->error().error.message, HasSubstr("[backends.local] log"));
  const auto outcome = boot("m1");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().remedy, Remedy::permanent);
  EXPECT_THAT(outcome.error().error.message, HasSubstr("[backends.local] log"));
  destroy("m1");
  EXPECT_THAT(events_.order_of("m1", "destroyed"), ElementsAre("booted", "destroyed"));
  EXPECT_THAT(list(), IsEmpty());
  backend_->close(1s);
  EXPECT_TRUE(events_.is_closed());
}

TEST_F(LocalBackendTest, AMissingBinaryIsAPermanentFailure) {
  backend_with({.runner = (directory_ / "nothing").string()});
  const auto outcome = boot("m1");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().remedy, Remedy::permanent);
  EXPECT_EQ(outcome.error().error.code, ErrorCode::boot_failed);
}

TEST_F(LocalBackendTest, AMissingInterpreterIsAFailureThatNamesTheBinary) {
  const auto path = directory_ / "odd";
  std::ofstream(path) << "#!/no/such/interpreter\n";
  ::chmod(path.c_str(), 0755);
  backend_with({.runner = path.string()});
  const auto outcome = boot("m1");
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().error.message.find(path.string()), std::string::npos);
}

TEST_F(LocalBackendTest, ClaimsWhatItKeeps) {
  const LocalBackend backend({}, "big");
  EXPECT_EQ(backend.name(), "big") << "that of its table";
  EXPECT_TRUE(backend.traits().same_kernel && backend.traits().same_files && backend.traits().proves_death);
  EXPECT_FALSE(backend.traits().lists) << "it ends with its host";
}

}  // namespace
}  // namespace flame::backends
