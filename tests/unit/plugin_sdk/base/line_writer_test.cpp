// LineWriter: a reader that pauses stops nobody, and hears how much it has missed.
#include "plugin_sdk/base/line_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::base {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

std::string notice(std::uint64_t lines) {
  return std::to_string(lines) + " dropped\n";
}

/// Reads until `end` stands at the end of it.
std::vector<std::string> lines_until(int fd, const std::string& end) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (!text.ends_with(end)) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin);
    lines.push_back(text.substr(begin, newline - begin));
    begin = newline == std::string::npos ? text.size() : newline + 1;
  }
  return lines;
}

TEST(LineWriter, WritesLinesInTheirOrder) {
  const Pipe pipe;
  LineWriter writer(pipe.in.get(), notice);
  for (const char* line : {"one\n", "two\n", "three\n"}) writer.write(line);
  EXPECT_TRUE(writer.flush(10s));
  EXPECT_THAT(lines_until(pipe.out.get(), "three\n"), ElementsAre("one", "two", "three"));
}

TEST(LineWriter, NeitherWaitsNorGrowsWhileNobodyReadsAndSaysThenHowManyLinesAreMissing) {
  const Pipe pipe;
  LineWriter writer(pipe.in.get(), notice);
  constexpr int kLines = 40'000;  // 4 MB
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kLines; ++i) writer.write(std::to_string(100'000 + i) + std::string(93, '.') + "\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_FALSE(writer.flush(10ms)) << "else nobody was missing";
  const auto lines = lines_until(pipe.out.get(), " dropped\n");
  const std::size_t kept = lines.size() - 1;
  EXPECT_EQ(lines.back(), std::to_string(kLines - kept) + " dropped");
  EXPECT_LE(kept * 100, 2 * limits::kLogQueueBytes + (1 << 17));
  for (std::size_t i = 0; i < kept; ++i) ASSERT_EQ(lines[i].substr(0, 6), std::to_string(100'000 + i));
  writer.write("after\n");
  EXPECT_THAT(lines_until(pipe.out.get(), "after\n"), ElementsAre("after"));
}

TEST(LineWriter, ItsEndWaitsForAReaderThatPausesOnlyForSoLong) {
  const Pipe pipe;
  const auto begin = std::chrono::steady_clock::now();
  {
    LineWriter writer(UniqueFd(::fcntl(pipe.in.get(), F_DUPFD_CLOEXEC, 0)), notice);
    for (int i = 0; i < 2000; ++i) writer.write(std::string(99, '.') + "\n");
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, limits::kLogFlushMax);
  EXPECT_LT(took, 10s);
}

// As a disk does that hangs: no signal ends the thread's next write, also not that of pthread_cancel().
std::string notice_before_an_endless_write(std::uint64_t) {
  const std::uint64_t all = ~std::uint64_t{0};
  ::syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, nullptr, sizeof all);
  return "#" + std::string(1 << 20, '.') + "\n";
}

TEST(LineWriter, ItsEndWaitsOnlyForSoLongForAWriteThatNoSignalEnds) {
  const Pipe pipe;
  std::optional<LineWriter> writer(std::in_place, UniqueFd(::fcntl(pipe.in.get(), F_DUPFD_CLOEXEC, 0)),
                                   notice_before_an_endless_write);
  for (int i = 0; i < 40'000; ++i) writer->write(std::string(99, '.') + "\n");
  char byte = 0;
  while (byte != '#') ASSERT_EQ(::read(pipe.out.get(), &byte, 1), 1);
  const auto begin = std::chrono::steady_clock::now();
  writer.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(LineWriter, DoesNothingInAForkedChild) {
  const Pipe pipe;
  auto writer = std::make_unique<LineWriter>(pipe.in.get(), notice);
  writer->write("parent\n");
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    writer->write("child\n");
    writer->flush(60s);
    writer.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "it waited for a thread that is the parent's";
  writer->write("after\n");
  EXPECT_THAT(lines_until(pipe.out.get(), "after\n"), ElementsAre("parent", "after"));
}

TEST(LineWriter, TakesADescriptorThatThrowsEverythingBackForAnEnd) {
  Pipe pipe;
  pipe.out.reset();
  LineWriter writer(pipe.in.get(), notice);
  writer.write("nobody hears this\n");
  EXPECT_TRUE(writer.flush(10s)) << "and SIGPIPE has ended nobody";
}

TEST(SignalMask, KeepsWhatMayComeFromOutsideAwayAndFaultsOpen) {
  sigset_t inside{};
  {
    const SignalMaskScope blocked(all_but_faults());
    pthread_sigmask(SIG_SETMASK, nullptr, &inside);
  }
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGUSR1, SIGALRM})
    EXPECT_TRUE(sigismember(&inside, signal));
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    EXPECT_FALSE(sigismember(&inside, signal)) << signal;
  sigset_t after{};
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_FALSE(sigismember(&after, SIGTERM));
}

}  // namespace
}  // namespace flame::base
