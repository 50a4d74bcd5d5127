// Machines: one outcome per boot, one destroy per machine, whatever the backend answers and when.
#include "host/src/loop/machines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>

#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unix_time.hpp"
#include "tests/unit/host/loop/machines_harness.hpp"

namespace flame::pool {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(MachinesTest, ABootThatSucceedsGivesItsRunnerAMachine) {
  boot(1);
  EXPECT_EQ(machines_->count(), 1U);
  EXPECT_EQ(machines_->machine_of(key(1)).id, "");
  start(1, "m");
  EXPECT_EQ(machines_->machine_of(key(1)).id, "") << "the backend's thread does not touch it";
  EXPECT_THAT(told(), ElementsAre("boot 1"));
  EXPECT_EQ(machines_->machine_of(key(1)).id, "m");
  EXPECT_EQ(machines_->machine_of(key(1)).name, name(1));
  EXPECT_EQ(machines_->machine_of(key(2)).name, "");
}

TEST_F(MachinesTest, EveryBootHasANameAndLabelsOfItsOwn) {
  boot(1);
  boot(2);
  ASSERT_EQ(backend_->asked.size(), 2U);
  EXPECT_EQ(backend_->asked[0].name, name(1));
  EXPECT_EQ(backend_->asked[1].name, name(2));
  EXPECT_EQ(backend_->asked[0].runner, "r");
  EXPECT_EQ(backend_->asked[1].labels,
            machine_labels(name(2), "p", {.run = "run", .host = "h", .origin = "o", .process = "1-2"}));
}

TEST_F(MachinesTest, AMachineWhoseLifeIsLimitedIsLabelledWithItsEnd) {
  struct Mortal final : test::IdleBackend {
    Mortal() : IdleBackend("mortal", {.max_lifetime = std::chrono::hours(1)}) {}
    void boot(BootRequest request) override { labels = request.labels; }
    Labels labels;
  };
  const auto mortal = std::make_shared<Mortal>();
  Machines machines({.backends = {{"mortal", mortal}}, .inbox = inbox_, .identity = {}, .log = {}});
  const std::int64_t before = base::unix_time();
  machines.boot(key(1), "mortal", {.pool = "p", .boot_timeout = std::chrono::seconds(30)});
  const std::int64_t until = std::stoll(mortal->labels.at("flame-until"));
  EXPECT_GE(until, before + 3630);
  EXPECT_LE(until, base::unix_time() + 3630);
}

TEST_F(MachinesTest, WhatABackendSaysOfABootIsToldUntilTheBootIsAnswered) {
  boot(1);
  says().phase(name(1), BootPhase::queued, "partition gpu: Priority");
  says().phase(name(1), BootPhase::starting, "");
  says().phase("stranger", BootPhase::queued, "");
  start(1, "m");
  says().phase(name(1), BootPhase::started, "late");
  EXPECT_THAT(told(), ElementsAre("queued 1 partition gpu: Priority", "starting 1 ", "boot 1"));
  boot(2);
  destroy(2);
  says().phase(name(2), BootPhase::queued, "");
  EXPECT_THAT(told(), IsEmpty()) << "nobody waits for it";
}

TEST_F(MachinesTest, TheEndOfAMachineIsToldFromItsBootOnAndWhenItIsRevised) {
  boot(1);
  says().ending(name(1), std::chrono::seconds(5), "not there yet");
  says().booted(name(1), Machine{.name = name(1), .id = "m", .ends_in = std::chrono::minutes(10)});
  says().ending(name(1), std::chrono::seconds(90), "spot notice");
  says().ending("stranger", std::chrono::seconds(90), "spot notice");
  EXPECT_THAT(told(), ElementsAre("boot 1", "ends 1 600 s", "notice 1 90 s"));
  destroy(1);
  says().ending(name(1), std::chrono::seconds(1), "now");
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(MachinesTest, AMachineTakesRoomUntilItsBackendSaysThatItIsGone) {
  EXPECT_EQ(machines_->room().free("slow"), 2U);
  boot(1);
  boot(2);
  EXPECT_EQ(machines_->room().free("slow"), 0U) << "from the request on";
  start(1, "m");
  fail(2);
  EXPECT_FALSE(machines_->take_room_made());
  hear();
  EXPECT_TRUE(machines_->take_room_made());
  EXPECT_EQ(machines_->room().free("slow"), 1U);
  destroy(1);
  left(1);
  hear();
  EXPECT_EQ(machines_->room().free("slow"), 1U) << "it may run on, and cost";
  gone(1);
  hear();
  EXPECT_TRUE(machines_->take_room_made());
  EXPECT_EQ(machines_->room().free("slow"), 2U);
}

TEST_F(MachinesTest, ABootThatFailsIsToldAndForgotten) {
  boot(1);
  fail(1);
  EXPECT_THAT(told(), ElementsAre("boot 1 no room"));
  EXPECT_EQ(machines_->count(), 0U);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(MachinesTest, AFailedBootWhoseMachineMayExistIsDestroyedByNameBeforeAnythingIsRetried) {
  boot(1);
  fail(1, true);
  EXPECT_THAT(told(), IsEmpty()) << "its pool would boot another one beside it";
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " "));
  EXPECT_EQ(machines_->count(), 1U) << "until the backend says that it is gone";
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " "));
  gone(1);
  EXPECT_THAT(told(), ElementsAre("boot 1 no room"));
  EXPECT_EQ(machines_->count(), 0U);
  gone(1);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(MachinesTest, ABackendThatThrowsHasFailedToBoot) {
  backend_->throws = true;
  boot(1);
  EXPECT_THAT(told(), ElementsAre(HasSubstr("its boot() has thrown: no quota")));
  EXPECT_EQ(machines_->count(), 0U);
}

TEST_F(MachinesTest, ABackendThatCannotEndAMachineSaysWhichOneMayBeLeft) {
  boot(1);
  start(1, "m1");
  hear();
  backend_->throws = true;
  destroy(1);
  EXPECT_THAT(told(), ElementsAre(AllOf(HasSubstr("its destroy() has thrown: no network"), HasSubstr("m1"))));
  backend_->throws = false;
  boot(2);
  start(2, "m2");
  hear();
  destroy(2);
  left(2);
  EXPECT_THAT(told(), ElementsAre(AllOf(HasSubstr("left 2 the engine is down"), HasSubstr("m2"), HasSubstr("slow"))));
  exit(2, "ended all the same");
  EXPECT_THAT(told(), ElementsAre("exit 2 ended all the same"));
}

TEST_F(MachinesTest, ABootIsAnsweredOnce) {
  boot(1);
  start(1, "m");
  start(1, "other");
  fail(1);
  EXPECT_THAT(told(), ElementsAre("boot 1"));
  EXPECT_EQ(machines_->machine_of(key(1)).id, "m");
}

TEST_F(MachinesTest, ABootThatIsGivenUpIsDestroyedAtOnceByItsName) {
  boot(1);
  destroy(1);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " "));
  EXPECT_EQ(machines_->count(), 1U) << "it may cost money already";
  gone(1);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(machines_->count(), 1U) << "its boot is not answered";
  fail(1);
  EXPECT_THAT(told(), IsEmpty()) << "nobody waits for it";
  EXPECT_EQ(machines_->count(), 0U);
}

TEST_F(MachinesTest, AMachineThatComesAfterItWasGivenUpIsDestroyedAgain) {
  boot(1);
  destroy(1);
  gone(1);
  start(1, "m");
  EXPECT_THAT(told(), IsEmpty()) << "nobody waits for it";
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " ", name(1) + " m"));
  EXPECT_EQ(machines_->count(), 1U);
  destroy(1);
  EXPECT_EQ(backend_->destroyed.size(), 2U);
  gone(1);
  hear();
  EXPECT_EQ(machines_->count(), 0U);
  start(1, "m");
  hear();
  EXPECT_EQ(backend_->destroyed.size(), 3U) << "a backend may say so when everybody has forgotten it";
}

TEST_F(MachinesTest, AMachineIsDestroyedOnceAndItsEndIsStillTold) {
  boot(1);
  start(1, "m");
  hear();
  destroy(1);
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " m"));
  exit(1, "killed");
  exit(1, "killed");
  gone(1);
  EXPECT_THAT(told(), ElementsAre("exit 1 killed")) << "it proves that its calls do not run any more";
  EXPECT_EQ(machines_->count(), 0U);
}

TEST_F(MachinesTest, AMachineThatHasEndedByItselfIsDestroyedToo) {
  boot(1);
  start(1, "m");
  exit(1, "exit code 1");
  EXPECT_THAT(told(), ElementsAre("boot 1", "exit 1 exit code 1"));
  EXPECT_EQ(machines_->count(), 1U) << "a stopped machine still exists";
  destroy(1);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " m"));
  gone(1);
  hear();
  EXPECT_EQ(machines_->count(), 0U);
}

TEST_F(MachinesTest, AnEndIsToldWithTheLastLinesOfItsLog) {
  boot(1);
  start(1, "m");
  says().exited(name(1), {.reason = "exit code 7", .log_tail = "cannot open the flux capacitor"});
  EXPECT_THAT(told(), ElementsAre("boot 1", "exit 1 exit code 7; its last output:\ncannot open the flux capacitor"));
}

TEST_F(MachinesTest, AnEndOfAMachineThatHasNotBootedIsNoNews) {
  says().exited("stranger", {.reason = "exit code 1"});
  says().destroyed("stranger", std::nullopt);
  EXPECT_THAT(told(), IsEmpty());
  boot(1);
  exit(1, "exit code 1");
  gone(1);
  EXPECT_THAT(told(), IsEmpty()) << "it would be a failed boot";
  start(1, "m");
  EXPECT_THAT(told(), ElementsAre("boot 1"));
}

TEST_F(MachinesTest, RemembersABoundedNumberOfDestroyedMachines) {
  for (RunnerId runner = 1; runner <= limits::kDestroysKept + 1; ++runner) {
    boot(runner);
    start(runner, "m");
    hear();
    destroy(runner);
  }
  EXPECT_EQ(machines_->count(), limits::kDestroysKept);
  exit(1, "killed");
  EXPECT_THAT(told(), IsEmpty());
  exit(2, "killed");
  EXPECT_THAT(told(), ElementsAre("exit 2 killed"));
}

TEST_F(MachinesTest, AfterTheLoopHasEndedABackendTellsNobody) {
  boot(1);
  inbox_->close("the host has ended");
  start(1, "m");
  exit(1, "killed");
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(MachinesTest, CloseDestroysEverythingAndThenNothingBoots) {
  boot(1);
  boot(2);
  start(1, "m");
  hear();
  const Instant now = base::boot_time();
  EXPECT_FALSE(machines_->closed(now));
  machines_->close(now);
  EXPECT_THAT(backend_->destroyed, ElementsAre(name(1) + " m", name(2) + " "));
  EXPECT_THAT(backend_->closes, ElementsAre(Duration(limits::kBackendCloseMax)));
  boot(3);
  EXPECT_EQ(backend_->asked.size(), 2U);
  exit(1, "destroyed");
  EXPECT_THAT(told(), IsEmpty()) << "the pools have ended";
  EXPECT_FALSE(machines_->closed(now));
  says().closed();
  EXPECT_TRUE(machines_->closed(now));
}

TEST_F(MachinesTest, AfterTheCloseNamesWhatMayBeLeft) {
  for (const RunnerId runner : std::initializer_list<RunnerId>{1, 2, 3, 4}) boot(runner);
  for (const std::size_t n : std::initializer_list<std::size_t>{1, 2, 3}) start(n, "m" + std::to_string(n));
  hear();
  machines_->close(base::boot_time());
  fail(4);
  exit(1, "destroyed");
  gone(1);
  left(2);
  exit(3, "destroyed");
  says().closed();
  hear();
  machines_->finish(base::boot_time(), true);
  EXPECT_TRUE(log_->contains("id=m2"));
  EXPECT_TRUE(log_->contains("the engine is down")) << "why it may be left";
  EXPECT_FALSE(log_->contains("id=m1"));
  EXPECT_FALSE(log_->contains("id=m3")) << "its death is proven";
  EXPECT_FALSE(log_->contains(name(4))) << "it never was";
}

TEST_F(MachinesTest, ABackendThatDoesNotCloseInTimeIsNotWaitedForAndLivesOn) {
  boot(1);
  start(1, "m");
  hear();
  const Instant now = base::boot_time();
  const Instant long_ago = now - limits::kBackendCloseMax - Machines::kLastWord;
  machines_->close(long_ago);
  EXPECT_FALSE(machines_->closed(now - Duration(1)));
  EXPECT_EQ(machines_->next_wakeup(), now);
  EXPECT_TRUE(machines_->closed(now));
  machines_->finish(now, true);
  EXPECT_TRUE(log_->contains("a backend does not end in time"));
  EXPECT_TRUE(log_->contains(name(1)));
  static SlowBackend* lives_on = nullptr;  // nobody else finds it any more
  lives_on = backend_.get();
  const std::weak_ptr<SlowBackend> backend = backend_;
  backend_.reset();
  machines_.reset();
  ASSERT_FALSE(backend.expired());
  lives_on->says().closed();  // it may still speak
}

TEST_F(MachinesTest, AMachineOfAnotherHostThatABackendTellsOfIsLeftAlone) {
  says().booted("flame-another-1", Machine{.name = "flame-another-1", .id = "m"});
  hear();
  EXPECT_THAT(backend_->destroyed, IsEmpty());
}

TEST_F(MachinesTest, AHostThatHasFailedClosesItsBackendsToo) {
  boot(1);
  inbox_->close("the host has failed");
  says().closed();  // as if close() did it; nothing of it is heard
  machines_->finish(base::boot_time(), false);
  EXPECT_FALSE(log_->contains("may be left"));
}

TEST_F(MachinesTest, ABackendThatThrowsWhenItIsOpenedOrClosedEndsNobody) {
  class Broken final : public test::IdleBackend {
   public:
    Broken() : IdleBackend("broken") {}
    void open(BackendEvents& /*events*/) override { throw std::runtime_error("no engine"); }
  };
  Machines broken({.backends = {{"broken", std::make_shared<Broken>()}},
                   .inbox = inbox_,
                   .identity = {},
                   .log = base::Logger(log_)});
  broken.open();
  EXPECT_TRUE(log_->contains("its open() has thrown: no engine"));
  broken.close(base::boot_time());
  EXPECT_TRUE(broken.closed(base::boot_time())) << "it was never open";
  backend_->throws = true;
  machines_->close(base::boot_time());
  EXPECT_TRUE(log_->contains("its close() has thrown: no patience"));
}

TEST_F(MachinesTest, WhatABackendLogsIsInTheHostsLog) {
  says().log(1, "runner r: hello");
  says().log(99, "worse than an error");
  says().opened(BootFailure{.error = {.message = "no such engine"}});
  says().ending(name(1), std::chrono::seconds(90), "spot notice");
  for (const char* part : {"info runner r: hello", "error worse than an error", "no such engine", "seconds=90"}) {
    EXPECT_TRUE(log_->contains(part)) << part;
  }
}

}  // namespace
}  // namespace flame::pool
