// A host with pools of the plugin "swap", of which a test decides what versions there are.
#pragma once

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <flame/host.hpp>

#include "host/src/plugins/store/store.hpp"
#include "tests/integration/swap/swap_tasks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/one_pool.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {

class SwapTest : public LeftoversTest {
 protected:
  /// [plugins] path has these versions; others come by add().
  void add(const std::string& version) const {
    std::filesystem::copy_file(built(version), versions_ / ("swap-" + version + ".so"));
  }
  [[nodiscard]] static std::string built(const std::string& version) {
    return std::string(FLAME_TEST_PLUGINS) + "/swap-" + version + ".so";
  }
  [[nodiscard]] store::Store store() { return {store_, system_}; }
  store::Installed install(const std::string& version) {
    const auto done = store().install(built(version), {});
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->plugin : store::Installed();
  }
  /// One pool, "work", of one runner with two slots; it takes `plugin`.
  [[nodiscard]] HostConfig config(const std::string& plugin = "swap@1", const ChangePool& change = {}) const {
    HostConfig config = one_pool("work", versions_.path(), {plugin}, 2, change);
    config.name = "here";
    config.plugins.store = store_;
    return config;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return files_ / name; }
  void go(const std::string& name) const { static_cast<void>(files_.write(name + ".go", "")); }
  [[nodiscard]] bool begins(const std::string& name) const {
    return eventually([&] { return ::access(file(name + ".begun").c_str(), F_OK) == 0; });
  }
  [[nodiscard]] Future<std::string> begin(const Pool& pool, const std::string& name) const {
    auto future = pool.async<swap::hold>(file(name));
    EXPECT_TRUE(begins(name));
    return future;
  }

  TempDir versions_;
  TempDir files_;
  TempDir data_;
  std::string store_ = data_ / "store";  // not there
  store::SystemFiles system_;
};

}  // namespace flame::test
