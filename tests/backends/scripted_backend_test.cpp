// What a script can ask of ScriptedBackend beyond the rows: it lies where the contract lets engines lie.
#include "tests/support/scripted_backend.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/backends/recorder.hpp"
#include "tests/backends/scripted_subject.hpp"
#include "tests/support/fixed_descriptor.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using What = Note::What;

class ScriptedBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    backend_.open(heard_);
    run();
  }
  void run(Duration time = 1min) {
    const base::Instant end = agenda_.now() + time;
    while (agenda_.next() <= end) agenda_.step();
    agenda_.skip_to(end);
  }
  void boot(const MachineName& name) {
    backend_.boot({.name = name, .labels = {{"flame-name", name}}, .descriptor = descriptor_of("parent")});
    run();
  }
  std::vector<Machine> list() {
    backend_.list(++tickets_, {});
    run();
    return heard_.last(What::listed, {}, tickets_)->machines;
  }

  sim::Agenda agenda_;
  Fate fate_;
  ScriptedEngine engine_{agenda_, [this](const BootRequest&) { return fate_; }};
  Recorder heard_{[this] { return agenda_.now(); }};
  ScriptedBackend backend_{"scripted", all_traits(), engine_};
  std::uint64_t tickets_ = 0;
};

TEST_F(ScriptedBackendTest, SaysNothingFromWithinACall) {
  backend_.boot({.name = "m1", .labels = {}, .descriptor = descriptor_of("parent")});
  backend_.destroy("m2", {});
  EXPECT_FALSE(heard_.last(What::booted, "m1") || heard_.last(What::destroyed, "m2"));
  run();
  EXPECT_TRUE(heard_.last(What::booted, "m1") && heard_.last(What::destroyed, "m2"));
}

TEST_F(ScriptedBackendTest, AnEmptyListIsToldOnceAndIsNotTheTruth) {
  boot("m1");
  engine_.lists_nothing_once = true;
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(list().size(), 1U);
}

TEST_F(ScriptedBackendTest, AListLagsBehindBirthsAndDeaths) {
  engine_.list_lag = 1h;
  boot("m1");
  EXPECT_TRUE(list().empty());
  run(1h);
  EXPECT_EQ(list().size(), 1U);
  engine_.end("m1", {.reason = "killed"});
  EXPECT_EQ(list().size(), 1U);
  run(1h);
  EXPECT_TRUE(list().empty());
}

TEST_F(ScriptedBackendTest, AMachineThatCannotBeDestroyedIsLeftAndMayBeDestroyedLater) {
  boot("m1");
  engine_.destroy_fails = true;
  backend_.destroy("m1", {});
  run();
  EXPECT_TRUE(heard_.last(What::destroyed, "m1")->error);
  EXPECT_EQ(engine_.machines(), 1U);
  engine_.destroy_fails = false;
  backend_.destroy("m1", {});
  run();
  EXPECT_FALSE(heard_.last(What::destroyed, "m1")->error);
  EXPECT_EQ(engine_.machines(), 0U);
}

TEST_F(ScriptedBackendTest, AMachineSurvivesAsManyDestroysAsItsFateSays) {
  fate_.destroys_refused = 1;
  boot("m1");
  backend_.destroy("m1", {});
  run();
  EXPECT_TRUE(heard_.last(What::destroyed, "m1")->error);
  backend_.destroy("m1", {});
  run();
  EXPECT_FALSE(heard_.last(What::destroyed, "m1")->error);
}

TEST_F(ScriptedBackendTest, ADeathThatOvertakesTheAnswerIsAFailedBootAndNoExit) {
  fate_.answer = 10min;
  boot("m1");
  EXPECT_EQ(engine_.machines(), 1U);
  EXPECT_FALSE(heard_.last(What::booted, "m1")) << "its runner runs, and the answer is on its way";
  engine_.end("m1", {.reason = "killed", .out_of_memory = false, .log_tail = "last words"});
  run(1h);
  ASSERT_TRUE(heard_.last(What::booted, "m1"));
  EXPECT_EQ(heard_.last(What::booted, "m1")->failure->error.log_tail, "last words");
  EXPECT_FALSE(heard_.last(What::exited, "m1"));
}

TEST_F(ScriptedBackendTest, CloseEndsBootsThatAreUnderWay) {
  fate_.answer = 10min;
  boot("m1");
  backend_.close(5s);
  run();
  EXPECT_EQ(heard_.last(What::booted, "m1")->failure->error.code, ErrorCode::shutting_down);
  EXPECT_TRUE(heard_.last(What::closed));
  EXPECT_EQ(engine_.machines(), 0U);
}

TEST_F(ScriptedBackendTest, AnEndThatIsKnownFromTheStartIsToldWithTheMachineAndComes) {
  fate_.ends_in = 10min;
  boot("m1");
  EXPECT_EQ(heard_.last(What::booted, "m1")->machine->ends_in, 10min);
  run(10min);
  EXPECT_TRUE(heard_.last(What::exited, "m1"));
  EXPECT_EQ(engine_.machines(), 0U);
}

TEST_F(ScriptedBackendTest, ANoticeThatOvertakesTheAnswerIsToldAfterIt) {
  fate_.ends_in = 10min;
  fate_.answer = 2min;
  boot("m1");
  engine_.announce("m1", 5min, "evicted");
  EXPECT_FALSE(heard_.last(What::ending, "m1"));
  run(2min);
  EXPECT_EQ(heard_.last(What::booted, "m1")->machine->ends_in, 8min) << "from the start";
  ASSERT_TRUE(heard_.last(What::ending, "m1"));
  EXPECT_EQ(heard_.last(What::ending, "m1")->left, 4min);
}

TEST_F(ScriptedBackendTest, AnExitMayNeverBeToldUntilTheMachineIsDestroyed) {
  fate_.exit_told = kForever;
  boot("m1");
  engine_.end("m1", {.reason = "killed"});
  run(24h);
  EXPECT_FALSE(heard_.last(What::exited, "m1"));
  backend_.destroy("m1", {});
  run();
  EXPECT_EQ(heard_.last(What::exited, "m1")->exit.reason, "killed");
}

TEST_F(ScriptedBackendTest, WhatRunsOnAMachineIsStartedAndKilledByHooks) {
  std::vector<std::string> done;
  ScriptedEngine engine(
      agenda_, [](const BootRequest&) { return Fate{.boot = 1s}; },
      {.started = [&](const ScriptedEngine::Unit& unit) { done.push_back("started " + unit.descriptor); },
       .killed = [&](const ScriptedEngine::Unit& unit) { done.push_back("killed " + unit.machine.name); }});
  Recorder heard([this] { return agenda_.now(); });
  ScriptedBackend backend("other", {}, engine);
  backend.open(heard);
  backend.boot({.name = "m1", .labels = {}, .descriptor = descriptor_of("parent")});
  run();
  backend.destroy("m1", {});
  run();
  EXPECT_EQ(done, (std::vector<std::string>{"started parent", "killed m1"}));
}

}  // namespace
}  // namespace flame::test
