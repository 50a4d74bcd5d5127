// What people do with the command's streams, signals and JSON: pipes that are full, closed, non-blocking; numbers at
// the edges of their types; objects of many members.
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
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr int kPipeSize = 65'536;
// Far above what any of these commands needs on a busy machine, far below for ever.
constexpr auto kLimit = 60s;

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

struct Outcome {
  int code = -1;  ///< as a shell tells it: 128 + signal when killed
  std::string out;
  std::string err;
};

class EdgeCommand : public LeftoversTest {
 protected:
  void SetUp() override {
    LeftoversTest::SetUp();
    files_ = std::make_unique<TempDir>();
    files_->write("flame.toml", "[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                                "\"]\n[pools.p]\nplugins = [\"edge_command@1\"]\nmax = 1\nmax_concurrency = 2\n");
  }
  void TearDown() override {
    files_.reset();
    LeftoversTest::TearDown();
  }

  /// A line of sh in which $f is `flame`, $c "call … p edge_command::" and $m the same of map; in the directory of
  /// files(). Standard output and error are `out` and `err`, or files there.
  base::Spawned start(const std::string& line, int out, int err, const std::vector<std::string>& environment = {}) {
    std::vector<std::string> env = environment;
    for (const char* name : {"PATH", "TMPDIR", "XDG_RUNTIME_DIR"}) {
      if (const char* value = std::getenv(name)) env.push_back(std::string(name) + "=" + value);
    }
    const std::string prelude = "cd '" + files_->path() + "'; f='" FLAME_TEST_COMMAND "'; ";
    auto spawned =
        base::spawn({.path = "/bin/sh", .argv = {"sh", "-c", prelude + line}, .env = env, .fds = {{out, 1}, {err, 2}}});
    if (!spawned) throw std::runtime_error("cannot start sh");
    return std::move(*spawned);
  }

  static int wait_for(const base::Spawned& process, std::chrono::milliseconds limit = kLimit) {
    pollfd ended{.fd = process.pidfd.get(), .events = POLLIN, .revents = 0};
    const bool in_time = ::poll(&ended, 1, static_cast<int>(limit.count())) == 1;
    if (!in_time) ::kill(process.pid, SIGKILL);
    int status = 0;
    ::waitpid(process.pid, &status, 0);
    EXPECT_TRUE(in_time) << "it was still running after " << limit.count() << " ms";
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  Outcome run(const std::string& line, const std::vector<std::string>& environment = {}) {
    const base::UniqueFd out(::open((*files_ / "out").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const base::UniqueFd err(::open((*files_ / "err").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const auto process = start(line, out.get(), err.get(), environment);
    Outcome outcome{.code = wait_for(process)};
    outcome.out = base::read_file(*files_ / "out", 1 << 26).value();
    outcome.err = base::read_file(*files_ / "err", 1 << 26).value();
    return outcome;
  }

  Outcome call(const std::string& task, const std::string& arguments) {
    files_->write("arguments", arguments);
    return run("$f call p edge_command::" + task + " - < arguments");
  }

  [[nodiscard]] const TempDir& files() const { return *files_; }

 private:
  std::unique_ptr<TempDir> files_;
};

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

// ---- P5: JSON costs what it must

#ifdef __SANITIZE_ADDRESS__
constexpr int kMany = 20'000;
#else
constexpr int kMany = 200'000;  // a minute and more, if each looks at all others
#endif

std::string object_of(int members) {
  std::string text = "{";
  for (int i = 0; i < members; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + "}";
}

TEST_F(EdgeCommand, AnObjectOfManyMembersCostsWhatItMust) {
  const auto result = call("members", object_of(kMany));
  EXPECT_EQ(result.out, std::to_string(kMany) + "\n") << result.err.substr(0, 500);
}

TEST_F(EdgeCommand, AResultOfManyMembersCostsWhatItMust) {
  const auto result = call("many", "[" + std::to_string(kMany) + "]");
  ASSERT_EQ(result.code, 0) << result.err.substr(0, 500);
  EXPECT_EQ(json::parse(result.out).size(), std::size_t{kMany});
}

TEST_F(EdgeCommand, AListOfManyObjectsCostsWhatItMust) {
  std::string text = "[[";
  for (int i = 0; i < kMany; ++i) text += (i > 0 ? ",{\"number\":" : "{\"number\":") + std::to_string(i) + "}";
  EXPECT_EQ(call("items", text + "]]").out, std::to_string(kMany) + "\n");
}

TEST_F(EdgeCommand, AKeyThatIsThereTwiceIsRefusedWithItsPlace) {
  const auto result = call("members", "{\"a\": 1,\n \"b\": 2,\n \"a\": 3}");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("\"a\""));
  EXPECT_THAT(result.err, HasSubstr("line 3"));
  EXPECT_THAT(call("items", R"([[{"number": 1}, {"number": 1, "number": 2}]])").err, HasSubstr("[0][1].number"));
}

// ---- P6: numbers bit for bit, or refused

TEST_F(EdgeCommand, EdgeValuesComeBackAsTheyWere) {
  for (const std::string value :
       {R"({"i8":-128,"u8":255,"i16":-32768,"u16":65535,"i32":-2147483648,"u32":4294967295,)"
        R"("i64":-9223372036854775808,"u64":18446744073709551615,"f":3.4028235e+38,"d":1.7976931348623157e+308})",
        R"({"i8":127,"u8":0,"i16":32767,"u16":0,"i32":2147483647,"u32":0,)"
        R"("i64":9223372036854775807,"u64":0,"f":1e-45,"d":5e-324})",
        R"({"i8":0,"u8":0,"i16":0,"u16":0,"i32":0,"u32":0,"i64":0,"u64":0,"f":-0.0,"d":-0.0})"}) {
    const auto result = call("echo", value);
    EXPECT_EQ(result.out, value + "\n") << result.err;
  }
}

TEST_F(EdgeCommand, TheTaskGetsTheBitsThatWereWritten) {
  EXPECT_EQ(call("bits", R"({"f": -0.0, "d": -0.0})").out, "[\"80000000\",\"8000000000000000\"]\n");
  EXPECT_EQ(call("bits", R"({"f": -0, "d": -0})").out, "[\"80000000\",\"8000000000000000\"]\n");
  EXPECT_EQ(call("bits", R"({"f": 0.1, "d": 0.1})").out, "[\"3dcccccd\",\"3fb999999999999a\"]\n");
}

TEST_F(EdgeCommand, WholeNumbersAreExactHoweverTheyAreWritten) {
  EXPECT_THAT(call("echo", R"({"i64": 9007199254740993.0})").out, HasSubstr("\"i64\":9007199254740993,"));
  EXPECT_THAT(call("echo", R"({"u64": 1.8446744073709551615e19})").out, HasSubstr("\"u64\":18446744073709551615,"));
}

TEST_F(EdgeCommand, NumbersThatATypeCannotHoldAreRefused) {
  for (const std::string value :
       {R"({"f": 1e39})", R"({"f": -3.5e38})", R"({"f": 1e-60})", R"({"d": 1e400})", R"({"u64": 18446744073709551616})",
        R"({"i64": 9223372036854775808})", R"({"i64": -9223372036854775809})", R"({"u8": -1})", R"({"i8": 128})",
        R"({"i32": 1.5})", R"({"i64": 4503599627370497.2})", R"({"i64": 1e400})", R"({"i32": 01})",
        R"({"u32": 1e10})"}) {
    const auto result = call("echo", value);
    EXPECT_EQ(result.code, 2) << value << " -> " << result.out;
  }
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
