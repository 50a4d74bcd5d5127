// Each rule that holds in every row, broken once.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends/notes.hpp"
#include "tests/backends/scripted_subject.hpp"

namespace flame::test {
namespace {

using What = Note::What;
using Sentences = std::vector<std::string>;

const Labels kLabels{{"flame-host", "web-1"}};

Note about(What what) {
  return {.what = what, .name = "m1"};
}
Note ticket(What what) {
  return {.what = what, .ticket = 1};
}
Note asks_boot() {
  return {.what = What::asks_boot, .name = "m1", .machine = Machine{.name = "m1", .labels = kLabels}};
}
Note booted() {
  return {.what = What::booted,
          .name = "m1",
          .machine = Machine{.name = "m1", .labels = kLabels, .ends_in = std::chrono::hours(1)}};
}
Note failed(std::string message) {
  return {.what = What::booted,
          .name = "m1",
          .failure = BootFailure{.error = {.code = ErrorCode::boot_failed, .message = std::move(message)}}};
}
Note phase(BootPhase phase) {
  return {.what = What::phase, .name = "m1", .phase = phase};
}
Note exited(std::string reason) {
  return {.what = What::exited, .name = "m1", .exit = {.reason = std::move(reason)}};
}
Note left(std::string why) {
  return {.what = What::destroyed, .name = "m1", .error = Error{.message = std::move(why)}};
}

/// Of a backend that was opened, has said that, and was closed unless `ends` is false.
Sentences rules_broken_by(std::vector<Note> notes, bool ends = true, const BackendTraits& traits = all_traits()) {
  notes.insert(notes.begin(), {{.what = What::asks_open}, {.what = What::opened}});
  if (ends) notes.insert(notes.end(), {{.what = What::asks_close}, {.what = What::closed}});
  return broken_rules(notes, traits, ends);
}

TEST(ConformanceRules, AreKeptByAMachineThatBootsAndIsDestroyed) {
  EXPECT_EQ(rules_broken_by({asks_boot(), phase(BootPhase::queued), phase(BootPhase::queued), phase(BootPhase::started),
                             booted(), about(What::ending), about(What::ending), about(What::asks_destroy),
                             about(What::asks_destroy), exited("destroyed"), about(What::destroyed),
                             about(What::destroyed), ticket(What::asks_list), ticket(What::listed)}),
            Sentences{});
  EXPECT_EQ(rules_broken_by({asks_boot(), failed("no room"), asks_boot(), booted()}), Sentences{});
  EXPECT_EQ(rules_broken_by({asks_boot(), about(What::asks_destroy), failed("given up"), left("it hangs")}),
            Sentences{});
}

TEST(ConformanceRules, SeeWhatIsSaidTwiceOrNever) {
  EXPECT_EQ(rules_broken_by({{.what = What::opened}}), Sentences{"opened() came twice"});
  EXPECT_EQ(broken_rules({{.what = What::asks_open}}, {}, true),
            (Sentences{"opened() never came", "closed() never came"}));
  EXPECT_EQ(rules_broken_by({asks_boot()}), Sentences{"m1: a boot() was never answered"});
  EXPECT_EQ(rules_broken_by({about(What::asks_destroy)}), Sentences{"m1: a destroy() was never answered"});
  EXPECT_EQ(rules_broken_by({ticket(What::asks_logs)}), Sentences{"ticket 1 was never answered"});
  EXPECT_EQ(rules_broken_by({asks_boot()}, false), Sentences{}) << "there is time left";
  const Sentences nobody{"an answer came that nobody waits for"};
  EXPECT_EQ(rules_broken_by({ticket(What::listed)}), nobody);
  EXPECT_EQ(rules_broken_by({ticket(What::asks_list), ticket(What::listed), ticket(What::listed)}), nobody);
  EXPECT_EQ(rules_broken_by({asks_boot(), booted(), booted()}),
            Sentences{"m1: booted() came though no boot() is open"});
  EXPECT_EQ(rules_broken_by({asks_boot(), failed("no"), about(What::destroyed)}),
            Sentences{"m1: destroyed() came though no destroy() is open"});
  EXPECT_EQ(rules_broken_by({booted()}), Sentences{"m1: nobody has asked for it"});
}

TEST(ConformanceRules, SeeWhatComesInTheWrongOrder) {
  const Sentences too_early{"m1: ending() or exited() came before booted()"};
  EXPECT_EQ(rules_broken_by({asks_boot(), exited("killed"), booted()}), too_early);
  EXPECT_EQ(rules_broken_by({asks_boot(), about(What::ending), booted()}), too_early);
  const Sentences too_late{"m1: ending() or exited() came after exited()"};
  EXPECT_EQ(rules_broken_by({asks_boot(), booted(), exited("killed"), exited("killed")}), too_late);
  EXPECT_EQ(rules_broken_by({asks_boot(), booted(), exited("killed"), about(What::ending)}), too_late);
  EXPECT_EQ(rules_broken_by({asks_boot(), phase(BootPhase::starting), phase(BootPhase::placed), booted()}),
            Sentences{"m1: its phases run backwards"});
  EXPECT_EQ(rules_broken_by({asks_boot(), booted(), phase(BootPhase::started)}),
            Sentences{"m1: phase() came and no boot is under way"});
  EXPECT_EQ(rules_broken_by({asks_boot(), about(What::asks_destroy), about(What::destroyed), failed("given up")}),
            (Sentences{"m1: destroyed() came before booted()", "m1: something was said after destroyed()"}));
  EXPECT_EQ(rules_broken_by({{.what = What::asks_close}, {.what = What::closed}, {.what = What::log}}, false),
            Sentences{"something was said after closed()"});
}

TEST(ConformanceRules, SeeWhatSaysNothingOrSomethingElse) {
  EXPECT_EQ(rules_broken_by({asks_boot(), failed("")}), Sentences{"m1: its failure says nothing"});
  EXPECT_EQ(rules_broken_by({about(What::asks_destroy), left("")}), Sentences{"m1: destroyed() gives no reason"});
  EXPECT_EQ(rules_broken_by({asks_boot(), booted(), exited("")}), Sentences{"m1: exited() gives no reason"});
  Note another = booted();
  another.machine->name = "m2";
  EXPECT_EQ(rules_broken_by({asks_boot(), another}), Sentences{"m1: its machine has another name"});
  another = booted();
  another.machine->labels.clear();
  EXPECT_EQ(rules_broken_by({asks_boot(), another}), Sentences{"m1: its machine has other labels"});
}

TEST(ConformanceRules, HoldABackendToItsClaims) {
  const std::vector<Note> dead{asks_boot(), booted(), about(What::asks_destroy), about(What::destroyed)};
  EXPECT_EQ(rules_broken_by(dead), Sentences{"m1: exited() never came"});
  EXPECT_EQ(rules_broken_by(dead, true, {}), Sentences{});
  EXPECT_EQ(rules_broken_by({asks_boot(), phase(BootPhase::queued), booted()}, true, {}),
            Sentences{"m1: it was queued, and the traits deny it"});
  Note endless = booted();
  endless.machine->ends_in = kForever;
  EXPECT_EQ(rules_broken_by({asks_boot(), endless}), Sentences{"m1: it does not end within max_lifetime"});
  EXPECT_EQ(rules_broken_by({asks_boot(), endless}, true, {}), Sentences{});
}

}  // namespace
}  // namespace flame::test
