// Whose a machine is: what labels prove, and what they do not.
#include "host/src/policy/machine_owner.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "host/src/policy/machine_names.hpp"

namespace flame::pool {
namespace {

constexpr std::int64_t kTime = 1'800'000'000;
const HostIdentity kHost{.run = "run", .host = "web", .origin = "here", .process = "41-900"};
const Viewpoint kHere{.host = "web", .origin = "here", .unix_time = kTime};

Machine machine() {
  return {.name = "flame-run-1", .id = "m1", .labels = machine_labels("flame-run-1", "p", kHost)};
}
Machine machine_with(const std::string& key, const std::string& value) {
  Machine one = machine();
  one.labels[key] = value;
  return one;
}
Machine machine_without(const std::string& key) {
  Machine one = machine();
  one.labels.erase(key);
  return one;
}
MachineOwner of_the_dead(const Machine& one) {
  return owner_of(one, kHere, true);
}

TEST(MachineOwner, IsGoneOnlyIfItsProcessIs) {
  EXPECT_EQ(owner_of(machine(), kHere, true), MachineOwner::gone);
  EXPECT_EQ(owner_of(machine(), kHere, false), MachineOwner::living);
}

TEST(MachineOwner, IsElsewhereWhateverProcessesThereAreHere) {
  EXPECT_EQ(of_the_dead(machine_with("flame-origin", "there")), MachineOwner::elsewhere);
  EXPECT_EQ(of_the_dead(machine_with("flame-host", "another")), MachineOwner::elsewhere);
}

TEST(MachineOwner, IsUnknownWithoutTheLabelsThatSayIt) {
  EXPECT_EQ(of_the_dead({.name = "flame-run-1", .id = "m1"}), MachineOwner::unknown);
  for (const char* key : {"flame-name", "flame-host", "flame-origin", "flame-process"}) {
    EXPECT_EQ(of_the_dead(machine_without(key)), MachineOwner::unknown) << key;
    EXPECT_EQ(of_the_dead(machine_with(key, "")), MachineOwner::unknown) << key;
  }
}

TEST(MachineOwner, IsUnknownIfTheNameIsNotTheOneOfTheLabel) {
  Machine renamed = machine();
  renamed.name = "flame-run-2";
  EXPECT_EQ(of_the_dead(renamed), MachineOwner::unknown);
  renamed.labels["flame-until"] = "1";
  EXPECT_EQ(of_the_dead(renamed), MachineOwner::unknown);
  renamed.name = renamed.labels["flame-name"] = "";
  EXPECT_EQ(of_the_dead(renamed), MachineOwner::unknown) << "there is nothing to destroy it by";
}

TEST(MachineOwner, ALifeHasExpiredMoreThanAMinuteAfterItsEnd) {
  const auto until = [](std::int64_t time) { return machine_with("flame-until", std::to_string(time)); };
  EXPECT_EQ(owner_of(until(kTime - 61), kHere, false), MachineOwner::expired);
  EXPECT_EQ(owner_of(until(kTime - 60), kHere, false), MachineOwner::living) << "clocks differ";
  EXPECT_EQ(owner_of(until(kTime + 3600), kHere, false), MachineOwner::living);
  EXPECT_EQ(owner_of(until(kTime + 3600), kHere, true), MachineOwner::gone) << "nobody waits for the end then";
}

TEST(MachineOwner, ALifeExpiresWhereverItsHostIs) {
  Machine one = machine_with("flame-until", std::to_string(kTime - 61));
  one.labels["flame-origin"] = "there";
  EXPECT_EQ(owner_of(one, kHere, false), MachineOwner::expired);
  one.labels["flame-host"] = "another";
  EXPECT_EQ(owner_of(one, kHere, false), MachineOwner::elsewhere) << "a list that is not scoped";
}

TEST(MachineOwner, AnEndThatIsNoTimeIsNone) {
  for (const char* until : {"", "soon", "1x", "-1", "0x1", " 1", "99999999999999999999"}) {
    EXPECT_EQ(owner_of(machine_with("flame-until", until), kHere, false), MachineOwner::living) << until;
  }
  const Viewpoint unset{.host = "web", .origin = "here", .unix_time = std::numeric_limits<std::int64_t>::min() + 60};
  EXPECT_EQ(owner_of(machine_with("flame-until", "0"), unset, false), MachineOwner::living);
}

TEST(MachineOwner, AProcessIsLookedForInItsOwnOriginOnly) {
  EXPECT_EQ(process_of(machine().labels, "here"), (HostProcess{41, 900}));
  EXPECT_FALSE(process_of(machine().labels, "there"));
  EXPECT_FALSE(process_of(machine_with("flame-origin", "").labels, "")) << "two that are not known are not one";
}

TEST(MachineOwner, AProcessLabelIsReadAsItIsWritten) {
  EXPECT_EQ(parse_process_label(process_label(1, 1)), (HostProcess{1, 1}));
  EXPECT_EQ(parse_process_label(process_label(4194304, std::numeric_limits<std::uint64_t>::max())),
            (HostProcess{4194304, std::numeric_limits<std::uint64_t>::max()}));
  for (const char* label : {"", "-", "41", "41-", "-900", "41-900-1", "0-900", "-1-900", "41-0", "+41-900", "041-900",
                            "41- 900", "41-900 ", "0x29-900", "99999999999999999999-900", "a-b"}) {
    EXPECT_FALSE(parse_process_label(label)) << label;
  }
}

}  // namespace
}  // namespace flame::pool
