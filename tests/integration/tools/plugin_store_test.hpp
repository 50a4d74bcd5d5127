// A store of its own for `flame plugin …`, and plugin files to put into it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/src/plugins/store/store.hpp"
#include "tests/integration/tools/cli_test.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"

namespace flame::test {

class PluginStoreTest : public CliTest {
 protected:
  /// Writes a plugin file that the store may take.
  [[nodiscard]] std::string put(const pool::FakePlugin& plugin, const std::string& name = "plugin.so") const {
    return files().write(name, pool::plugin_file(plugin));
  }
  [[nodiscard]] std::string root() const { return files() / "store"; }
  /// `flame plugin WORDS --store …`
  [[nodiscard]] CommandResult run(std::vector<std::string> words) const {
    words.insert(words.begin(), "plugin");
    words.insert(words.end(), {"--store", root()});
    return flame_command(words);
  }
  /// What it says when it refuses something, after "flame: "; it printed nothing else.
  [[nodiscard]] std::string refusal(const std::vector<std::string>& words, int exit_code = 2) const {
    return text_of(run(words), exit_code);
  }
  [[nodiscard]] static std::string text_of(const CommandResult& result, int exit_code = 2) {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    const std::string prefix = "flame: ";
    EXPECT_EQ(result.err.substr(0, prefix.size()), prefix);
    return result.err.size() < prefix.size() + 1
               ? ""
               : result.err.substr(prefix.size(), result.err.size() - prefix.size() - 1);
  }
  /// The result of a command with --json that succeeds.
  [[nodiscard]] nlohmann::json json_of(std::vector<std::string> words) const {
    words.emplace_back("--json");
    const auto result = run(words);
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
    return nlohmann::json::parse(result.out)["result"];
  }
  /// Its digest.
  std::string install(const std::string& version, const std::string& salt = "") const {
    return json_of({"install", "--force", put({.version = version, .salt = salt})})["digest"];
  }
  /// The store as another process of this user has it.
  [[nodiscard]] store::Store open_store() { return {root(), system_}; }
  void activate(const store::Scope& scope, const std::string& digest) {
    const auto done = open_store().record("video", scope, digest, store::Narrower::keep);
    EXPECT_TRUE(done) << done.error().message;
  }

 private:
  store::SystemFiles system_;
};

}  // namespace flame::test
