// [plugins] watch: a file that appears is activated, if it is complete and a pool takes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::watch_test {
namespace {

class Watch : public SwapTest {
 protected:
  Watch() { add("1.0.0"); }
  [[nodiscard]] HostConfig watching() const {
    HostConfig config = this->config();
    config.plugins.watch = true;
    return config;
  }
  [[nodiscard]] static bool serves(const Host& host, const std::string& version) {
    return eventually([&] { return host.pool("work").call<swap::version>() == version; });
  }
};

TEST_F(Watch, WhatIsCopiedThereIsActivated) {
  const Host host(watching());
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
  add("1.1.0");
  EXPECT_TRUE(serves(host, "1.1.0"));
}

TEST_F(Watch, WhatIsMovedThereIsActivated) {
  const Host host(watching());
  const TempDir elsewhere;
  std::filesystem::copy_file(std::string(FLAME_TEST_PLUGINS) + "/swap-1.1.0.so", versions_ / "coming.part");
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
  std::filesystem::rename(versions_ / "coming.part", versions_ / "swap-1.1.0.so");
  EXPECT_TRUE(serves(host, "1.1.0"));
}

TEST_F(Watch, AFileThatIsStillWrittenIsLeftAlone) {
  const Host host(watching());
  const auto bytes = base::read_file(std::string(FLAME_TEST_PLUGINS) + "/swap-1.1.0.so", 1 << 30).value();
  {
    std::ofstream file(versions_ / "swap-1.1.0.so", std::ios::binary);
    file << bytes.substr(0, bytes.size() / 2) << std::flush;
    add("1.5.0");  // is judged after the first half of the other one was there: it lacks a task
    EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
    file << bytes.substr(bytes.size() / 2);
  }
  EXPECT_TRUE(serves(host, "1.1.0"));
}

TEST_F(Watch, WhatNoPoolTakesAndWhatIsNoPluginChangesNothing) {
  const Host host(watching());
  add("2.0.0");
  static_cast<void>(versions_.write("nonsense.so", "not a plugin"));
  add("1.1.0");
  EXPECT_TRUE(serves(host, "1.1.0"));
}

TEST_F(Watch, ADirectoryThatIsNotThereIsNoError) {
  HostConfig config = watching();
  config.plugin_path.push_back(versions_ / "none");
  const Host host(std::move(config));
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
}

}  // namespace
}  // namespace flame::test::watch_test
