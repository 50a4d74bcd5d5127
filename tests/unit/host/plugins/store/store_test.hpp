// A store in a directory of its own, and plugin files to put into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "host/src/plugins/store/store.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"
#include "tests/unit/host/plugins/store/faulty_files.hpp"

namespace flame::store {

class StoreTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path root() const { return files_ / "store"; }
  /// Writes a plugin file that the store may take.
  std::string put(const pool::FakePlugin& plugin, const std::string& name = "plugin.so") const {
    return files_.write(name, pool::plugin_file(plugin));
  }
  [[nodiscard]] Error refused(const std::filesystem::path& file, const InstallOptions& options = {}) {
    const auto done = store_.install(file, options);
    return done ? Error{} : done.error();
  }
  Installed install(const pool::FakePlugin& plugin, const InstallOptions& options = {.now = 1000}) {
    const auto done = store_.install(put(plugin), options);
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->plugin : Installed{};
  }
  /// Its digest.
  std::string installed(const std::string& version, const std::string& salt = "") {
    return install({.version = version, .salt = salt}, {.now = 1000, .force = true}).digest;
  }
  void activate(const Scope& scope, const std::string& digest) {
    const auto done = store_.record("video", scope, digest, Narrower::keep);
    EXPECT_TRUE(done) << done.error().message;
  }
  [[nodiscard]] static manifest::PluginReference reference(const std::string& text) {
    return manifest::PluginReference::parse(text).value();
  }
  /// "video@1.0.0 video@1.1.0"
  [[nodiscard]] std::string versions() const {
    const auto listing = store_.list();
    EXPECT_TRUE(listing && listing->damaged.empty());
    std::string text;
    for (const Installed& plugin : listing->plugins) text += (text.empty() ? "" : " ") + plugin.reference();
    return text;
  }
  [[nodiscard]] std::vector<std::string> files_in(const std::string& directory) const {
    std::vector<std::string> names;
    EXPECT_EQ(system_.list((root() / directory).string(), names), 0);
    return names;
  }

  test::TempDir files_;
  mutable FaultyFiles system_;
  Store store_{root(), system_};
};

}  // namespace flame::store
