// Keys, signatures and plugins as files: what a host that is configured so runs, and what it says about the rest.
#include "host/src/setup/plugin_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "host/src/plugins/key_file.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool::plugin_gate_test {
namespace {

using ::testing::HasSubstr;

class PluginGate : public ::testing::Test {
 protected:
  PluginGate() {
    plugin_.source = dir_.write("video.so", "bytes");
    plugin_.signature_files = {signature_file_of(plugin_.source.string())};
    plugin_.digest = std::string(64, 'd');
    plugin_.manifest.name = "video";
    plugin_.manifest.version = manifest::Version::parse("1.5.0").value();
  }

  HostConfig configured(const std::string& keys) {
    auto config = parse_config("[plugins]\npath = [\".\"]\n" + keys, dir_ / "flame.toml");
    EXPECT_TRUE(config) << config.error().message;
    return *config;
  }
  // Empty if the plugin is admitted.
  std::string refusal(const std::string& keys, const std::string& backend = "local") {
    const auto gate = pool::PluginGate::open(configured(keys), {"local"});
    if (!gate) return "no gate: " + gate.error().message;
    PoolConfig where;
    where.backend = {backend};
    return gate->refuse(plugin_, where).value_or(Error{}).message;
  }
  void sign(const std::string& key, const std::string& version = "1.5.0") {
    const std::string text =
        read_secret_key(key).value().sign({.name = "video", .version = version, .digest = plugin_.digest});
    ASSERT_TRUE(write_signature(signature_file_of(plugin_.source.string()), text));
  }

  test::TempDir dir_;
  const std::string key_ = dir_ / "build";
  const PublicKey shown_ = make_key_files(key_).value();
  CatalogPlugin plugin_;
};

constexpr const char* kRequired = "trusted_keys = [\"build.pub\"]\nrequire_signature = true\n";

TEST_F(PluginGate, AdmitsEverythingUnlessItIsToldOtherwise) {
  EXPECT_EQ(refusal(""), "");
  EXPECT_EQ(refusal("trusted_keys = [\"build.pub\"]\n"), "") << "a signature is not required";
}

TEST_F(PluginGate, AdmitsWhatATrustedKeyHasSigned) {
  EXPECT_THAT(refusal(kRequired), HasSubstr("video@1.5.0 is not run, as [plugins] require_signature is true: \"" +
                                            plugin_.source.string() + "\" is not signed"));
  sign(key_);
  EXPECT_EQ(refusal(kRequired), "");
  EXPECT_EQ(refusal("require_signature = true\ntrusted_keys = [\"" + shown_.text() + "\"]\n"), "");
}

TEST_F(PluginGate, RefusesTheSignatureOfAnotherVersionAndOfAStranger) {
  sign(key_, "1.4.0");
  EXPECT_THAT(refusal(kRequired), HasSubstr("does not belong to"));
  ASSERT_TRUE(make_key_files(dir_ / "stranger"));
  sign(dir_ / "stranger");
  EXPECT_THAT(refusal(kRequired), HasSubstr("trusted: " + shown_.id()));
}

TEST_F(PluginGate, RefusesASignatureFileThatCannotBeRead) {
  dir_.write("video.so.sig", "nonsense");
  EXPECT_THAT(refusal(kRequired), HasSubstr("video.so.sig\" does not hold a signature"));
}

TEST_F(PluginGate, RefusesWhatIsRevokedOrTooOld) {
  EXPECT_THAT(refusal("revoked = [\"sha256:" + plugin_.digest + "\"]\n"), HasSubstr("is in [plugins] revoked"));
  EXPECT_THAT(refusal("min_version = { video = \"1.5.1\" }\n"), HasSubstr("asks for 1.5.1 or later"));
  EXPECT_EQ(refusal("min_version = { video = \"1.5.0\" }\n"), "");
}

TEST_F(PluginGate, JudgesAFileWhoseSignatureWasReadWithoutAskingWhereItRuns) {
  const auto gate =
      pool::PluginGate::open(configured(std::string(kRequired) + "min_version = { video = \"1.5.0\" }\n"));
  ASSERT_TRUE(gate) << gate.error().message;
  EXPECT_EQ(gate->trusted().size(), 1u);
  SignedPlugin file{
      .statement = {"video", "1.5.0", plugin_.digest}, .file = "f", .signature_file = "g", .signature = {}};
  EXPECT_THAT(gate->refuse(file).value_or(Error{}).message, HasSubstr("\"f\" is not signed: there is no \"g\""));
  file.signature = read_secret_key(key_).value().sign(file.statement);
  EXPECT_FALSE(gate->refuse(file));
  file.statement.version = "1.4.9";
  EXPECT_THAT(gate->refuse(file).value_or(Error{}).message, HasSubstr("asks for 1.5.0 or later"));
}

TEST_F(PluginGate, JudgesTheCpuOfThisMachineAloneNotOfOthers) {
  plugin_.manifest.cpu = "x86-99";
  EXPECT_THAT(refusal(""), HasSubstr("was compiled for x86-99"));
  EXPECT_EQ(refusal("", "fly"), "");
}

TEST_F(PluginGate, SaysWhereAKeyStandsThatCannotBeRead) {
  const auto gate = pool::PluginGate::open(configured("trusted_keys = [\"build.pub\", \"gone.pub\"]\n"));
  ASSERT_FALSE(gate);
  EXPECT_EQ(gate.error().code, ErrorCode::not_found);
  EXPECT_THAT(gate.error().message, HasSubstr(dir_ / "flame.toml:3:30: plugins.trusted_keys[1]: cannot open"));
  HostConfig made_in_cpp;
  made_in_cpp.plugins.trusted_keys = {key_};
  EXPECT_THAT(pool::PluginGate::open(made_in_cpp).error().message,
              HasSubstr("plugins.trusted_keys[0]: \"" + key_ + "\" holds a secret key, not a public key"));
}

}  // namespace
}  // namespace flame::pool::plugin_gate_test
