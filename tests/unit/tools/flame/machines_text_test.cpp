// The tables of `flame machines`, and which machines `reap` means.
#include "tools/flame/machines_text.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {
namespace machines_text_test {

using namespace std::chrono_literals;
using control::BackendMachines;
using control::MachineList;
using control::MachineStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

MachineStatus machine(const std::string& name, const std::string& owner) {
  return {.name = name,
          .id = "i-" + name,
          .state = "started",
          .place = {},
          .pool = "video",
          .host = "web-1",
          .owner = owner,
          .age = 25min,
          .ends_in = {}};
}
MachineList list_of(std::vector<MachineStatus> machines) {
  return {.host = "web-1",
          .pid = 7,
          .backends = {{.backend = "fly", .lists = true, .error = {}, .left_out = 0, .machines = std::move(machines)}}};
}
std::vector<std::string> names(const std::vector<ListedMachine>& machines) {
  std::vector<std::string> names;
  for (const ListedMachine& one : machines) names.push_back(one.machine.name);
  return names;
}

class MachinesText : public testing::Test {
 protected:
  [[nodiscard]] std::string shown(const MachineList& list) const { return machines_text(list, plain_); }

  base::UniqueFd null_{::open("/dev/null", O_WRONLY)};
  Terminal plain_{null_.get()};
};

TEST_F(MachinesText, ShowsWhoseEachMachineIsAndWhatCanBeDone) {
  const std::string text = shown(list_of({machine("flame-a-1", "gone"), machine("flame-b-1", "living")}));
  EXPECT_THAT(text, HasSubstr("host web-1 (pid 7)"));
  EXPECT_THAT(text, HasSubstr("flame-a-1  i-flame-a-1  started  25 min  video  web-1  nobody, its host is gone"));
  EXPECT_THAT(text, HasSubstr("a living host"));
  EXPECT_THAT(text, HasSubstr("1 of these belong to nobody: `flame machines reap`"));
}

TEST_F(MachinesText, SaysWhyThereIsNoList) {
  MachineList list = list_of({});
  EXPECT_THAT(shown(list),
              HasSubstr("backend fly: no machines of hosts called \"web-1\"; those of another [host] name"));
  list.backends[0].error = "the engine is down";
  EXPECT_THAT(shown(list), HasSubstr("backend fly: the engine is down"));
  list.backends[0].lists = false;
  EXPECT_THAT(shown(list), HasSubstr("does not list: its machines are processes of their host and end with it"));
  EXPECT_THAT(shown(list), Not(HasSubstr("reap")));
}

TEST_F(MachinesText, WhatAnEngineSaysIsHarmless) {
  EXPECT_THAT(shown(list_of({machine("flame-a-1\x1b[2J\n", "gone")})), Not(HasSubstr("\x1b")));
}

TEST(MachinesMeant, AreThoseOfNobodyUnlessSomeAreNamed) {
  const auto all = all_machines(
      {{0, list_of({machine("flame-a-1", "gone"), machine("flame-b-1", "living"), machine("flame-c-1", "expired"),
                    machine("flame-d-1", "elsewhere"), machine("flame-e-1", "unknown")})}});
  EXPECT_THAT(names(machines_meant(all, {}).value()), ElementsAre("flame-a-1", "flame-c-1"));
  EXPECT_THAT(names(machines_meant(all, {"i-flame-b-1", "flame-a-1"}).value()), ElementsAre("flame-a-1", "flame-b-1"));
  EXPECT_THAT(names(machines_meant(all, {"flame-a-1", "flame-a-1"}).value()), ElementsAre("flame-a-1"));
}

TEST(MachinesMeant, AnOwnerOfALaterReleaseIsNoProof) {
  const auto all = all_machines({{0, list_of({machine("flame-a-1", "abandoned")})}});
  EXPECT_THAT(machines_meant(all, {}).value(), IsEmpty());
  EXPECT_EQ(owner_text("abandoned"), "unknown");
}

TEST(MachinesMeant, ANameThatNobodyListsIsAnErrorWithTheNearest) {
  const auto all = all_machines({{0, list_of({machine("flame-a-1", "gone")})}});
  const auto meant = machines_meant(all, {"flame-a-2"});
  ASSERT_TRUE(meant.has_error());
  EXPECT_EQ(meant.error().code, ErrorCode::not_found);
  EXPECT_THAT(meant.error().message, HasSubstr("flame-a-1"));
  EXPECT_TRUE(machines_meant(all, {""}).has_error()) << "an engine that gives no ids";
}

TEST(MachinesMeant, ANameOfSeveralIsAnError) {
  MachineList two = list_of({machine("flame-a-1", "gone")});
  two.backends.push_back(two.backends[0]);
  two.backends[1].backend = "fly2";
  EXPECT_EQ(machines_meant(all_machines({{0, two}}), {"flame-a-1"}).error().code, ErrorCode::invalid_argument);
}

TEST(MachinesMeant, HostsOfOneNameListEachMachineTwiceAndItIsOne) {
  const MachineList list = list_of({machine("flame-a-1", "gone")});
  const auto all = all_machines({{0, list}, {1, list}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].source, 0U);
}

TEST(MachinesMeant, AQuestionNamesEachAndItsOwner) {
  const auto all = all_machines({{0, list_of({machine("flame-b-1", "living")})}});
  EXPECT_EQ(question_text(all), "flame-b-1 (i-flame-b-1 of backend fly): belongs to a living host\n");
}

TEST_F(MachinesText, AMachineThatNobodyListsMayBeWhereNothingWasAnswered) {
  MachineList half = list_of({machine("flame-a-1", "gone")});
  half.backends.push_back(
      {.backend = "k8s", .lists = true, .error = "no route to host", .left_out = 0, .machines = {}});
  const std::vector<Error> missing = unanswered(half);
  ASSERT_THAT(missing, testing::SizeIs(1));
  EXPECT_THAT(missing[0].message, HasSubstr("backend \"k8s\": no route to host"));
  const auto machines = all_machines({{0, half}});
  EXPECT_TRUE(machines_meant(machines, {"flame-a-1"})) << "one engine that is down keeps nobody from the others";
  const Error unknown = machines_meant(machines, {"flame-k-1"}).error();
  EXPECT_EQ(or_missing(unknown, {}).code, ErrorCode::not_found);
  EXPECT_EQ(or_missing(unknown, missing).code, ErrorCode::boot_failed);
  EXPECT_THAT(or_missing(unknown, missing).message, HasSubstr("no route to host"));
  const Error usage{.code = ErrorCode::invalid_argument, .message = "several"};
  EXPECT_EQ(or_missing(usage, missing).message, "several");
}

}  // namespace machines_text_test
}  // namespace flame::cli
