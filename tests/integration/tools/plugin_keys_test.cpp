// `flame plugin keygen`, `sign` and `verify`.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/tools/plugin_store_test.hpp"

namespace flame::test {
namespace plugin_keys_test {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class FlamePluginKeys : public PluginStoreTest {
 protected:
  [[nodiscard]] static CommandResult command(std::vector<std::string> words) {
    words.insert(words.begin(), "plugin");
    return flame_command(words);
  }
  [[nodiscard]] static mode_t mode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777u : 0;
  }
  [[nodiscard]] static std::string contents(const std::string& path) { return base::read_file(path, 10'000).value(); }
  /// Makes the keys NAME and NAME.pub; the former's path.
  [[nodiscard]] std::string key(const std::string& name) const {
    EXPECT_EQ(command({"keygen", "--out", files() / name}).exit_code, 0);
    return files() / name;
  }
  /// A plugin that `secret_key` has signed.
  [[nodiscard]] std::string signed_by(const std::string& secret_key) const {
    const auto file = put({.version = "1.4.0"});
    EXPECT_EQ(command({"sign", file, "--key", secret_key}).exit_code, 0);
    return file;
  }
};

TEST_F(FlamePluginKeys, KeygenMakesAPairThatNobodyElseCanReadAndShowsThePublicOne) {
  const auto path = files() / "build";
  const auto result = command({"keygen", "--json", "--out", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto made = json::parse(result.out)["result"];
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(path + ".pub"), 0644u);
  EXPECT_EQ(contents(path + ".pub"), made["public_key"].get<std::string>() + "\n");
  EXPECT_EQ(made["secret_key_file"], path);
  EXPECT_THAT(contents(path), StartsWith("flame-secret-key-v1 "));
  EXPECT_THAT(result.out, Not(HasSubstr("flame-secret-key")));
  const auto text = command({"keygen", "--out", files() / "other"});
  EXPECT_THAT(text.out, StartsWith(contents(files() / "other.pub")));
  EXPECT_THAT(text.out, Not(HasSubstr("flame-secret-key")));
}

TEST_F(FlamePluginKeys, KeygenMakesNoDirectory) {
  const auto path = files() / "none/build";
  EXPECT_EQ(text_of(command({"keygen", "--out", path})),
            "cannot create \"" + path + "\": No such file or directory. Make its directory first");
}

TEST_F(FlamePluginKeys, KeygenOverwritesNothing) {
  const auto path = key("build");
  const auto before = contents(path);
  EXPECT_EQ(text_of(command({"keygen", "--out", path})),
            "cannot create \"" + path +
                "\": File exists. Keys are never overwritten: name another file, or move this "
                "one away");
  EXPECT_EQ(contents(path), before);
}

TEST_F(FlamePluginKeys, WhatIsSignedVerifies) {
  const auto build = key("build");
  const auto other = key("other");
  const auto file = signed_by(build);
  const auto result = command({"verify", file, "--key", other + ".pub", "--key", build + ".pub"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(file + ": video@1.4.0 sha256:"));
  auto text_of_key = contents(build + ".pub");
  text_of_key.pop_back();
  const auto as_json = command({"verify", "--json", file, "--key", text_of_key});
  EXPECT_EQ(json::parse(as_json.out)["result"]["version"], "1.4.0");
  const auto again = command({"sign", "--json", file, "--key", build});
  EXPECT_EQ(json::parse(again.out)["result"]["signature_file"], file + ".sig");
}

TEST_F(FlamePluginKeys, AnotherKeyDoesNotVerify) {
  const auto file = signed_by(key("build"));
  const auto result = command({"verify", file, "--key", key("other") + ".pub"});
  EXPECT_THAT(text_of(result, 1), StartsWith("\"" + file + "\" is signed by the key "));
  EXPECT_THAT(result.err, HasSubstr("which is not trusted; trusted: "));
  EXPECT_THAT(result.err, HasSubstr("Sign it with a trusted key"));
}

TEST_F(FlamePluginKeys, AChangedPluginOrSignatureDoesNotVerify) {
  const auto build = key("build");
  const auto file = signed_by(build);
  const std::vector<std::string> verify = {"verify", file, "--key", build + ".pub"};
  files().write("plugin.so", pool::plugin_file({.version = "1.4.0", .salt = "tampered"}));
  EXPECT_THAT(text_of(command(verify), 1), HasSubstr("the file was changed after it had been signed"));
  files().write("plugin.so", pool::plugin_file({.version = "1.5.0"}));
  EXPECT_THAT(text_of(command(verify), 1), HasSubstr("does not belong to \"" + file + "\" as video@1.5.0"));
  static_cast<void>(signed_by(build));
  auto signature = contents(file + ".sig");
  signature[50] = signature[50] == 'A' ? 'B' : 'A';
  files().write("plugin.so.sig", signature);
  EXPECT_THAT(text_of(command(verify), 1), HasSubstr("does not belong to \"" + file + "\""));
  files().write("plugin.so.sig", signature.substr(0, 60));
  EXPECT_THAT(text_of(command(verify), 1), HasSubstr("cut off or damaged"));
  std::filesystem::remove(file + ".sig");
  EXPECT_THAT(text_of(command(verify), 1), HasSubstr("is not signed: there is no \"" + file + ".sig\""));
}

TEST_F(FlamePluginKeys, OfSeveralFilesTheWorstDecidesTheExitCode) {
  const auto build = key("build");
  const auto good = signed_by(build);
  const auto bad = put({}, "unsigned.so");
  EXPECT_EQ(command({"verify", bad, good, "--key", build + ".pub"}).exit_code, 1);
  EXPECT_EQ(command({"verify", bad, files() / "none.so", good, "--key", build + ".pub"}).exit_code, 2);
}

TEST_F(FlamePluginKeys, AConfigurationSaysWhomItTrustsAndWhatElseItAsks) {
  const auto file = signed_by(key("build"));
  const auto verify_by = [&](const std::string& rules) {
    return command({"verify", file, "--config", files().write("rules.toml", "[plugins]\n" + rules)});
  };
  EXPECT_EQ(verify_by("trusted_keys = [\"build.pub\"]\n").exit_code, 0);
  EXPECT_THAT(text_of(verify_by("trusted_keys = [\"build.pub\"]\nmin_version = { video = \"1.5.0\" }\n"), 1),
              HasSubstr("asks for 1.5.0 or later"));
  EXPECT_THAT(text_of(verify_by("watch = false\n")), HasSubstr("trusts no key"));
  EXPECT_THAT(text_of(verify_by("trusted_keys = [\"gone.pub\"]\n")), HasSubstr("rules.toml:2:17: "));
  EXPECT_THAT(text_of(command({"verify", file})), HasSubstr("Name public keys by --key"));
}

TEST_F(FlamePluginKeys, ASecretKeyThatOthersCanReadSignsNothing) {
  const auto build = key("build");
  ASSERT_EQ(::chmod(build.c_str(), 0644), 0);
  const auto file = put({});
  EXPECT_THAT(text_of(command({"sign", file, "--key", build})),
              StartsWith("\"" + build + "\" has mode 0644, so others than its owner may use the key: chmod 600 it."));
  EXPECT_FALSE(std::filesystem::exists(file + ".sig"));
}

TEST_F(FlamePluginKeys, KeysInTheWrongPlaceAreNamedAndNeverShown) {
  const auto build = key("build");
  const auto file = put({});
  const auto secret = contents(build);
  EXPECT_THAT(text_of(command({"sign", file, "--key", build + ".pub"})),
              HasSubstr("holds a public key, not a secret key"));
  EXPECT_THAT(text_of(command({"verify", file, "--key", build})), HasSubstr("holds a secret key, not a public key"));
  for (const std::string subcommand : {"sign", "verify"}) {
    const auto result = command({subcommand, file, "--key", secret});
    EXPECT_THAT(text_of(result), StartsWith("--key holds a secret key. Whoever can list this machine's processes"));
    EXPECT_THAT(result.err, Not(HasSubstr(secret.substr(20, 40))));
  }
  EXPECT_THAT(text_of(command({"sign", file, "--key", files() / "none"})), HasSubstr("flame plugin keygen"));
}

TEST_F(FlamePluginKeys, OnlyPluginsAreSigned) {
  const auto build = key("build");
  const auto text = files().write("text.so", "no elf");
  const auto result = command({"sign", text, put({}), "--key", build});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("ELF"));
  EXPECT_FALSE(std::filesystem::exists(text + ".sig"));
  EXPECT_TRUE(std::filesystem::exists(files() / "plugin.so.sig")) << "each by itself";
}

}  // namespace plugin_keys_test
}  // namespace flame::test
