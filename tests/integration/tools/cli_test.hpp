// Fixture of the tests of the `flame` command: a configuration with one pool, and nothing left behind.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/integration/tools/command_run.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

class CliTest : public LeftoversTest {
 protected:
  void SetUp() override {
    LeftoversTest::SetUp();
    files_ = std::make_unique<TempDir>();
    config_ = write_config("max = 2\nmax_concurrency = 2\n");
  }
  void TearDown() override {
    files_.reset();
    LeftoversTest::TearDown();
  }

  [[nodiscard]] std::string write_config(const std::string& pool_options) const {
    const auto plugins = std::filesystem::path(CLI_FIXTURE).parent_path().string();
    return files_->write("flame.toml", "[plugins]\npath = [\"" + plugins +
                                           "\"]\n[pools.main]\nplugins = [\"cli-fixture@1\"]\n" + pool_options);
  }
  [[nodiscard]] CommandResult call(const std::string& task, std::vector<std::string> rest) const {
    std::vector<std::string> arguments = {"call", "--config", config_, "main", "cli_fixture::" + task};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return flame_command(arguments);
  }
  [[nodiscard]] const TempDir& files() const { return *files_; }

  std::string config_;

 private:
  std::unique_ptr<TempDir> files_;
};

}  // namespace flame::test
