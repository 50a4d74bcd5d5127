// Names and labels of machines.
#include "host/src/policy/machine_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace flame::pool {
namespace {

using namespace std::chrono_literals;

using testing::ElementsAre;
using testing::Key;
using testing::MatchesRegex;
using testing::StartsWith;

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

// [a-z0-9][a-z0-9._-]{0,62}
void expect_value(const std::string& value) {
  EXPECT_THAT(value, MatchesRegex("[a-z0-9][a-z0-9._-]*"));
  EXPECT_LE(value.size(), 63U);
}

TEST(MachineNames, ARunHasThirteenCharactersWhateverIsDrawn) {
  EXPECT_EQ(run_id(0), "0000000000000");
  EXPECT_EQ(run_id(33), "0000000000011");
  EXPECT_EQ(run_id(kLargest), "fzzzzzzzzzzzz");
}

TEST(MachineNames, AreMadeOfRunAndNumberAndFitFortyBytes) {
  EXPECT_EQ(machine_name("0000000000abc", 7), "flame-0000000000abc-7");
  EXPECT_LE(machine_name(run_id(kLargest), kLargest).size(), 40U);
}

TEST(MachineNames, ALabelShowsWhatItsNameAllows) {
  EXPECT_THAT(label_value("Thumbs & Größen"), StartsWith("thumbs-gr-en-"));
  for (const char* name : {"web-1", "", "---", "...", "\xff\xfe", "UPPER", "a/b:c", "-leading"}) {
    expect_value(label_value(name));
  }
  expect_value(label_value(std::string(255, 'x')));
  expect_value(label_value(std::string(48, 'x') + "-y"));
}

TEST(MachineNames, TwoNamesNeverHaveOneLabel) {
  EXPECT_NE(label_value("web 1"), label_value("web-1"));
  EXPECT_NE(label_value("Web"), label_value("web"));
  EXPECT_NE(label_value(std::string(254, 'x')), label_value(std::string(255, 'x')));
  EXPECT_EQ(label_value("web-1"), label_value("web-1"));
}

TEST(MachineNames, AnOriginIsOneBootAndOnePidNamespace) {
  const std::string here = origin_label("b6c2", "pid:[4026531836]");
  expect_value(here);
  EXPECT_EQ(here, origin_label("b6c2", "pid:[4026531836]"));
  EXPECT_NE(here, origin_label("b6c3", "pid:[4026531836]"));
  EXPECT_NE(here, origin_label("b6c2", "pid:[4026531837]"));
}

TEST(MachineNames, AProcessIsItsPidAndItsStart) {
  EXPECT_EQ(process_label(4711, 1234567), "4711-1234567");
}

TEST(MachineNames, AMachineIsLabelledWithWhoseItIs) {
  const HostIdentity host{.run = run_id(1), .host = label_value("web-1"), .origin = "o", .process = "17-3"};
  const Labels labels = machine_labels("flame-x-1", "Video", host);
  EXPECT_THAT(labels, ElementsAre(Key("flame-host"), Key("flame-name"), Key("flame-origin"), Key("flame-pool"),
                                  Key("flame-process")));
  EXPECT_EQ(labels.at("flame-name"), "flame-x-1");
  EXPECT_EQ(labels.at("flame-host"), host.host);
  EXPECT_EQ(labels.at("flame-pool"), label_value("Video"));
  EXPECT_EQ(labels.at("flame-origin"), "o");
  EXPECT_EQ(labels.at("flame-process"), "17-3");
  for (const auto& [key, value] : labels) expect_value(value);
  const Labels mortal = machine_labels("flame-x-1", "Video", host, 2'000'000'000);
  EXPECT_EQ(mortal.at("flame-until"), "2000000000");
  EXPECT_EQ(mortal.size(), labels.size() + 1);
}

TEST(MachineNames, AMachineIsGoneWhenItsBootAndItsLifeAreOver) {
  const BootRequest request{.queue_timeout = 10min, .boot_timeout = 30s};
  EXPECT_EQ(machine_until(1000, {.max_lifetime = 1h}, request), 1000 + 3600 + 30);
  EXPECT_EQ(machine_until(1000, {.max_lifetime = 1500ms}, request), 1000 + 32) << "never too early";
  EXPECT_EQ(machine_until(1000, {.queues = true, .max_lifetime = 1h}, request), 1000 + 3600 + 30 + 600);
  EXPECT_EQ(machine_until(1000, {}, request), std::nullopt) << "it has no end";
  EXPECT_EQ(machine_until(1000, {.max_lifetime = 1h}, {.boot_timeout = kForever}), std::nullopt);
}

}  // namespace
}  // namespace flame::pool
