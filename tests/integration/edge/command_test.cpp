// What people do with the command's streams and signals: pipes that are full, closed, non-blocking.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/edge/edge_command.hpp"
#include "tests/support/eventually.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr int kPipeSize = 65'536;

struct Pipe {
  base::UniqueFd read;
  base::UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

std::string name_of(int terminal) {
  std::array<char, 128> name{};
  if (::ptsname_r(terminal, name.data(), name.size()) != 0) throw std::runtime_error("ptsname_r");
  return name.data();
}

Pipe make_terminal() {
  Pipe ends{.read = base::UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), .write = {}};
  if (!ends.read || ::grantpt(ends.read.get()) != 0 || ::unlockpt(ends.read.get()) != 0) {
    throw std::runtime_error("posix_openpt");
  }
  ends.write.reset(::open(name_of(ends.read.get()).c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  return ends;
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 65536> chunk;
  for (ssize_t got = 0; (got = ::read(fd, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int bytes_in(int fd) {
  int count = 0;
  ::ioctl(fd, FIONREAD, &count);
  return count;
}

// ---- P1: output is all there, or an error

TEST_F(EdgeCommand, AFullDeviceIsAnErrorOfEveryCommandThatPrints) {
  for (const std::string command :
       {"call p edge_command::text '[3]'", "call --json p edge_command::text '[3]'", "call --json p edge_command::nix",
        "check flame.toml", "check --json flame.toml", "plugin inspect " FLAME_TEST_PLUGINS "/edge_command.so",
        "plugin schema " FLAME_TEST_PLUGINS "/edge_command.so", "new plugin made", "--help", "call --help", "--version",
        "bench --json --quick --only nothing-of-the-kind"}) {
    const auto result = run("$f " + command + " > /dev/full");
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("cannot write standard output: No space left on device")) << command;
  }
}

TEST_F(EdgeCommand, AFullDeviceEndsMapWithAnError) {
  const auto result = run("seq 1000 | $f map p edge_command::text > /dev/full");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write standard output: No space left on device"));
}

TEST_F(EdgeCommand, AFullDeviceEndsMapWhoseResultsWaitForAnEarlierOne) {
  // The 4096 results after the second fill what may wait; the last of them lets the first be written.
  const auto result =
      run("sed -i 's/concurrency = 2/concurrency = 4/' flame.toml; quick='[\"\", \"\"]'; "
          "{ echo '[\"await\", \"'$PWD'/gate\"]'; echo '[\"await\", \"never\"]'; yes \"$quick\" | head -n 4095; "
          "echo '[\"make\", \"'$PWD'/gate\"]'; yes \"$quick\"; } "
          "| $f map --ordered p edge_command::gate > /dev/full");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write standard output: No space left on device"));
}

TEST_F(EdgeCommand, AFullDeviceIsAnErrorOfStatusAndWhy) {
  const auto result =
      run("mkfifo feed; $f map p edge_command::text < feed > results & exec 3> feed; echo 1 >&3; "
          "while [ ! -s results ]; do :; done; "
          "$f status > /dev/full; echo $?; $f why --last > /dev/full; echo $?; exec 3>&-; wait");
  EXPECT_EQ(result.out, "1\n1\n") << result.err;
  EXPECT_THAT(result.err, HasSubstr("cannot write standard output: No space left on device"));
}

TEST_F(EdgeCommand, ANonBlockingPipeGetsEveryByte) {
  for (const std::string line :
       {"exec $f call p edge_command::text '[500000]'", "echo '[500000]' | exec $f map p edge_command::text"}) {
    auto pipe = make_pipe();
    ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
    const auto process = start(line, pipe.write.get(), 2);
    pipe.write.reset();
    EXPECT_TRUE(eventually([&] { return bytes_in(pipe.read.get()) >= kPipeSize; }, kLimit)) << line;
    const auto text = read_to_end(pipe.read.get());
    EXPECT_EQ(wait_for(process), 0) << line;
    EXPECT_GE(text.size(), 500'003U) << line;
    EXPECT_EQ(text.back(), '\n') << line;
  }
}

TEST_F(EdgeCommand, AClosedStandardOutputIsAnErrorAndNothingElseIsWrittenTo) {
  for (const std::string command : {"call p edge_command::text '[3]'", "check flame.toml", "--version"}) {
    const auto result = run("$f " + command + " >&-");
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("cannot write standard output: Bad file descriptor")) << command;
  }
  EXPECT_EQ(run("$f call p edge_command::text '[3]' 2>&-").out, "\"xxx\"\n");
}

TEST_F(EdgeCommand, AClosedStandardInputIsAnErrorAndNotAnEndlessWait) {
  const auto map = run("$f map p edge_command::text <&-");
  EXPECT_EQ(map.code, 1);
  EXPECT_THAT(map.err, HasSubstr("cannot read standard input: Bad file descriptor"));
  const auto call = run("$f call p edge_command::text - <&-");
  EXPECT_EQ(call.code, 1);
  EXPECT_THAT(call.err, HasSubstr("cannot read standard input: Bad file descriptor"));
}

TEST_F(EdgeCommand, ADirectoryAsInputIsAnError) {
  for (const std::string command : {"map p edge_command::text", "call p edge_command::text -"}) {
    const auto result = run("$f " + command + " < .");
    EXPECT_EQ(result.code, 1) << command;
    EXPECT_THAT(result.err, HasSubstr("cannot read standard input: Is a directory")) << command;
  }
}

TEST_F(EdgeCommand, AReaderThatGoesAwayEndsMapQuietlyAsSigpipeDoes) {
  const auto result = run("yes 1 | { $f map p edge_command::text; echo $? > code; } | head -n 1; cat code");
  EXPECT_THAT(result.out, testing::EndsWith("141\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("cannot write")));
}

// ---- P1: the first Ctrl-C ends the command

TEST_F(EdgeCommand, OneSignalEndsACommandWhoseReaderStandsStill) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    for (const std::string line : {"exec $f call p edge_command::text '[500000]'",
                                   "echo '[500000]' > lines; exec $f map p edge_command::text < lines"}) {
      auto pipe = make_pipe();
      const auto process = start(line, pipe.write.get(), 2);
      EXPECT_TRUE(eventually([&] { return bytes_in(pipe.read.get()) >= kPipeSize; }, kLimit)) << line;
      ::kill(process.pid, signal);
      EXPECT_EQ(wait_for(process, 30s), 128 + signal) << line;
    }
  }
}

TEST_F(EdgeCommand, OneSignalEndsACommandThatWaitsForInput) {
  for (const std::string line : {"exec $f call p edge_command::text -", "exec $f map p edge_command::text"}) {
    auto pipe = make_pipe();
    auto out = make_pipe();
    const auto input = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(pipe.read.get());
    const auto process = start(line + " < " + input, out.write.get(), 2);
    // It has blocked the signal, so it is in its own hands.
    const std::string status = "/proc/" + std::to_string(process.pid) + "/status";
    ASSERT_TRUE(eventually(
        [&] {
          const auto text = base::read_file(status, 1 << 16).value();
          const auto at = text.find("SigBlk:");
          return text.starts_with("Name:\tflame") && at != std::string::npos && text.substr(at + 20, 1) == "4";
        },
        kLimit))
        << line;
    ::kill(process.pid, SIGINT);
    EXPECT_EQ(wait_for(process, 30s), 130) << line;
  }
}

TEST_F(EdgeCommand, OneSignalEndsAMapWhoseTerminalStandsStill) {
  // Nobody reads the terminal, and the task's output fills it: then nobody can write to it.
  const auto terminal = make_terminal();
  auto out = make_pipe();
  files().write("lines", "[]\n[]\n");
  const auto process =
      start("exec $f map p edge_command::chatter < lines", out.write.get(), terminal.write.get(), {"TERM=xterm"});
  const base::UniqueFd probe(
      ::open(name_of(terminal.read.get()).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  const auto full = [&] { return ::write(probe.get(), "\n", 1) < 0 && errno == EAGAIN; };
  EXPECT_TRUE(eventually(full, kLimit));
  ::kill(process.pid, SIGINT);
  EXPECT_EQ(wait_for(process, 30s), 130);
}

// ---- P9: scaffolding

TEST_F(EdgeCommand, ANewPluginCompilesWhateverItsName) {
  std::filesystem::create_directory(files() / "flame");
  // The contract header's place is taken by what it brings in and the macro that a contract uses.
  files().write("flame/contract.hpp",
                "#include <errno.h>\n#include <signal.h>\n#include <stdio.h>\n#include <strings.h>\n#include <time.h>\n"
                "#include <unistd.h>\nnamespace flame { class Context; }\n#define BOOST_DESCRIBE_STRUCT(...)\n");
  for (const std::string name :
       {"linux", "unix", "index", "time", "errno", "stdin", "signal", "read", "class", "main"}) {
    const auto made = run("$f new plugin " + name);
    if (made.code != 0) {
      EXPECT_THAT(made.err, HasSubstr("choose another one, for example \"my_" + name + "\"")) << made.err;
      continue;
    }
    const auto compiled = run("c++ -std=gnu++20 -fsyntax-only -I. -x c++ " + name + "/" + name + ".hpp");
    EXPECT_EQ(compiled.code, 0) << compiled.err;
  }
}

// ---- P12: texts and terminals

TEST_F(EdgeCommand, AStringThatIsNoUtf8IsRefusedWithItsPlaceAndTheRemedy) {
  const auto result = run("$f call p edge_command::latin");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("result.names[1]"));
  EXPECT_THAT(result.err, HasSubstr("flame::Bytes"));
}

TEST_F(EdgeCommand, ADumbTerminalGetsNoEscapeCodes) {
  for (const std::vector<std::string>& environment :
       std::vector<std::vector<std::string>>{{"TERM=dumb"}, {"TERM=xterm", "NO_COLOR=1"}, {}}) {
    auto terminal = make_terminal();
    auto out = make_pipe();
    files().write("lines", "[300]\n[200]\n[\"x\"]\n");
    const auto process =
        start("exec $f map p edge_command::wait < lines", out.write.get(), terminal.write.get(), environment);
    terminal.write.reset();
    const auto text = read_to_end(terminal.read.get());
    EXPECT_EQ(wait_for(process), 1);
    EXPECT_THAT(text, HasSubstr("3 done (1 of them failed), "));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  }
}

TEST_F(EdgeCommand, AMissingConfigurationIsToldInTwoSentences) {
  const auto result = run("$f call -c gone.toml p edge_command::text '[1]'");
  EXPECT_THAT(result.err, HasSubstr("No such file or directory. Name a configuration")) << result.err;
}

TEST_F(EdgeCommand, APluginDirectoryThatDoesNotExistIsSaidToBeMissing) {
  files().write("gone.toml", "[plugins]\npath = [\"build/plugins\"]\n[pools.p]\nplugins = [\"edge_command@1\"]\n");
  for (const std::string command : {"check gone.toml", "call -c gone.toml p edge_command::text '[1]'"}) {
    const auto result = run("$f " + command);
    EXPECT_EQ(result.code, 2);
    EXPECT_THAT(result.err, HasSubstr("there is no directory \"")) << result.err;
    EXPECT_THAT(result.err, HasSubstr("build/plugins\"")) << result.err;
    EXPECT_THAT(result.err, Not(HasSubstr("no plugin at all"))) << result.err;
  }
}

}  // namespace
}  // namespace flame::test
