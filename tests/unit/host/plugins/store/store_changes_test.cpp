// Records, refusals, and what may be removed.
#include <gmock/gmock.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_changes_test {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StoreChanges : public StoreTest {
 protected:
  std::string removing(const std::string& text) {
    const auto done = store_.remove(reference(text));
    return done ? "" : done.error().message;
  }
};

TEST_F(StoreChanges, ARecordKeepsThePreviousOne) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  EXPECT_TRUE(store_.record("video", {}, a, Narrower::keep).value());
  EXPECT_TRUE(store_.record("video", {"web-1", "ffmpeg"}, b, Narrower::keep).value());
  EXPECT_TRUE(store_.record("video", {}, b, Narrower::keep).value());
  EXPECT_FALSE(store_.record("video", {}, b, Narrower::keep).value());
  EXPECT_THAT(store_.records("video")->all(), ElementsAre(Record{{}, b, a}, Record{{"web-1", "ffmpeg"}, b, ""}));
  EXPECT_TRUE(store_.erase_narrower("video", {}).value());
  EXPECT_FALSE(store_.erase_narrower("video", {}).value());
  EXPECT_THAT(store_.records("video")->all(), ElementsAre(Record{{}, b, a}));
  EXPECT_TRUE(store_.record("video", {"web-1", ""}, a, Narrower::keep).value());
  EXPECT_TRUE(store_.record("video", {}, a, Narrower::erase).value()) << "both in one step";
  EXPECT_THAT(store_.records("video")->all(), ElementsAre(Record{{}, a, b}));
}

TEST_F(StoreChanges, OfSeveralRecordsAllAreWrittenOrNone) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  EXPECT_FALSE(store_.record("video", {{{"web-1", "thumbs"}, a, ""}, {{"", "ffmpeg"}, a, ""}}, Narrower::keep));
  EXPECT_THAT(store_.records("video")->all(), IsEmpty());
  EXPECT_TRUE(
      store_.record("video", {{{"web-1", "thumbs"}, a, ""}, {{"web-1", "ffmpeg"}, a, b}}, Narrower::keep).value());
  EXPECT_THAT(store_.records("video")->all(),
              ElementsAre(Record{{"web-1", "ffmpeg"}, a, b}, Record{{"web-1", "thumbs"}, a, ""}));
}

TEST_F(StoreChanges, AScopeThatIsNoneIsRefused) {
  const std::string a(64, 'a');
  EXPECT_EQ(store_.record("video", {"", "ffmpeg"}, a, Narrower::keep).error().message,
            "\"*\" is no scope: write *, HOST or HOST/POOL");
  const std::string longest(limits::kStoreTextMax, 'h');
  EXPECT_TRUE(store_.record("video", {longest, longest}, a, Narrower::keep));
  EXPECT_FALSE(store_.record("video", {longest + "h", ""}, a, Narrower::keep));
  EXPECT_FALSE(store_.record("video", {"web-1", longest + "p"}, a, Narrower::keep));
}

TEST_F(StoreChanges, ARefusalIsReplacedCutAndLifted) {
  const std::string a(64, 'a');
  ASSERT_TRUE(store_.refuse(a, {"first", "web-1", 1}));
  ASSERT_TRUE(store_.refuse(a, {std::string(limits::kStoreTextMax + 1, 'x'), "web-2", 2}));
  EXPECT_EQ(store_.refusal(a).value()->reason, std::string(limits::kStoreTextMax, 'x'));
  EXPECT_EQ(store_.refusal(a).value()->host, "web-2");
  EXPECT_TRUE(store_.unrefuse(a).value());
  EXPECT_FALSE(store_.unrefuse(a).value());
  EXPECT_FALSE(store_.refusal(a)->has_value());
}

TEST_F(StoreChanges, RemoveTakesTheFileItsSignatureAndItsName) {
  files_.write("plugin.so.sig", "signature");
  const Installed plugin = install({.version = "1.4.0"});
  const std::uint64_t bytes = std::filesystem::file_size(plugin.file);
  installed("1.5.0");
  const auto removed = store_.remove(reference("video@1.4.0"));
  ASSERT_TRUE(removed) << removed.error().message;
  ASSERT_EQ(removed->builds.size(), 1u);
  EXPECT_EQ(removed->builds.front().reference, "video@1.4.0");
  EXPECT_EQ(removed->builds.front().digest, plugin.digest);
  EXPECT_EQ(removed->bytes, bytes + 9);
  EXPECT_EQ(versions(), "video@1.5.0");
  EXPECT_EQ(files_in("objects").size(), 2u) << "those of 1.5.0";
}

TEST_F(StoreChanges, RemoveTakesAllBuildsOfAVersionOrTheOneThatADigestNames) {
  const std::string first = installed("1.4.0");
  activate({}, first);
  const std::string second = installed("1.4.0", "second");
  activate({}, second);
  const std::string third = installed("1.4.0", "third");
  ASSERT_EQ(store_.list()->plugins.size(), 3u);
  EXPECT_EQ(removing("video@sha256:" + third), "");
  EXPECT_EQ(store_.find(reference("video@1.4.0"))->digest, second) << "the next newest has the name again";
  activate({}, std::string(64, 'a'));
  activate({}, std::string(64, 'b'));
  EXPECT_EQ(removing("video@1.4.0"), "");
  EXPECT_THAT(files_in("objects"), IsEmpty());
}

TEST_F(StoreChanges, RemoveRefusesWhatIsActiveOrWasAndSaysWhere) {
  const std::string old = installed("1.4.0");
  const std::string now = installed("1.5.0");
  activate({}, old);
  activate({}, now);
  activate({"web-1", "ffmpeg"}, now);
  EXPECT_EQ(removing("video@1.5.0"), "cannot remove video@1.5.0: sha256:" + now +
                                         " is active in *, is active in web-1/ffmpeg; activate other versions there, "
                                         "or end the host that uses it");
  EXPECT_EQ(removing("video@1.4.0"), "cannot remove video@1.4.0: sha256:" + old +
                                         " was active before in *; activate other versions there, or end the host "
                                         "that uses it");
  EXPECT_EQ(versions(), "video@1.4.0 video@1.5.0");
}

TEST_F(StoreChanges, RemoveWantsAVersionInFull) {
  installed("1.4.0");
  EXPECT_EQ(removing("video@1"), "\"video@1\" may be several versions; name one in full, such as video@1.4.0");
  EXPECT_EQ(removing("video@1.4.1"),
            "no plugin \"video@1.4.1\" in the plugin store \"" + root().string() + "\"; there are: video@1.4.0");
}

TEST_F(StoreChanges, GcLeavesWhatIsActiveWasBeforeOrIsUsed) {
  const std::string unused = installed("1.3.0");
  const std::string old = installed("1.4.0");
  const std::string now = installed("1.5.0");
  const std::string used = installed("1.6.0");
  activate({}, old);
  activate({}, now);
  const auto host = store_.announce("web-1", {used});
  ASSERT_TRUE(host);
  const std::uint64_t bytes = std::filesystem::file_size(root() / "objects" / (unused + ".so"));
  const auto removed = store_.gc();
  ASSERT_TRUE(removed) << removed.error().message;
  ASSERT_EQ(removed->builds.size(), 1u);
  EXPECT_EQ(removed->builds.front().reference, "video@1.3.0");
  EXPECT_EQ(removed->builds.front().digest, unused);
  EXPECT_EQ(removed->bytes, bytes);
  EXPECT_EQ(versions(), "video@1.4.0 video@1.5.0 video@1.6.0");
  EXPECT_THAT(files_in("objects"), UnorderedElementsAre(old + ".so", now + ".so", used + ".so"));
}

TEST_F(StoreChanges, GcTakesWhatUnfinishedInstallsHaveLeftButNoStrangersFile) {
  const std::string kept = installed("1.4.0");
  activate({}, kept);
  const std::string orphan(64, 'a');
  files_.write("store/objects/" + orphan + ".sig", "signature");
  files_.write("store/objects/notes.txt", "mine");
  const auto removed = store_.gc();
  ASSERT_TRUE(removed);
  ASSERT_EQ(removed->builds.size(), 1u);
  EXPECT_EQ(removed->builds.front().reference, "");
  EXPECT_EQ(removed->builds.front().digest, orphan);
  EXPECT_THAT(files_in("objects"), UnorderedElementsAre(kept + ".so", "notes.txt"));
}

TEST_F(StoreChanges, GcKeepsTheObjectOfARecordWhoseNameIsLost) {
  const std::string active = installed("1.4.0");
  activate({}, active);
  std::filesystem::remove(root() / "refs/video/1.4.0");
  ASSERT_TRUE(store_.gc());
  EXPECT_THAT(files_in("objects"), ElementsAre(active + ".so"));
}

}  // namespace store_changes_test
}  // namespace flame::store
