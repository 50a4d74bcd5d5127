// A newcomer's first minutes, command by command as the README shows them, with nothing but an installed FLAME.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
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
    const char* path = std::getenv("PATH");
    setenv("PATH", (FLAME_TEST_PREFIX "/" FLAME_TEST_BINDIR ":" + std::string(path ? path : "")).c_str(), 1);
    setenv("CXX", FLAME_TEST_CXX, 1);
    setenv("CXXFLAGS", FLAME_TEST_CXXFLAGS, 1);
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

  /// run() of a command that stands in the README.
  std::string type(const std::string& directory, const std::string& command) {
    EXPECT_THAT(readme_, HasSubstr(command));
    return run(directory, command);
  }

  TempDir work_;
  std::string readme_;
};

TEST_F(NewPlugin, BuildsPassesItsTestsAndAnswersACallAgainstAnInstall) {
  type(work_.path(), "flame new plugin greet");
  const std::string project = work_ / "greet";
  EXPECT_THAT(readme_, HasSubstr("cmake -B build -DCMAKE_PREFIX_PATH="));
  run(project, "cmake -B build -DCMAKE_PREFIX_PATH='" FLAME_TEST_PREFIX "'");
  type(project, "cmake --build build");
  EXPECT_THAT(type(project, "ctest --test-dir build"), HasSubstr("100% tests passed"));
  EXPECT_EQ(type(project, R"(flame call greet greet::greet '["world"]')"), "\"Hello, world!\"\n");
}

TEST_F(NewPlugin, NamesTheCommandsThatComeNextAndTheyWork) {
  const std::string said = run(work_.path(), "flame new plugin image-tools");
  const auto next = said.find("Next:\n");
  ASSERT_NE(next, std::string::npos) << said;
  setenv("CMAKE_PREFIX_PATH", FLAME_TEST_PREFIX, 1);
  const std::string output = run(work_.path(), "set -e\n" + said.substr(next + 6));
  EXPECT_THAT(output, EndsWith("\n\"Hello, world!\"\n"));
}

}  // namespace
}  // namespace flame::test
