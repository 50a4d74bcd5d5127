// TcpGuard on real connections: what is dropped, what is cut, and what is left alone.
#include "host/src/transport/tcp_guard.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/loopback.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using base::UniqueFd;

class TcpGuardTest : public testing::Test {
 protected:
  TcpGuardTest()
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(test::bind_loopback(listener_.get())) {
    ::listen(listener_.get(), 1000);
    guard_.listens(listener_.get());
  }
  /// Whether the kernel takes the connection within `patience`.
  static bool connects(const UniqueFd& fd, std::chrono::milliseconds patience) {
    pollfd ready{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    return ::poll(&ready, 1, static_cast<int>(patience.count())) == 1;
  }
  [[nodiscard]] UniqueFd dial() const {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_in address = test::loopback(port_);
    static_cast<void>(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    return fd;
  }
  UniqueFd accept() {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    guard_.accepted(fd.get());
    return fd;
  }
  /// Sends so much from one end to the other, which reads it all.
  static void pump(const UniqueFd& from, const UniqueFd& to, std::size_t size) {
    std::vector<char> buffer(1 << 20);
    while (size > 0) {
      const ssize_t sent = ::send(from.get(), buffer.data(), std::min(buffer.size(), size), MSG_NOSIGNAL);
      if (sent > 0) size -= static_cast<std::size_t>(sent);
      while (::recv(to.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
      }
    }
  }
  static bool is_cut(const UniqueFd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  TcpGuard guard_;
  UniqueFd listener_;
  std::uint16_t port_;
  Instant now_{1000s};
};

TEST_F(TcpGuardTest, ShutsThePortForStrangersAndOpensItWhenHalfOfThemAreGone) {
  std::vector<UniqueFd> dialled;
  std::vector<UniqueFd> accepted;
  for (std::size_t i = 0; i < limits::kStrangersMax; ++i) {
    dialled.push_back(dial());
    accepted.push_back(accept());
  }
  EXPECT_TRUE(guard_.is_shut());
  UniqueFd late = dial();
  EXPECT_FALSE(connects(late, 300ms));
  EXPECT_EQ(::send(dialled[0].get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(::recv(accepted[0].get(), &byte, 1, 0), 1) << "what is connected stays so";
  for (std::size_t i = 0; i < limits::kStrangersMax / 4; ++i) guard_.introduced(accepted[i].get());
  EXPECT_TRUE(guard_.is_shut());
  for (std::size_t i = limits::kStrangersMax / 4; i < limits::kStrangersMax / 2; ++i) guard_.closed(accepted[i].get());
  EXPECT_EQ(guard_.strangers(), limits::kStrangersMax / 2);
  EXPECT_FALSE(guard_.is_shut());
  EXPECT_TRUE(connects(late, 10s)) << "the kernel tries again by itself";
}

TEST_F(TcpGuardTest, CutsAConnectionWhoseMessageDoesNotEnd) {
  const UniqueFd hostile = dial();
  const UniqueFd its_end = accept();
  const UniqueFd honest = dial();
  const UniqueFd honest_end = accept();
  guard_.introduced(its_end.get());
  guard_.introduced(honest_end.get());
  EXPECT_EQ(guard_.check(now_), 0U);
  for (std::size_t sent = 0; sent <= limits::kUnfinishedMax; sent += 16 * limits::MiB) {
    pump(hostile, its_end, 16 * limits::MiB);
    pump(honest, honest_end, 16 * limits::MiB);
    guard_.spoke(honest_end.get());
    EXPECT_FALSE(is_cut(hostile)) << sent;
    now_ += limits::kUnfinishedCheck;
    if (sent + 16 * limits::MiB <= limits::kUnfinishedMax) {
      EXPECT_EQ(guard_.check(now_), 0U) << sent;
    }
  }
  EXPECT_EQ(guard_.check(now_ + limits::kUnfinishedCheck), 1U);
  EXPECT_TRUE(is_cut(hostile));
  EXPECT_FALSE(is_cut(honest));
}

TEST_F(TcpGuardTest, CutsAConnectionThatBringsMoreThanAHelloBeforeItsHello) {
  const UniqueFd hostile = dial();
  const UniqueFd its_end = accept();
  EXPECT_EQ(guard_.check(now_), 0U);
  pump(hostile, its_end, limits::kUnfinishedHelloMax);
  EXPECT_EQ(guard_.check(now_ += limits::kUnfinishedCheck), 0U);
  pump(hostile, its_end, limits::MiB);
  EXPECT_EQ(guard_.check(now_ += limits::kUnfinishedCheck), 1U);
  EXPECT_TRUE(is_cut(hostile));
}

TEST_F(TcpGuardTest, TouchesNothingThatHasTakenTheNumberOfAClosedConnection) {
  const UniqueFd dialled = dial();
  UniqueFd its_end = accept();
  const int number = its_end.get();
  its_end.reset();  // libzmq has closed it, and the news are on their way
  UniqueFd other = dial();
  ASSERT_EQ(other.get(), number);
  guard_.introduced(number);
  UniqueFd others_end(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(guard_.check(now_), 0U);
  pump(others_end, other, limits::kUnfinishedMax + limits::MiB);
  EXPECT_EQ(guard_.check(now_ + limits::kUnfinishedCheck), 0U);
  EXPECT_FALSE(is_cut(others_end));
}

TEST_F(TcpGuardTest, NeedsNoTimerWithoutConnections) {
  EXPECT_EQ(guard_.next_check(), kNever);
}

}  // namespace
}  // namespace flame::pool
