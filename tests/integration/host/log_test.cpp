// What tasks write goes to the host's log on standard error when the program does not take it.
#include <gmock/gmock.h>

#include <cstdio>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/host/support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using testing::HasSubstr;

class Log : public LeftoversTest {
 protected:
  /// Runs the program; its standard output is the call's number, its standard error is in `errors_`.
  std::string run(const std::string& environment) {
    const std::string toml = files_.write("flame.toml", "[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                                                        "\"]\n[pools.ffmpeg]\nplugins = [\"host_tasks@1\"]\n"
                                                        "[backends.local]\nrunner = \"" FLAME_TEST_RUNNER "\"\n");
    const std::string command = environment + " " FLAME_TEST_LOGGING_HOST " " + toml + " 2>" + files_ / "errors";
    FILE* const pipe = ::popen(command.c_str(), "re");
    if (pipe == nullptr) throw std::runtime_error("popen");
    char number[32] = {};
    const std::size_t size = std::fread(number, 1, sizeof number, pipe);
    EXPECT_EQ(::pclose(pipe), 0);
    errors_ = base::read_file(files_ / "errors", 1 << 20).value();
    return {number, size};
  }

  TempDir files_;
  std::string errors_;
};

TEST_F(Log, NamesPoolRunnerCallAndSourceOfEachLine) {
  const std::string call = run("FLAME_LOG=info");
  const std::string fields = " pool=ffmpeg runner=ffmpeg-1 call=" + call + " from=";
  EXPECT_THAT(errors_, HasSubstr("line 0" + fields + "stdout\n"));
  EXPECT_THAT(errors_, HasSubstr("line 1" + fields + "stdout\n"));
  EXPECT_THAT(errors_, HasSubstr("to stderr" + fields + "stderr\n"));
  EXPECT_THAT(errors_, HasSubstr("to the log" + fields + "log\n"));
}

TEST_F(Log, SaysNothingWhenItIsOff) {
  static_cast<void>(run("FLAME_LOG=off"));
  EXPECT_EQ(errors_, "");
}

TEST_F(Log, SaysWhatIsAtLeastAsBadAsAsked) {
  static_cast<void>(run("FLAME_LOG=warning"));
  EXPECT_THAT(errors_, HasSubstr("to the log"));
  EXPECT_EQ(errors_.find("line 0"), std::string::npos) << errors_;
}

}  // namespace
}  // namespace flame::test
