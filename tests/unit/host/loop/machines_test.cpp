// Machines: one outcome per boot, one destroy per machine, whatever the backend answers and when.
#include "host/src/loop/machines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Answers nothing until it is told to.
class SlowBackend final : public test::IdleBackend {
 public:
  SlowBackend() : IdleBackend("slow") {}
  void on_exit(OnExit callback) override { exit = std::move(callback); }
  void boot(BootRequest request, OnBoot done) override {
    if (throws) throw std::runtime_error("no quota");
    asked.push_back(std::move(request.runner));
    answers.push_back(std::move(done));
  }
  void destroy(const MachineId& id) override {
    if (throws) throw std::runtime_error("no network");
    destroyed.push_back(id);
  }

  bool throws = false;
  OnExit exit;
  std::vector<std::string> asked;
  std::vector<OnBoot> answers;
  std::vector<MachineId> destroyed;
};

class MachinesTest : public testing::Test {
 protected:
  MachinesTest() {
    machines_.set_events({
        .on_boot =
            [this](RunnerKey runner, std::optional<BootFailure> failure, Instant) {
              told_.push_back("boot " + std::to_string(runner.second) + (failure ? " " + failure->error.message : ""));
            },
        .on_exit = [this](RunnerKey runner, const std::string& reason,
                          Instant) { told_.push_back("exit " + std::to_string(runner.second) + " " + reason); },
        .on_left =
            [this](RunnerKey runner, const std::string& what) {
              told_.push_back("left " + std::to_string(runner.second) + " " + what);
            },
    });
  }

  static RunnerKey key(RunnerId runner) { return {0, runner}; }
  void boot(RunnerId runner) { machines_.boot(key(runner), "slow", {.pool = "p", .runner = "r", .parent = {}}); }
  void destroy(RunnerId runner) { machines_.destroy(key(runner)); }
  void start(std::size_t boot, const std::string& machine) { backend_->answers.at(boot)(Machine{machine, "r"}); }
  void fail(std::size_t boot) {
    backend_->answers.at(boot)(BootFailure{.error = {.code = ErrorCode::boot_failed, .message = "no room"}});
  }
  /// What the pools have heard since the last time, after the loop has run.
  std::vector<std::string> told() {
    std::vector<Command> commands;
    inbox_->take_all(commands);
    for (Command& command : commands) {
      if (auto* booted = std::get_if<command::Booted>(&command)) machines_.on(std::move(*booted), {});
      if (auto* exited = std::get_if<command::Exited>(&command)) machines_.on(std::move(*exited), {});
    }
    return std::exchange(told_, {});
  }

  std::shared_ptr<SlowBackend> backend_ = std::make_shared<SlowBackend>();
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Machines machines_{{{"slow", backend_}}, inbox_};
  std::vector<std::string> told_;
};

TEST_F(MachinesTest, ABootThatSucceedsGivesItsRunnerAMachine) {
  boot(1);
  EXPECT_EQ(machines_.count(), 1U);
  EXPECT_EQ(machines_.name_of(key(1)), "");
  start(0, "m");
  EXPECT_EQ(machines_.name_of(key(1)), "") << "the backend's thread does not touch it";
  EXPECT_THAT(told(), ElementsAre("boot 1"));
  EXPECT_EQ(machines_.name_of(key(1)), "m");
  EXPECT_THAT(backend_->asked, ElementsAre("r"));
}

TEST_F(MachinesTest, ABootThatFailsIsToldAndForgotten) {
  boot(1);
  fail(0);
  EXPECT_THAT(told(), ElementsAre("boot 1 no room"));
  EXPECT_EQ(machines_.count(), 0U);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(MachinesTest, ABackendThatThrowsHasFailedToBoot) {
  backend_->throws = true;
  boot(1);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("its boot() has thrown: no quota")));
  EXPECT_EQ(machines_.count(), 0U);
}

TEST_F(MachinesTest, ABackendThatCannotEndAMachineSaysWhichOneMayBeLeft) {
  boot(1);
  start(0, "m1");
  static_cast<void>(told());
  backend_->throws = true;
  destroy(1);
  EXPECT_THAT(told(), ElementsAre(testing::AllOf(HasSubstr("its destroy() has thrown: no network"), HasSubstr("m1"))));
  EXPECT_EQ(machines_.count(), 0U);
}

TEST_F(MachinesTest, ABootIsAnsweredOnce) {
  boot(1);
  start(0, "m");
  start(0, "other");
  fail(0);
  EXPECT_THAT(told(), ElementsAre("boot 1"));
  EXPECT_EQ(machines_.name_of(key(1)), "m");
}

TEST_F(MachinesTest, AMachineThatComesAfterItWasGivenUpIsDestroyedOnce) {
  boot(1);
  destroy(1);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, IsEmpty()) << "it has no name yet";
  EXPECT_EQ(machines_.count(), 1U) << "it may cost money already";
  start(0, "m");
  EXPECT_THAT(told(), IsEmpty()) << "nobody waits for it";
  EXPECT_THAT(backend_->destroyed, ElementsAre("m"));
  EXPECT_EQ(machines_.count(), 0U);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre("m"));
}

TEST_F(MachinesTest, ABootThatFailsAfterItWasGivenUpLeavesNothing) {
  boot(1);
  destroy(1);
  fail(0);
  static_cast<void>(told());
  EXPECT_THAT(backend_->destroyed, IsEmpty());
  EXPECT_EQ(machines_.count(), 0U);
}

TEST_F(MachinesTest, AMachineIsDestroyedOnceAndItsEndIsStillTold) {
  boot(1);
  start(0, "m");
  static_cast<void>(told());
  destroy(1);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre("m"));
  backend_->exit("m", "killed");
  backend_->exit("m", "killed");
  EXPECT_THAT(told(), ElementsAre("exit 1 killed")) << "it proves that its calls do not run any more";
}

TEST_F(MachinesTest, AMachineThatHasEndedByItselfIsDestroyedToo) {
  boot(1);
  start(0, "m");
  backend_->exit("m", "exit code 1");
  EXPECT_THAT(told(), ElementsAre("boot 1", "exit 1 exit code 1"));
  EXPECT_EQ(machines_.count(), 1U) << "a stopped machine still exists";
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre("m"));
  EXPECT_EQ(machines_.count(), 0U);
}

TEST_F(MachinesTest, AnEndThatOvertakesItsBootIsToldAfterIt) {
  boot(1);
  boot(2);
  backend_->exit("m", "exit code 1");
  EXPECT_THAT(told(), IsEmpty());
  start(1, "other");
  start(0, "m");
  EXPECT_THAT(told(), ElementsAre("boot 2", "boot 1", "exit 1 exit code 1"));
}

TEST_F(MachinesTest, AnEndOfAMachineThatIsNotOursIsNoNews) {
  backend_->exit("stranger", "exit code 1");
  EXPECT_THAT(told(), IsEmpty());
  boot(1);
  start(0, "stranger");
  EXPECT_THAT(told(), ElementsAre("boot 1"));
}

TEST_F(MachinesTest, RemembersABoundedNumberOfDestroyedMachines) {
  for (RunnerId runner = 1; runner <= limits::kRunnersCeiling + 1; ++runner) {
    boot(runner);
    start(runner - 1, "m" + std::to_string(runner));
    static_cast<void>(told());
    destroy(runner);
  }
  backend_->exit("m1", "killed");
  EXPECT_THAT(told(), IsEmpty());
  backend_->exit("m2", "killed");
  EXPECT_THAT(told(), ElementsAre("exit 2 killed"));
}

TEST_F(MachinesTest, AfterTheLoopHasEndedABackendTellsNobody) {
  boot(1);
  inbox_->close("the host has ended");
  start(0, "m");
  backend_->exit("m", "killed");
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace flame::pool
