// Somebody without a key on the TCP port: the user's program keeps its descriptors, its CPU and its end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/edge/strangers_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/loopback.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kConnections = 1500;
constexpr rlim_t kDescriptors = 1024;

void set_descriptor_limit(rlim_t soft) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min(soft, limit.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int dial(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = loopback(port);
  static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  return fd;
}

// Holds so many connections that say nothing; tells that it has dialled them all by a byte.
[[noreturn]] void be_silent(std::uint16_t port, int told) {
  set_descriptor_limit(8192);
  for (int i = 0; i < kConnections; ++i) static_cast<void>(dial(port));
  static_cast<void>(::write(told, "x", 1));
  for (;;) ::pause();
}

// Comes and goes, as fast as it can.
[[noreturn]] void flood(std::uint16_t port, int told) {
  static_cast<void>(::write(told, "x", 1));
  for (;;) {
    std::array<int, 64> fds{};
    for (int& fd : fds) fd = dial(port);
    ::poll(nullptr, 0, 1);
    for (const int fd : fds) ::close(fd);
  }
}

/// A process of its own, so that its descriptors are not the host program's. Made while this one has no threads.
class Attacker {
 public:
  Attacker(void (*deed)(std::uint16_t, int), std::uint16_t port) {
    std::array<int, 2> go{};
    std::array<int, 2> told{};
    EXPECT_EQ(::pipe2(go.data(), O_CLOEXEC) + ::pipe2(told.data(), O_CLOEXEC), 0);
    go_.reset(go[1]);
    told_.reset(told[0]);
    const base::UniqueFd hears(go[0]);
    const base::UniqueFd tells(told[1]);
    pid_ = ::fork();
    if (pid_ != 0) return;
    char byte = 0;
    go_.reset();
    if (::read(hears.get(), &byte, 1) != 1) ::_exit(0);
    deed(port, tells.get());
  }
  ~Attacker() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void start() const {
    char byte = 0;
    EXPECT_EQ(::write(go_.get(), "x", 1), 1);
    EXPECT_EQ(::read(told_.get(), &byte, 1), 1);
  }

 private:
  pid_t pid_ = -1;
  base::UniqueFd go_;
  base::UniqueFd told_;
};

std::uint16_t free_port() {
  const base::UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return bind_loopback(probe.get());
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Strangers : public EdgeTest {
 protected:
  void SetUp() override {
    EdgeTest::SetUp();
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void TearDown() override {
    ::setrlimit(RLIMIT_NOFILE, &before_);
    EdgeTest::TearDown();
  }
  static HostConfig on(std::uint16_t port) {
    HostConfig tcp = config("strangers", [](PoolConfig& pool) { pool.timeout = 20s; });
    tcp.listen = {"tcp://127.0.0.1:" + std::to_string(port)};
    return tcp;
  }
  static bool can_open(int files) {
    std::vector<base::UniqueFd> open;
    for (int i = 0; i < files; ++i) {
      open.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!open.back()) return false;
    }
    return true;
  }

 private:
  rlimit before_{};
};

TEST_F(Strangers, ThatSayNothingTakeNeitherDescriptorsNorCpuNorCalls) {
  const std::uint16_t port = free_port();
  const Attacker attacker(be_silent, port);
  set_descriptor_limit(kDescriptors);
  Host host(on(port));
  const Pool pool = host.pool("p");
  ASSERT_EQ(pool.call<edge_strangers::add>(1, 2), 3);
  attacker.start();
  const double before = cpu_seconds();
  const auto end = Clock::now() + 6s;
  bool opens = true;
  int calls = 0;
  while (Clock::now() < end && opens) {
    opens = can_open(300);
    const auto sum = pool.try_call<edge_strangers::add>(calls, 1);
    ASSERT_TRUE(sum.has_value()) << sum.error().to_string();
    ++calls;
    static_cast<void>(eventually([] { return false; }, 100ms));
  }
  EXPECT_TRUE(opens) << "the program's own files";
  EXPECT_GT(calls, 5);
  EXPECT_LT(cpu_seconds() - before, 2.0) << "of six seconds";
}

TEST_F(Strangers, ThatComeAndGoDoNotKeepAHostFromEnding) {
  const std::uint16_t port = free_port();
  const Attacker attacker(flood, port);
  Clock::time_point begin;
  {
    Host host(on(port));
    ASSERT_EQ(host.pool("p").call<edge_strangers::add>(1, 2), 3);
    attacker.start();
    const auto end = Clock::now() + 2s;
    while (Clock::now() < end) {
      const auto sum = host.pool("p").try_call<edge_strangers::add>(1, 2);
      ASSERT_TRUE(sum.has_value()) << sum.error().to_string();
    }
    begin = Clock::now();
  }
  EXPECT_LT(Clock::now() - begin, 8s);
}

}  // namespace
}  // namespace flame::test
