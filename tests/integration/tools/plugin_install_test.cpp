// `flame plugin install`: what gets into the store, and what is said about the rest.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "host/src/plugins/key_file.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/file.hpp"
#include "tests/integration/tools/plugin_store_test.hpp"

namespace flame::test {
namespace plugin_install_test {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class FlamePluginInstall : public PluginStoreTest {
 protected:
  [[nodiscard]] static std::string digest_of(const std::string& file) {
    const std::string bytes = base::read_file(file, 100'000'000).value();
    return base::sha256(std::as_bytes(std::span(bytes.data(), bytes.size()))).hex();
  }
  /// `flame plugin install` with a configuration that has these lines in [plugins].
  [[nodiscard]] CommandResult install_with(const std::string& rules, const std::string& file) const {
    const auto config = files().write("rules.toml", "[plugins]\nstore = \"store\"\n" + rules);
    return flame_command({"plugin", "install", "--config", config, file});
  }
};

TEST_F(FlamePluginInstall, PrintsNameVersionAndDigestOfARealPlugin) {
  const auto first = run({"install", CLI_FIXTURE});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  const std::string line = "cli-fixture@1.2.3 sha256:" + digest_of(CLI_FIXTURE);
  EXPECT_EQ(first.out, line + "\n");
  EXPECT_EQ(run({"install", CLI_FIXTURE}).out, line + ", which was there already\n");
  const auto result = json_of({"install", CLI_FIXTURE});
  EXPECT_EQ(result["already_there"], true);
  EXPECT_EQ(result["digest"], digest_of(result["file"]));
}

TEST_F(FlamePluginInstall, TakesTheSignatureAlong) {
  const auto file = put({});
  files().write("plugin.so.sig", "a signature");
  const std::string digest = json_of({"install", file})["digest"];
  EXPECT_EQ(base::read_file(root() + "/objects/" + digest + ".sig", 100).value(), "a signature");
}

TEST_F(FlamePluginInstall, OtherBytesOfAVersionAreRefusedUntilTheyAreForced) {
  const auto before = install("1.4.0");
  const auto file = put({.version = "1.4.0", .salt = "rebuilt"}, "rebuilt.so");
  EXPECT_EQ(refusal({"install", file}), "video@1.4.0 is in the store already with other bytes: sha256:" + before +
                                            " (from \"" + files() / "plugin.so" + "\"), but \"" + file +
                                            "\" has sha256:" + digest_of(file) +
                                            "; give it another version, or replace that one with --force");
  EXPECT_EQ(run({"install", "--force", file}).out,
            "video@1.4.0 sha256:" + digest_of(file) + ", in the place of sha256:" + before + "\n");
}

TEST_F(FlamePluginInstall, OfSeveralFilesTakesThoseThatItCan) {
  const auto good = put({.version = "1.5.0"}, "good.so");
  const auto bad = files().write("bad.so", "no elf");
  const auto result = run({"install", bad, good});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, StartsWith("video@1.5.0 sha256:"));
  EXPECT_THAT(result.err, HasSubstr("bad.so"));
  std::istringstream lines(run({"install", "--json", bad, good}).out);
  std::string first;
  std::string second;
  ASSERT_TRUE(std::getline(lines, first) && std::getline(lines, second));
  EXPECT_EQ(json::parse(first)["ok"], false);
  EXPECT_EQ(json::parse(second)["result"]["already_there"], true);
}

TEST_F(FlamePluginInstall, RefusesAFileThatIsCutOffOrNoPlugin) {
  const std::string whole = base::read_file(CLI_FIXTURE, 100'000'000).value();
  const auto cut = files().write("cut.so", whole.substr(0, 1000));
  EXPECT_THAT(refusal({"install", cut}), HasSubstr(cut));
  EXPECT_THAT(refusal({"install", files().write("bare.so", pool::elf_without_note())}), HasSubstr("note"));
  EXPECT_EQ(refusal({"install", files() / "none.so"}),
            "cannot install \"" + files() / "none.so" + "\": there is no such file");
  EXPECT_THAT(refusal({"install", put({.abi = "99.0"})}), HasSubstr("video@1.0.0 has plugin ABI 99.0"));
}

TEST_F(FlamePluginInstall, RefusesAFileThatOthersCanChange) {
  const auto file = put({});
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  EXPECT_THAT(refusal({"install", file}), HasSubstr("then: chmod go-w \"" + file + "\""));
}

TEST_F(FlamePluginInstall, RefusesAPluginWithLibrariesBesideIt) {
  EXPECT_THAT(refusal({"install", FLAME_TEST_ORIGIN_PLUGIN}),
              HasSubstr("beside itself ($ORIGIN in its search path), and the store keeps single files"));
}

// Nobody can make a directory in /proc, not even root.
TEST_F(FlamePluginInstall, ADirectoryThatCannotBeWrittenToIsNamedWithTheRemedy) {
  const auto result = flame_command({"plugin", "install", "--store", "/proc/flame-store", put({})});
  EXPECT_THAT(text_of(result), StartsWith("cannot make the directory \"/proc/flame-store\": "));
  EXPECT_THAT(result.err, HasSubstr("--store"));
}

TEST_F(FlamePluginInstall, AStoreThatOthersCanUseIsRefused) {
  install("1.4.0");
  ASSERT_EQ(::chmod(root().c_str(), 0755), 0);
  EXPECT_THAT(refusal({"install", put({})}), HasSubstr("make it private: chmod 0700 \"" + root() + "\""));
}

TEST_F(FlamePluginInstall, GoesIntoTheUsersDataDirectoryByDefault) {
  const auto file = put({});
  CommandRun by_xdg({"plugin", "install", "--json", file}, "",
                    {"XDG_DATA_HOME=" + files() / "data", "HOME=" + files() / "unused"});
  const auto result = json::parse(by_xdg.finish().out)["result"];
  EXPECT_THAT(result["file"].get<std::string>(), StartsWith(files() / "data/flame/plugins/objects/"));
  CommandRun by_home({"plugin", "install", file}, "", {"HOME=" + files() / "home"});
  EXPECT_EQ(by_home.finish().exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(files() / "home/.local/share/flame/plugins/objects"));
}

TEST_F(FlamePluginInstall, WithoutHomeNamesTheKeyThatHelps) {
  const auto file = put({});
  CommandRun homeless({"plugin", "install", file}, "", {"HOME="});
  EXPECT_EQ(
      text_of(homeless.finish()),
      "[plugins] store is \"auto\", the user's data directory, but HOME is not set; set HOME or XDG_DATA_HOME, or "
      "name a directory: store = \"/var/lib/flame/plugins\"");
  CommandRun empty({"plugin", "install", file, "--store", ""}, "");
  EXPECT_THAT(empty.finish().err, HasSubstr("--store: the name is empty; name one, or leave the option out"));
}

TEST_F(FlamePluginInstall, AConfigurationNamesTheStoreAndItsRules) {
  const auto file = put({.version = "1.4.0"});
  EXPECT_EQ(text_of(install_with("min_version = { video = \"1.5.0\" }\n", file)),
            "video@1.4.0 is not run: [plugins] min_version asks for 1.5.0 or later. Use a newer version, or lower it");
  EXPECT_THAT(text_of(install_with("revoked = [\"sha256:" + digest_of(file) + "\"]\n", file)),
              HasSubstr("is in [plugins] revoked. Use another version"));
  EXPECT_EQ(json_of({"list"})["plugins"], json::array()) << "nothing of them was kept";
  EXPECT_EQ(install_with("", file).exit_code, 0);
  EXPECT_EQ(json_of({"list"})["plugins"].size(), 1u);
  EXPECT_THAT(text_of(install_with("stor = 1\n", file)), HasSubstr("store"));
}

TEST_F(FlamePluginInstall, AConfigurationThatRequiresSignaturesTakesOnlyWhatIsSignedByThem) {
  ASSERT_TRUE(pool::make_key_files(files() / "build"));
  ASSERT_TRUE(pool::make_key_files(files() / "stranger"));
  const std::string rules = "require_signature = true\ntrusted_keys = [\"build.pub\"]\n";
  const auto file = put({});
  EXPECT_THAT(text_of(install_with(rules, file)), HasSubstr("\"" + file + "\" is not signed: there is no \"" + file +
                                                            ".sig\". Sign it with `flame plugin sign`"));
  ASSERT_EQ(flame_command({"plugin", "sign", file, "--key", files() / "stranger"}).exit_code, 0);
  EXPECT_THAT(text_of(install_with(rules, file)), HasSubstr("which is not trusted"));
  ASSERT_EQ(flame_command({"plugin", "sign", file, "--key", files() / "build"}).exit_code, 0);
  EXPECT_EQ(install_with(rules, file).exit_code, 0);
}

}  // namespace plugin_install_test
}  // namespace flame::test
