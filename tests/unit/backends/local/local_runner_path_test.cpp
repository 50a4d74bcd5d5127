// Where flame-runner is looked for.
#include "backends/local/runner_path.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace flame::backends {
namespace {

TEST(RunnerPath, TriesTheExecutablesDirectoryThenTheInstalledOneThenPath) {
  const auto places = runner_candidates({.executable = "/opt/app/bin/server",
                                         .installed = "/opt/flame/bin/flame-runner",
                                         .path = "/usr/bin::relative:/usr/local/bin"});
  EXPECT_EQ(places, (std::vector<std::string>{"/opt/app/bin/flame-runner", "/opt/flame/bin/flame-runner",
                                              "/usr/bin/flame-runner", "/usr/local/bin/flame-runner"}));
}

TEST(RunnerPath, TheSearchOfThisProcessNamesNoDirectoryOfTheBuild) {
  const RunnerSearch search = runner_search("");
  EXPECT_EQ(search.installed.find(FLAME_TEST_BUILD_DIRECTORY), std::string::npos) << search.installed;
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

TEST(RunnerPath, TellsTheRemedyBeforeThePlacesHoweverManyThereAre) {
  const std::string message = find_runner({.path = "/no/where"}).error().message;
  EXPECT_LT(message.find("FLAME_RUNNER"), message.find("/no/where")) << message;
}

TEST(RunnerPath, ADirectoryOrAFileThatMayNotRunIsNoRunner) {
  EXPECT_FALSE(find_runner({.option = "/tmp"}));
  EXPECT_FALSE(find_runner({.option = "/etc/passwd"}));
  EXPECT_TRUE(find_runner({.option = "/bin/sh"}));
}

// A program in a directory of its own, which finds flame-runner beside itself.
class FoundRunner : public testing::Test {
 protected:
  void SetUp() override {
    directory_.write("flame-runner", "#!/bin/sh\n");
    mode(0755);
  }
  void mode(mode_t bits) const { ASSERT_EQ(::chmod(path().c_str(), bits), 0); }
  [[nodiscard]] std::string path() const { return directory_ / "flame-runner"; }
  [[nodiscard]] Result<std::string> find() const {
    return find_runner({.executable = directory_ / "program", .path = "/no/where"});
  }
  void expect_refused(const std::string& why) const {
    const auto found = find();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::boot_failed);
    for (const std::string& part : {path(), why, std::string("[backends.local]")}) {
      EXPECT_NE(found.error().message.find(part), std::string::npos) << found.error().message;
    }
  }

 private:
  test::TempDir directory_;
};

TEST_F(FoundRunner, IsTakenWhenItIsOurs) {
  EXPECT_EQ(find().value(), path());
}

TEST_F(FoundRunner, IsNotTakenWhenEverybodyMayWriteToIt) {
  mode(0757);
  expect_refused("everybody may write to it (chmod o-w)");
}

TEST_F(FoundRunner, IsNotTakenWhenItBelongsToAStranger) {
  if (::geteuid() != 0) return;  // only root can give a file away
  ASSERT_EQ(::chown(path().c_str(), 4711, 4711), 0);
  expect_refused("it belongs to user 4711");
}

TEST_F(FoundRunner, IsTakenWhenItBelongsToWhomTheProgramBelongsTo) {
  if (::geteuid() != 0) return;  // only root can give a file away
  ASSERT_EQ(::chown(path().c_str(), 4711, 4711), 0);
  EXPECT_TRUE(find_runner({.executable = path(), .path = ""}));
}

TEST_F(FoundRunner, IsTakenUnseenWhenItWasNamed) {
  mode(0757);
  EXPECT_TRUE(find_runner({.option = path()}));
  EXPECT_TRUE(find_runner({.variable = path()}));
}

}  // namespace
}  // namespace flame::backends
