// A newcomer's first minutes, command by command as the README shows them, with nothing but an installed FLAME.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "plugin_sdk/base/file.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class NewPlugin : public LeftoversTest {
 protected:
  void SetUp() override {
    LeftoversTest::SetUp();
    readme_ = base::read_file(FLAME_TEST_README, 1 << 20).value();
    // "~/.local" of this newcomer is the install under test.
    setenv("HOME", work_.path().c_str(), 1);
    std::filesystem::create_directory_symlink(FLAME_TEST_PREFIX, work_ / ".local");
    setenv("CXX", FLAME_TEST_CXX, 1);
  }

  /// Runs `command` in `directory`; what it prints to standard output.
  std::string run(const std::string& directory, const std::string& command) {
    const std::string errors = work_ / "errors";
    const std::string line = "cd '" + directory + "' && {\n" + command + "\n} 2>'" + errors + "'";
    FILE* const pipe = ::popen(line.c_str(), "re");
    if (pipe == nullptr) throw std::runtime_error("popen");
    std::string output;
    std::array<char, 4096> chunk{};
    while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), pipe)) output.append(chunk.data(), got);
    EXPECT_EQ(::pclose(pipe), 0) << command << '\n' << output << base::read_file(errors, 1 << 20).value();
    return output;
  }

  /// The commands under "Start your own plugin", as they stand there.
  [[nodiscard]] std::string readme_lines() const {
    const auto section = readme_.find("## Start your own plugin\n");
    const auto begin = readme_.find("```sh\n", section);
    const auto end = readme_.find("```", begin + 6);
    if (section == std::string::npos || begin == std::string::npos || end == std::string::npos) {
      throw std::runtime_error("the README has no such section");
    }
    return readme_.substr(begin + 6, end - begin - 6);
  }

  TempDir work_;
  std::string readme_;
};

TEST_F(NewPlugin, TheReadmesLinesBuildTestAndCallItAgainstAnInstall) {
  const std::string lines = readme_lines();
  const auto installed = lines.find('\n') + 1;  // the first line, which the fixture has done
  EXPECT_THAT(lines.substr(0, installed), EndsWith("cmake --install build-release --prefix ~/.local\n"));
  const std::string output = run(work_.path(), "set -e\n" + lines.substr(installed));
  EXPECT_THAT(output, HasSubstr("100% tests passed"));
  EXPECT_THAT(output, EndsWith("\n\"Hello, world!\"\n"));
}

TEST_F(NewPlugin, NamesTheCommandsThatComeNextAndTheyWork) {
  const char* path = std::getenv("PATH");
  setenv("PATH", (FLAME_TEST_PREFIX "/" FLAME_TEST_BINDIR ":" + std::string(path ? path : "")).c_str(), 1);
  const std::string said = run(work_.path(), "flame new plugin image-tools");
  const auto next = said.find("Next:\n");
  ASSERT_NE(next, std::string::npos) << said;
  setenv("CMAKE_PREFIX_PATH", FLAME_TEST_PREFIX, 1);
  const std::string output = run(work_.path(), "set -e\n" + said.substr(next + 6));
  EXPECT_THAT(output, EndsWith("\n\"Hello, world!\"\n"));
}

}  // namespace
}  // namespace flame::test
