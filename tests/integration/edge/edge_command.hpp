// The command as people type it: a line of sh, its output and how it ended.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

// Far above what any of these commands needs on a busy machine, far below for ever.
inline constexpr auto kLimit = std::chrono::seconds(60);

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

}  // namespace flame::test
