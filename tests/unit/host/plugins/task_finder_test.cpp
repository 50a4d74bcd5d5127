// TaskFinder: names, overloads, signatures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/src/plugins/catalog.hpp"
#include "host/src/plugins/task_finder.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"

namespace flame::pool {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTakesText = "table Call {\n  f0:string;\n}\n\ntable Return {\n}\n\nroot_type Call;\n";
constexpr const char* kTakesNumber = "table Call {\n  f0:int;\n}\n\ntable Return {\n}\n\nroot_type Call;\n";
constexpr const char* kTakesClip =
    "table Clip {\n  path:string;\n}\n\ntable Call {\n  f0:Clip;\n}\n\ntable Return {\n}\n\nroot_type Call;\n";
constexpr const char* kTakesLongClip =
    "table Clip {\n  path:string;\n  height:int;\n}\n\ntable Call {\n  f0:Clip;\n}\n\ntable Return {\n}\n\n"
    "root_type Call;\n";

class TaskFinderTest : public ::testing::Test {
 protected:
  TaskFinderTest() : catalog_({source_.path()}, runtime_.path()) {
    source_.write("video.so", plugin_file({.tasks = {{"video::cut", 10, kTakesText},
                                                     {"video::show", 20, kTakesText},
                                                     {"video::show", 21, kTakesNumber},
                                                     {"video::store", 30, kTakesLongClip}}}));
    source_.write("more.so", plugin_file({.name = "more",
                                          .tasks = {{"more::cut", 40, kTakesText}, {"video::cut", 41, kTakesNumber}}}));
    EXPECT_TRUE(catalog_.scan());
    for (const char* name : {"video", "more"}) pool_.push_back(catalog_.resolve(name).value());
  }

  test::TempDir source_;
  test::TempDir runtime_;
  Catalog catalog_;
  TaskFinder tasks_;
  std::vector<const CatalogPlugin*> pool_;
};

TEST_F(TaskFinderTest, FindsTheTaskWithTheCallersFingerprint) {
  const auto task = tasks_.find(pool_, {"video::show", 21, kTakesNumber});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->entry->fingerprint, 21u);
  EXPECT_EQ(task->plugin->manifest.name, "video");
}

TEST_F(TaskFinderTest, LooksIntoTheNextPluginWhenTheFirstHasAnotherSignature) {
  const auto task = tasks_.find(pool_, {"video::cut", 41, kTakesNumber});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->plugin->manifest.name, "more");
}

TEST_F(TaskFinderTest, FindsATaskByItsNameAlone) {
  const auto task = tasks_.find(pool_, {"more::cut", std::nullopt, ""});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->entry->fingerprint, 40u);
}

TEST_F(TaskFinderTest, AsksForTypesWhenAnOverloadIsMeantByName) {
  const auto task = tasks_.find(pool_, {"video::show", std::nullopt, ""});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(task.error().message, HasSubstr("overloaded"));
}

TEST_F(TaskFinderTest, AcceptsASignatureThatOnlyLacksAppendedFields) {
  const auto task = tasks_.find(pool_, {"video::store", 29, kTakesClip});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->entry->fingerprint, 30u) << "the call carries the plugin's fingerprint";
}

TEST_F(TaskFinderTest, NamesBothSignaturesWhenTheyDisagree) {
  const auto task = tasks_.find(pool_, {"video::store", 99, kTakesNumber});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code, ErrorCode::signature_mismatch);
  EXPECT_THAT(task.error().message, HasSubstr("the host calls video::store(int)"));
  EXPECT_THAT(task.error().message, HasSubstr("video@1.0.0 has video::store(Clip)"));
}

TEST_F(TaskFinderTest, ListsTheTasksThatExistAndSuggestsTheNearest) {
  const auto task = tasks_.find(pool_, {"video::ctu", std::nullopt, ""});
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().code, ErrorCode::not_found);
  EXPECT_THAT(task.error().message, HasSubstr("video@1.0.0 has video::cut, video::show"));
  EXPECT_THAT(task.error().message, HasSubstr("did you mean \"video::cut\"?"));
}

TEST_F(TaskFinderTest, LooksOnlyIntoThePluginsOfThePool) {
  const std::vector<const CatalogPlugin*> only_video = {pool_.front()};
  EXPECT_FALSE(tasks_.find(only_video, {"more::cut", std::nullopt, ""}));
}

TEST_F(TaskFinderTest, ASignatureThatWasComparedIsFoundAgain) {
  const TaskQuery shorter{"video::store", 31, kTakesClip};
  const auto first = tasks_.find(pool_, shorter);
  const auto second = tasks_.find(pool_, shorter);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->entry, second->entry);
  EXPECT_FALSE(tasks_.find(pool_, {"video::store", 32, kTakesNumber}));
  EXPECT_FALSE(tasks_.find(pool_, {"video::store", 32, kTakesNumber}));
}

TEST(TaskMatches, RemembersThatNothingMatchesAndOnlySoMany) {
  TaskMatches matches;
  EXPECT_FALSE(matches.find(1, "a", 7).has_value());
  matches.remember(1, "a", 7, nullptr);
  EXPECT_EQ(matches.find(1, "a", 7), std::optional<const manifest::TaskEntry*>(nullptr));
  EXPECT_FALSE(matches.find(2, "a", 7).has_value());
  EXPECT_FALSE(matches.find(1, "b", 7).has_value());
  for (std::uint64_t i = 0; i < 2 * limits::kTaskMatchesMax; ++i) matches.remember(1, "c", i, nullptr);
  EXPECT_EQ(matches.size(), limits::kTaskMatchesMax);
}

}  // namespace
}  // namespace flame::pool
