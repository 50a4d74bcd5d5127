// What is in a store: lists, references, records, refusals.
#include <gmock/gmock.h>

#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_queries_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using StoreQueries = StoreTest;

TEST_F(StoreQueries, OfAStoreThatIsNotThereFindNothingAndMakeNothing) {
  const std::string digest(64, 'a');
  EXPECT_THAT(store_.list()->plugins, IsEmpty());
  EXPECT_THAT(store_.versions("video")->plugins, IsEmpty());
  EXPECT_THAT(store_.records("video")->all(), IsEmpty());
  EXPECT_TRUE(store_.all_records()->empty());
  EXPECT_FALSE(store_.refusal(digest)->has_value());
  EXPECT_TRUE(store_.hosts()->empty());
  EXPECT_FALSE(store_.unrefuse(digest).value());
  EXPECT_TRUE(store_.gc()->builds.empty());
  const auto found = store_.find(reference("video@1"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_EQ(found.error().message,
            "no plugin \"video@1\" in the plugin store \"" + root().string() + "\", which is empty");
  EXPECT_EQ(store_.remove(reference("video@1.4.0")).error().code, ErrorCode::not_found);
  EXPECT_FALSE(std::filesystem::exists(root()));
}

TEST_F(StoreQueries, ListByNameAndVersion) {
  for (const char* version : {"1.10.0", "1.9.0", "2.0.0-rc.1", "1.9.0+a"}) installed(version);
  install({.name = "audio", .version = "3.0.0"});
  EXPECT_EQ(versions(), "audio@3.0.0 video@1.9.0 video@1.9.0+a video@1.10.0 video@2.0.0-rc.1");
  EXPECT_EQ(store_.versions("audio")->plugins.size(), 1u);
}

TEST_F(StoreQueries, FindTheHighestVersionThatMatches) {
  for (const char* version : {"1.4.0", "1.10.0", "1.11.0+asan", "2.0.0-rc.1"}) installed(version);
  const auto found = [&](const char* text) { return store_.find(reference(text))->reference(); };
  EXPECT_EQ(found("video"), "video@1.10.0");
  EXPECT_EQ(found("video@1"), "video@1.10.0");
  EXPECT_EQ(found("video@1.4"), "video@1.4.0");
  EXPECT_EQ(found("video@1.11.0+asan"), "video@1.11.0+asan");
  EXPECT_EQ(found("video@2.0.0-rc.1"), "video@2.0.0-rc.1");
  EXPECT_EQ(store_.find(reference("video@2")).error().code, ErrorCode::not_found);
}

TEST_F(StoreQueries, ListWhatExistsWhenNothingMatches) {
  installed("1.4.0");
  install({.name = "audio", .version = "3.0.0"});
  EXPECT_EQ(store_.find(reference("vidoe@1")).error().message,
            "no plugin \"vidoe@1\" in the plugin store \"" + root().string() +
                "\"; there are: audio@3.0.0, video@1.4.0; did you mean \"video\"?");
}

TEST_F(StoreQueries, FindByTheFirstDigitsOfADigest) {
  const std::string digest = installed("1.4.0");
  EXPECT_EQ(store_.find(reference("video@sha256:" + digest))->digest, digest);
  EXPECT_EQ(store_.find(reference("video@sha256:" + digest.substr(0, 12)))->digest, digest);
  EXPECT_EQ(store_.find(reference("audio@sha256:" + digest)).error().code, ErrorCode::not_found);
}

TEST_F(StoreQueries, NameAllThatAnAmbiguousPrefixMayMean) {
  installed("1.4.0");
  const std::string same = "0123456789ab";
  const std::string a = same + std::string(52, '0');
  const std::string b = same + std::string(52, '1');
  for (const auto& [version, digest] : {std::pair{"1.5.0", a}, std::pair{"1.6.0", b}}) {
    files_.write("store/refs/video/" + std::string(version), print({Build{digest, 1, "/x.so"}}));
    files_.write("store/objects/" + digest + ".so", "");
  }
  const auto found = store_.find(reference("video@sha256:" + same));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(found.error().message,
            "\"video@sha256:" + same + "\" may be any of sha256:" + a + ", sha256:" + b + "; write more of its digits");
  EXPECT_EQ(store_.find(reference("video@sha256:" + same + "00"))->digest, a);
}

TEST_F(StoreQueries, RefusedVersionsAreListedWithTheirReason) {
  const std::string digest = installed("1.4.0");
  ASSERT_TRUE(store_.refuse(digest, {"3 of 4 calls crashed", "web-1", 17}));
  EXPECT_EQ(store_.list()->plugins.front().refusal, (Refusal{"3 of 4 calls crashed", "web-1", 17}));
  EXPECT_EQ(store_.find(reference("video"))->refusal->reason, "3 of 4 calls crashed");
  EXPECT_EQ(store_.refusal(digest).value()->host, "web-1");
}

TEST_F(StoreQueries, NoNameAndNoDigestIsTakenIntoAPath) {
  for (const char* name : {"../video", "", "Video", "a/b"}) {
    EXPECT_EQ(store_.records(name).error().message, "\"" + std::string(name) + "\" is no name of a plugin");
    EXPECT_FALSE(store_.versions(name));
  }
  for (const char* digest : {"", "../x", "ABC"}) {
    EXPECT_THAT(store_.refusal(digest).error().message, HasSubstr("is no digest: 64 hex digits"));
    EXPECT_FALSE(store_.refuse(digest, {}));
    EXPECT_FALSE(store_.unrefuse(digest));
    EXPECT_FALSE(store_.record("video", {}, digest, Narrower::keep));
  }
  EXPECT_FALSE(std::filesystem::exists(root()));
}

TEST_F(StoreQueries, AFileOfTheStoreThatIsGoneIsSaidSo) {
  const Installed plugin = install({.version = "1.4.0"});
  std::filesystem::remove(plugin.file);
  EXPECT_EQ(store_.find(reference("video")).error().message,
            "the store's file \"" + plugin.file.string() + "\" is gone; install video@1.4.0 again");
}

TEST_F(StoreQueries, RecordsOfAllPluginsAreFoundAlsoWithoutTheirVersions) {
  activate({}, std::string(64, 'a'));
  ASSERT_TRUE(store_.record("audio", {"web-1", "ffmpeg"}, std::string(64, 'b'), Narrower::keep));
  const auto all = store_.all_records();
  ASSERT_TRUE(all);
  ASSERT_THAT(*all, ElementsAre(testing::Key("audio"), testing::Key("video")));
  EXPECT_EQ(all->at("audio").all().front().scope.to_string(), "web-1/ffmpeg");
}

}  // namespace store_queries_test
}  // namespace flame::store
