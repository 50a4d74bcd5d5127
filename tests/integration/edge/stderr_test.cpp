// A reader of standard error, or of a backend's log, that pauses: `| less`, a log collector under pressure, a stopped
// terminal. Calls keep their times, no runner is lost, and the log says afterwards how much of it is missing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/edge/stderr_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Reads a descriptor to its end, from when it is told to.
class Reader {
 public:
  explicit Reader(base::UniqueFd fd) : fd_(std::move(fd)) {}
  ~Reader() { finish(); }

  void start() {
    if (!std::exchange(started_, true)) thread_ = std::thread([this] { run(); });
  }
  /// Everything that was written. Whoever writes has closed it.
  std::string finish() {
    start();
    if (thread_.joinable()) thread_.join();
    return text_;
  }

 private:
  void run() {
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
      if (got > 0) {
        text_.append(buffer.data(), static_cast<std::size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        return;
      }
    }
  }

  base::UniqueFd fd_;
  std::string text_;
  bool started_ = false;
  std::thread thread_;
};

/// While it lives, standard error is a pipe.
class StderrPipe {
 public:
  StderrPipe() : before_(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const base::UniqueFd in(ends[1]);
    ::dup2(in.get(), STDERR_FILENO);
    reader_.emplace(base::UniqueFd(ends[0]));
  }
  ~StderrPipe() { restore(); }
  void start_reading() { reader_->start(); }
  std::string finish() {
    restore();
    return reader_->finish();
  }

 private:
  void restore() {
    if (before_) ::dup2(before_.get(), STDERR_FILENO);
    before_.reset();
  }
  base::UniqueFd before_;
  std::optional<Reader> reader_;
};

std::int64_t count(const std::string& text, const std::string& word) {
  std::int64_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

/// The numbers before " lines dropped".
std::int64_t dropped_lines(const std::string& text) {
  std::int64_t sum = 0;
  for (std::size_t at = text.find(" lines dropped"); at != std::string::npos;
       at = text.find(" lines dropped", at + 1)) {
    const std::size_t begin = text.find_last_not_of("0123456789", at - 1) + 1;
    sum += std::stoll(text.substr(begin, at - begin));
  }
  return sum;
}

class StalledLog : public EdgeTest {
 protected:
  /// Silence is noticed ten times as fast as usual.
  static HostConfig impatient(const std::function<void(PoolConfig&)>& change = {}) {
    HostConfig quick = config("stderr", change);
    quick.liveness = {.beat = 200ms, .host_silence = 1s, .runner_silence = 1500ms, .failsafe = 20s};
    return quick;
  }
  /// Brief calls for so long; how long the slowest took.
  static Clock::duration slowest_call(const Pool& pool, Clock::duration time) {
    Clock::duration slowest{};
    for (const auto end = Clock::now() + time; Clock::now() < end;) {
      const auto begin = Clock::now();
      const auto sum = pool.with({.timeout = 3s}).try_call<edge_stderr::add>(1, 2);
      EXPECT_TRUE(sum.has_value()) << sum.error().to_string();
      slowest = std::max(slowest, Clock::now() - begin);
      if (!sum) break;
    }
    return slowest;
  }
};

TEST_F(StalledLog, OnStandardErrorDelaysNoCallAndLosesNoRunner) {
  constexpr int kLines = 6000;
  constexpr int kShouts = 6;  // 3.6 MB
  StderrPipe log;
  {
    Host host(impatient([](PoolConfig& pool) { pool.max_concurrency = 3; }));
    const Pool pool = host.pool("p");
    EXPECT_EQ(pool.call<edge_stderr::add>(1, 1), 2);
    auto silent = pool.with({.timeout = 60s}).async<edge_stderr::nap>(5000);
    for (int i = 0; i < kShouts; ++i) {
      const auto shouted = pool.with({.timeout = 10s}).try_call<edge_stderr::shout>(kLines);
      EXPECT_TRUE(shouted.has_value()) << shouted.error().to_string();
    }
    EXPECT_LT(slowest_call(pool, 3s), 2s);
    const auto rested = silent.try_get();
    EXPECT_TRUE(rested.has_value()) << rested.error().to_string();
    EXPECT_EQ(pool.stats().runners_lost, 0U);
    log.start_reading();
  }
  const std::string text = log.finish();
  EXPECT_GT(dropped_lines(text), 0);
  EXPECT_GE(count(text, "shouted") + dropped_lines(text), std::int64_t{kShouts} * kLines) << "none is missing unseen";
}

TEST_F(StalledLog, ThatIsNeverReadDoesNotKeepAHostFromEnding) {
  StderrPipe log;
  const auto end = [&] {
    Host host(impatient());
    EXPECT_EQ(host.pool("p").call<edge_stderr::shout>(6000), 6000);
    return Clock::now();
  };
  std::optional<std::thread> rescue;  // else a host that waits for its reader would hang this test
  std::atomic<bool> over{false};
  rescue.emplace([&] {
    if (!eventually([&] { return over.load(); }, 20s)) log.start_reading();
  });
  const auto begin = end();
  EXPECT_LT(Clock::now() - begin, 8s);
  over = true;
  rescue->join();
  static_cast<void>(log.finish());
}

// The thread that starts and reaps runners writes it.
TEST_F(StalledLog, OfTheBackendKeepsNoRunnerFromStartingOrEnding) {
  TempDir files;
  const std::string fifo = files / "log";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  base::UniqueFd out(::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(out);
  const std::string filling(4096, '.');
  while (::write(out.get(), filling.data(), filling.size()) > 0) {
  }
  HostConfig settings = impatient();
  settings.pools["q"] = settings.pools["p"];
  settings.backends["local"].values["log"] = Option{OptionValue(fifo), {}};
  std::optional<Reader> reader;
  {
    Host host(settings);
    EXPECT_EQ(host.pool("p").call<edge_stderr::leave_child>(), 0);  // of which the runner's log tells
    EXPECT_EQ(host.pool("p").call<edge_stderr::add>(1, 2), 3);
    const auto sum = host.pool("q").with({.timeout = 20s}).try_call<edge_stderr::add>(1, 2);
    EXPECT_TRUE(sum.has_value()) << sum.error().to_string();
    EXPECT_EQ(host.pool("p").stats().runners_lost, 0U);
    reader.emplace(base::UniqueFd(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC)));
    out.reset();
    reader->start();
  }
  EXPECT_GT(count(reader->finish(), "flame-runner["), 0);
}

}  // namespace
}  // namespace flame::test
