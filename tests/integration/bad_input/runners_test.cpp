// Runner binaries that are missing, die at boot, or never dial in.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/bad_input/support.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class BadRunners : public BadInputTest {
 protected:
  /// A program in the place of flame-runner.
  std::string script(const std::string& commands) {
    const std::string path = files_.write("runner", "#!/bin/sh\n" + commands);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  static Error call_error(const std::string& runner, const std::string& pool = {}) {
    const Host host = make_host({.runner = runner, .pool = pool});
    return error_of([&] { static_cast<void>(host.pool("work").call<misbehave::add>(1, 2)); });
  }

  // How long a call waits while boots fail and are tried again.
  static constexpr const char* kShortBoot = "boot_timeout = \"1s\"\n";

  TempDir files_;
};

TEST_F(BadRunners, AMissingBinaryIsBootFailedAndNamesThePath) {
  const Error error = call_error("/nonexistent/flame-runner");
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_NE(error.message.find("/nonexistent/flame-runner"), std::string::npos) << error.message;
  EXPECT_EQ(error.started, Started::no);
}

TEST_F(BadRunners, AFileThatIsNoProgramIsBootFailedAndNamesThePath) {
  const std::string path = files_.write("runner",
                                        "\x7f"
                                        "ELF, but not really");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const auto begin = std::chrono::steady_clock::now();
  const Error error = call_error(path);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s) << "trying again cannot help";
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
}

TEST_F(BadRunners, OneThatExitsAtBootIsBootFailedWithItsCodeAndLastLines) {
  const Error error = call_error(script("echo 'no such license' >&2\nexit 3\n"), kShortBoot);
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_NE(error.to_string().find("exit code 3"), std::string::npos) << error.to_string();
  EXPECT_NE((error.message + error.log_tail).find("no such license"), std::string::npos) << error.to_string();
}

TEST_F(BadRunners, OneThatIsKilledAtBootIsBootFailedWithTheSignal) {
  const Error error = call_error(script("kill -SEGV $$\n"), kShortBoot);
  EXPECT_EQ(error.code, ErrorCode::boot_failed) << error.to_string();
  EXPECT_NE(error.to_string().find("signal 11"), std::string::npos) << error.to_string();
}

TEST_F(BadRunners, OneThatNeverDialsInIsBootFailedAfterTheBootTimeoutAndDestroyed) {
  const TempDir directory;
  const std::string pid_file = directory / "pid";
  const std::string path = script("echo $$ > " + pid_file + "; exec sleep 1000\n");
  const Host host = make_host({.runner = path, .pool = kShortBoot});
  const Pool pool = host.pool("work");
  auto call = pool.with({.timeout = std::chrono::seconds(10)}).async<misbehave::add>(1, 2);
  pid_t machine = 0;
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(pid_file) >> machine); }));
  EXPECT_TRUE(eventually([&] { return pool.stats().boots_failed > 0; }));
  EXPECT_TRUE(eventually([&] { return is_gone(machine); })) << "while its host lives on";
  call.cancel();
  EXPECT_EQ(call.try_get().error().started, Started::no);
}

TEST_F(BadRunners, APoolWhoseRunnerWasRepairedServesAgain) {
  const std::string path = script("exit 3\n");
  const Host host = make_host({.runner = path, .pool = kShortBoot});
  const Pool pool = host.pool("work");
  EXPECT_EQ(pool.try_call<misbehave::add>(1, 2).error().code, ErrorCode::boot_failed);
  script(std::string("exec ") + FLAME_TEST_RUNNER + "\n");
  EXPECT_TRUE(eventually([&] { return pool.try_call<misbehave::add>(40, 2).has_value(); }));
}

}  // namespace
}  // namespace flame::test
