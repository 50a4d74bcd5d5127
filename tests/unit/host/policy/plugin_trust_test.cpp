// The rules by which a host refuses a plugin, one at a time and together.
#include "host/src/policy/plugin_trust.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flame::pool::plugin_trust_test {
namespace {

const std::string kDigest = "aa" + std::string(62, '0');

manifest::Version version(const std::string& text) {
  return manifest::Version::parse(text).value();
}

// The message about video in this version; empty if it is admitted.
std::string refusal(const PluginTrust::Rules& rules, const std::string& in_version,
                    const std::optional<Error>& unsigned_because = std::nullopt) {
  const manifest::Version parsed = version(in_version);
  const auto refused = PluginTrust(rules).refuse(
      {.name = "video", .version = parsed, .digest = kDigest, .unsigned_because = unsigned_because});
  if (!refused) return "";
  EXPECT_EQ(refused->code, ErrorCode::incompatible);
  return refused->message;
}

std::optional<Error> not_signed() {
  return Error{.code = ErrorCode::incompatible, .message = "\"/p/video.so\" is not signed"};
}

TEST(PluginTrust, WithoutRulesAdmitsEverything) {
  EXPECT_EQ(refusal({}, "1.5.0"), "");
  EXPECT_EQ(refusal({}, "0.0.1-rc.1", not_signed()), "");
}

TEST(PluginTrust, RefusesARevokedFileWhoeverSignedIt) {
  EXPECT_EQ(refusal({.require_signature = true, .revoked = {kDigest}, .min_version = {}}, "1.5.0"),
            "video@1.5.0 is not run: its digest sha256:" + kDigest + " is in [plugins] revoked. Use another version");
  EXPECT_EQ(refusal({.revoked = {"bb" + std::string(62, '0')}, .min_version = {}}, "1.5.0"), "");
}

TEST(PluginTrust, RefusesAVersionThatIsTooOld) {
  const PluginTrust::Rules rules{.revoked = {}, .min_version = {{"video", version("1.4.0")}}};
  EXPECT_EQ(refusal(rules, "1.3.9"),
            "video@1.3.9 is not run: [plugins] min_version asks for 1.4.0 or later. Use a newer version, or lower it");
  EXPECT_EQ(refusal(rules, "1.4.0"), "");
  EXPECT_EQ(refusal(rules, "1.4.0+asan"), "") << "build metadata is neither older nor newer";
  EXPECT_EQ(refusal(rules, "2.0.0-rc.1"), "");
  EXPECT_NE(refusal(rules, "1.4.0-rc.1"), "") << "a pre-release is older than its release";
}

TEST(PluginTrust, HoldsOtherPluginsToNoVersion) {
  EXPECT_EQ(refusal({.revoked = {}, .min_version = {{"audio", version("9.0.0")}}}, "1.0.0"), "");
}

TEST(PluginTrust, WantsASignatureWhereItIsRequired) {
  EXPECT_EQ(refusal({.require_signature = true, .revoked = {}, .min_version = {}}, "1.5.0", not_signed()),
            "video@1.5.0 is not run, as [plugins] require_signature is true: \"/p/video.so\" is not signed");
  EXPECT_EQ(refusal({.require_signature = true, .revoked = {}, .min_version = {}}, "1.5.0"), "");
}

TEST(PluginTrust, NamesTheGravestReasonAlone) {
  const PluginTrust::Rules rules{
      .require_signature = true, .revoked = {kDigest}, .min_version = {{"video", version("9.0.0")}}};
  EXPECT_NE(refusal(rules, "1.5.0", not_signed()).find("revoked"), std::string::npos);
  const PluginTrust::Rules old{.require_signature = true, .revoked = {}, .min_version = {{"video", version("9.0.0")}}};
  EXPECT_NE(refusal(old, "1.5.0", not_signed()).find("min_version"), std::string::npos);
}

}  // namespace
}  // namespace flame::pool::plugin_trust_test
