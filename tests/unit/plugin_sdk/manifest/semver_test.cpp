// Versions and plugin references: what parses, what does not, and their order.
#include "plugin_sdk/manifest/semver.hpp"

#include <gtest/gtest.h>

namespace flame::manifest {
namespace {

Version version(std::string_view text) {
  return Version::parse(text).value();
}
PluginReference reference(std::string_view text) {
  return PluginReference::parse(text).value();
}

TEST(Semver, ParsesAndPrintsTheSameText) {
  for (const char* text :
       {"0.0.0", "1.4.0", "10.20.30", "1.0.0-rc.1", "1.0.0-alpha-b.0", "1.0.0+build.007", "1.0.0-a+b"}) {
    EXPECT_EQ(version(text).to_string(), text);
  }
}

TEST(Semver, RefusesWhatIsNoSemanticVersion) {
  for (const char* text : {"", "1", "1.4", "1.4.", "1.4.0.0", "01.4.0", "1.04.0", "1.4.0-", "1.4.0-01", "1.4.0-a..b",
                           "1.4.0+", "v1.4.0", "1.4.0 ", "-1.4.0", "1.4.x", "1.4.0-a_b", "1.4.99999999999999999999"}) {
    const auto parsed = Version::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(Version::parse("1.0.0-" + std::string(64, 'a')));
}

TEST(Semver, OrdersAsTheSpecificationSays) {
  const char* ascending[] = {"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                             "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                             "1.0.1",        "1.2.0",         "1.10.0",           "2.0.0"};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_LT(version(ascending[i]), version(ascending[i + 1])) << ascending[i];
    EXPECT_GT(version(ascending[i + 1]), version(ascending[i]));
  }
}

TEST(Semver, IgnoresBuildMetadataInComparisons) {
  EXPECT_EQ(version("1.0.0+a"), version("1.0.0+b"));
}

TEST(PluginReference, MatchesAnyReleaseOfAName) {
  EXPECT_TRUE(reference("video").matches("video", version("3.2.1")));
  EXPECT_FALSE(reference("video").matches("audio", version("3.2.1")));
  EXPECT_FALSE(reference("video").matches("video", version("3.2.1-rc.1")));
}

TEST(PluginReference, MatchesByMajorAndMinor) {
  EXPECT_TRUE(reference("video@1").matches("video", version("1.9.0")));
  EXPECT_FALSE(reference("video@1").matches("video", version("2.0.0")));
  EXPECT_TRUE(reference("video@1.4").matches("video", version("1.4.7")));
  EXPECT_FALSE(reference("video@1.4").matches("video", version("1.5.0")));
}

TEST(PluginReference, MatchesAFullVersionExactly) {
  EXPECT_TRUE(reference("video@1.4.0").matches("video", version("1.4.0")));
  EXPECT_FALSE(reference("video@1.4.0").matches("video", version("1.4.1")));
  EXPECT_TRUE(reference("video@1.4.0-rc.1").matches("video", version("1.4.0-rc.1")));
}

TEST(PluginReference, MatchesBuildMetadataOnlyInFull) {
  EXPECT_FALSE(reference("video").matches("video", version("1.4.0+asan")));
  EXPECT_FALSE(reference("video@1.4").matches("video", version("1.4.0+asan")));
  EXPECT_FALSE(reference("video@1.4.0").matches("video", version("1.4.0+asan")));
  EXPECT_FALSE(reference("video@1.4.0+asan").matches("video", version("1.4.0")));
  EXPECT_TRUE(reference("video@1.4.0+asan").matches("video", version("1.4.0+asan")));
}

TEST(PluginReference, MatchesADigestByItsFirstDigits) {
  const std::string digest = "0123456789abcdef" + std::string(48, '7');
  EXPECT_TRUE(reference("video@sha256:" + digest).matches_digest("video", digest));
  EXPECT_TRUE(reference("video@sha256:0123456789ab").matches_digest("video", digest));
  EXPECT_FALSE(reference("video@sha256:0123456789ac").matches_digest("video", digest));
  EXPECT_FALSE(reference("video@sha256:" + digest).matches_digest("audio", digest));
  EXPECT_FALSE(reference("video@sha256:" + digest).matches("video", version("1.4.0"))) << "it names no version";
  EXPECT_FALSE(reference("video@1").matches_digest("video", digest)) << "it names no digest";
}

TEST(PluginReference, RefusesWhatIsNoDigest) {
  for (const std::string& digits :
       {std::string(), std::string("0123456789a"), std::string(65, 'a'), std::string("0123456789AB"),
        std::string("0123456789xy"), std::string("0123456789ab ")}) {
    const auto parsed = PluginReference::parse("video@sha256:" + digits);
    ASSERT_FALSE(parsed) << digits;
    EXPECT_NE(parsed.error().message.find("its first 12 or more"), std::string::npos) << parsed.error().message;
  }
  EXPECT_FALSE(PluginReference::parse("video@sha512:0123456789ab"));
}

TEST(PluginReference, PrintsTheTextItCameFrom) {
  for (const char* text :
       {"video", "video@1", "video@1.4", "video@1.4.0", "my-plugin_2@0.1.0-rc.1", "video@sha256:0123456789ab"}) {
    EXPECT_EQ(reference(text).to_string(), text);
  }
}

TEST(PluginReference, RefusesBadNamesAndVersions) {
  for (const char* text : {"", "@1", "Video", "1video", "vi deo", "../video", "video@", "video@x", "video@1.",
                           "video@1.4.", "video@01", "video@1@2", "video@1.4.0.0"}) {
    EXPECT_FALSE(PluginReference::parse(text)) << text;
  }
  EXPECT_TRUE(PluginReference::parse(std::string(64, 'a')));
  EXPECT_FALSE(PluginReference::parse(std::string(65, 'a')));
}

}  // namespace
}  // namespace flame::manifest
