// Where flame-runner is looked for.
#include "backends/local/runner_path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flame::backends {
namespace {

TEST(RunnerPath, TriesTheExecutablesDirectoryThenTheBuildsPlacesThenPath) {
  const auto places = runner_candidates({.executable = "/opt/app/bin/server",
                                         .builtin = {"/build/bin/flame-runner", "/usr/local/bin/flame-runner"},
                                         .path = "/usr/bin::relative:/usr/local/bin"});
  EXPECT_EQ(places, (std::vector<std::string>{"/opt/app/bin/flame-runner", "/build/bin/flame-runner",
                                              "/usr/local/bin/flame-runner", "/usr/bin/flame-runner"}));
}

TEST(RunnerPath, TheOptionWinsOverTheVariableAndBothAreTheOnlyPlace) {
  EXPECT_EQ(runner_candidates({.option = "/a", .variable = "/b", .path = "/usr/bin"}), std::vector<std::string>{"/a"});
  EXPECT_EQ(runner_candidates({.variable = "/b", .path = "/usr/bin"}), std::vector<std::string>{"/b"});
}

TEST(RunnerPath, NamesEveryPlaceAndHowToSetOneWhenNoneHasIt) {
  const auto found = find_runner({.executable = "/no/such/bin/x", .path = "/no/where"});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::boot_failed);
  for (const char* part : {"/no/such/bin/flame-runner", "/no/where/flame-runner", "FLAME_RUNNER", "[backends.local]"}) {
    EXPECT_NE(found.error().message.find(part), std::string::npos) << found.error().message;
  }
}

TEST(RunnerPath, ADirectoryOrAFileThatMayNotRunIsNoRunner) {
  EXPECT_FALSE(find_runner({.option = "/tmp"}));
  EXPECT_FALSE(find_runner({.option = "/etc/passwd"}));
  EXPECT_TRUE(find_runner({.option = "/bin/sh"}));
}

}  // namespace
}  // namespace flame::backends
