// Questions about machines: each is answered once, by what has come when its time is over.
#include "host/src/loop/machine_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using control::MachineList;
using control::MachineReport;
using control::MachinesRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = MachinesRequest::Kind;

const HostIdentity kAsked{.run = "run", .host = label_value("web"), .origin = "here", .process = "41-900"};

/// Answers when it is told to.
class AskedBackend final : public test::IdleBackend {
 public:
  AskedBackend(std::string name, bool lists) : IdleBackend(std::move(name)) { traits_.lists = lists; }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void list(std::uint64_t ticket, const Labels& scope) override {
    asked.push_back("list " + scope.at("flame-host"));
    last = ticket;
  }
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override {
    if (throws) throw std::runtime_error("no network");
    asked.push_back("logs " + machine.name + " " + machine.id + " " + std::to_string(bytes_max));
    last = ticket;
  }
  void destroy(const MachineName& name, const MachineId& id) override {
    if (throws) throw std::runtime_error("no network");
    asked.push_back("destroy " + name + " " + id);
  }
  [[nodiscard]] BackendEvents& says() const { return *events(); }

  bool throws = false;
  std::uint64_t last = 0;
  std::vector<std::string> asked;

 private:
  BackendTraits traits_;
};

class MachineQuestionsTest : public testing::Test {
 protected:
  MachineQuestionsTest() {
    machines_.set_events({.on_boot = [](RunnerKey, const std::optional<BootFailure>&, Instant) {},
                          .on_exit = [](RunnerKey, const std::string&, Instant) {},
                          .on_ends = [](RunnerKey, Duration, bool, Instant) {},
                          .on_left = [](RunnerKey, const std::string&) {}});
    machines_.open();
    hear();
  }
  void hear() {
    std::vector<Command> commands;
    inbox_->take_all(commands);
    for (Command& command : commands) {
      if (auto* said = std::get_if<command::BackendSaid>(&command)) machines_.on(std::move(*said), now_);
    }
  }
  void ask(Kind kind, const std::string& backend = "far", const std::string& machine = "flame-old-1") {
    const MachinesRequest request{.kind = kind, .backend = backend, .machine = machine, .id = "i1"};
    auto reply = [this](control::Answer answer) { answers_.push_back(std::move(answer)); };
    machines_.ask(std::make_shared<control::Question>(control::Question{request, std::move(reply)}), now_);
    hear();
  }
  void wait(Duration time) {
    now_ += time;
    machines_.tick(now_);
  }
  [[nodiscard]] const MachineList& list() const { return std::get<MachineList>(answers_.back().value()); }
  [[nodiscard]] const MachineReport& report() const { return std::get<MachineReport>(answers_.back().value()); }
  static Machine machine(const std::string& name, const std::string& process) {
    HostIdentity host = kAsked;
    host.process = process;
    return {.name = name, .id = "i-" + name, .labels = machine_labels(name, "video", host), .age = 1h};
  }

  Instant now_{1h};
  std::vector<control::Answer> answers_;
  std::shared_ptr<AskedBackend> far_ = std::make_shared<AskedBackend>("far", true);
  std::shared_ptr<AskedBackend> near_ = std::make_shared<AskedBackend>("near", false);
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  Machines machines_{
      Machines::Parts{.backends = {{"far", far_}, {"near", near_}},
                      .inbox = inbox_,
                      .identity = kAsked,
                      .reaping = {.identity = {},
                                  .modes = {},
                                  .boot_max = 10min,
                                  .is_gone =
                                      [](const HostProcess& process) {
                                        return process == HostProcess{40, 800};
                                      },
                                  .seed = 1,
                                  .log = {}},
                      .questions = {.host_name = "web", .host = {}, .origin = {}, .pools = {"video"}, .is_gone = {}},
                      .log = {}}};
};

TEST_F(MachineQuestionsTest, AListSaysWhoseEachMachineIs) {
  machines_.boot({0, 1}, "far", {.pool = "video", .runner = "video-1"});
  ask(Kind::list);
  EXPECT_TRUE(answers_.empty());
  far_->says().listed(far_->last,
                      std::vector{machine("flame-old-1", "40-800"), machine(machine_name("run", 1), "40-800"),
                                  machine("flame-twin-1", "42-950")});
  hear();
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_EQ(list().backends.size(), 2U);
  const control::BackendMachines& far = list().backends[0];
  ASSERT_EQ(far.machines.size(), 3U);
  EXPECT_EQ(far.machines[0].owner, "gone");
  EXPECT_EQ(far.machines[0].id, "i-flame-old-1");
  EXPECT_EQ(far.machines[0].pool, "video");
  EXPECT_EQ(far.machines[0].host, "web");
  EXPECT_EQ(far.machines[0].age, 1h);
  EXPECT_EQ(far.machines[0].ends_in, std::nullopt);
  EXPECT_EQ(far.machines[1].owner, "living") << "it is this host's, whatever its labels say";
  EXPECT_EQ(far.machines[2].owner, "living");
  EXPECT_FALSE(list().backends[1].lists);
  EXPECT_THAT(near_->asked, IsEmpty());
}

TEST_F(MachineQuestionsTest, AListHasTheErrorOfABackendThatFails) {
  ask(Kind::list);
  far_->says().listed(far_->last, Error{.code = ErrorCode::boot_failed, .message = "the engine is down"});
  hear();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(list().backends[0].error, "the engine is down");
}

TEST_F(MachineQuestionsTest, AnEngineThatIsTooSlowIsSaidToBe) {
  ask(Kind::list);
  wait(limits::kMachineAnswerMax - 1ns);
  EXPECT_TRUE(answers_.empty());
  EXPECT_LE(machines_.next_wakeup(), now_ + 1ns);
  wait(1ns);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_THAT(list().backends[0].error, HasSubstr("has not answered yet"));
  far_->says().listed(far_->last, std::vector<Machine>());
  hear();
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(MachineQuestionsTest, ALogIsTheBackends) {
  ask(Kind::log);
  EXPECT_THAT(far_->asked, ElementsAre("logs flame-old-1 i1 " + std::to_string(limits::kMachineLogMax)));
  far_->says().logged(far_->last + 1, std::string("of another"));
  far_->says().logged(far_->last, std::string("its words"));
  hear();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(report().machine, "flame-old-1");
  EXPECT_EQ(report().log, "its words");
}

TEST_F(MachineQuestionsTest, AMachineIsDestroyedOnceItsBackendSaysSo) {
  ask(Kind::destroy);
  EXPECT_THAT(far_->asked, ElementsAre("destroy flame-old-1 i1"));
  near_->says().destroyed("flame-old-1", std::nullopt);
  hear();
  EXPECT_TRUE(answers_.empty());
  far_->says().destroyed("flame-old-1", std::nullopt);
  hear();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(report().machine, "flame-old-1");
}

TEST_F(MachineQuestionsTest, WhyAMachineMayBeLeftIsTold) {
  ask(Kind::destroy);
  far_->says().destroyed("flame-old-1", Error{.code = ErrorCode::boot_failed, .message = "forbidden"});
  hear();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().message, "forbidden");
}

TEST_F(MachineQuestionsTest, OneThatIsNotAnsweredInTimeIsSaidToBe) {
  ask(Kind::destroy);
  ask(Kind::log);
  wait(limits::kMachineAnswerMax);
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].error().code, ErrorCode::timed_out);
  EXPECT_EQ(answers_[1].error().code, ErrorCode::timed_out);
}

TEST_F(MachineQuestionsTest, WhatABackendThrowsIsTheAnswer) {
  far_->throws = true;
  ask(Kind::log);
  ask(Kind::destroy);
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_THAT(answers_[0].error().message, HasSubstr("no network"));
  EXPECT_THAT(answers_[1].error().message, HasSubstr("no network"));
}

TEST_F(MachineQuestionsTest, ABackendThatTheHostDoesNotUseIsNamedWithTheNearest) {
  ask(Kind::destroy, "fat");
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code, ErrorCode::not_found);
  EXPECT_THAT(answers_[0].error().message, HasSubstr("far"));
}

TEST_F(MachineQuestionsTest, AHostThatEndsAsksNothing) {
  machines_.close(now_);
  ask(Kind::list);
  EXPECT_THAT(far_->asked, IsEmpty());
}

TEST_F(MachineQuestionsTest, TheLogOfAMachineOfThisHostCanBeAskedForByItsId) {
  machines_.boot({0, 1}, "near", {.pool = "video", .runner = "video-1"});
  const MachineName own = machine_name("run", 1);
  near_->says().booted(own, Machine{.name = own, .id = "4711"});
  hear();
  ask(Kind::log, "near", "4711");
  EXPECT_EQ(near_->asked.back(), "logs " + own + " 4711 " + std::to_string(limits::kMachineLogMax));
  ask(Kind::log, "near", own);
  EXPECT_EQ(near_->asked.back(), "logs " + own + " i1 " + std::to_string(limits::kMachineLogMax));
  ask(Kind::log, "far", "4711");
  EXPECT_EQ(far_->asked.back(), "logs 4711 i1 " + std::to_string(limits::kMachineLogMax)) << "that is another one";
}

}  // namespace
}  // namespace flame::pool
