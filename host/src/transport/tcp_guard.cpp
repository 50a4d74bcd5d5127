// Socket filters, cookies and byte counts of Linux.
#include "host/src/transport/tcp_guard.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <utility>

#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {
namespace {

// 0: unknown.
std::uint64_t cookie_of(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// That have arrived, read by libzmq or not.
std::optional<std::uint64_t> bytes_of(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_received;
}

// A descriptor of our own cannot become another socket between the look and the cut.
bool cut(int fd, std::uint64_t cookie) {
  const base::UniqueFd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return own && cookie != 0 && cookie_of(own.get()) == cookie && ::shutdown(own.get(), SHUT_RDWR) == 0;
}

}  // namespace

void TcpGuard::accepted(int fd) {
  closed(fd);  // an old one of this number, if its end was not told
  connections_[fd] = {.cookie = cookie_of(fd)};
  count_stranger(1);
}

void TcpGuard::closed(int fd) {
  introduced(fd);
  connections_.erase(fd);
}

void TcpGuard::introduced(int fd) {
  const auto found = connections_.find(fd);
  if (found != connections_.end() && std::exchange(found->second.stranger, false)) count_stranger(-1);
}

void TcpGuard::spoke(int fd) {
  if (const auto found = connections_.find(fd); found != connections_.end()) found->second.spoke = true;
}

unsigned TcpGuard::check(Instant now) {
  if (now < next_check_) return 0;
  next_check_ = base::deadline_after(now, limits::kUnfinishedCheck);
  unsigned cuts = 0;
  for (auto& [fd, connection] : connections_) {
    const auto bytes = bytes_of(fd);
    if (!bytes) continue;
    if (std::exchange(connection.spoke, false)) {
      connection.counted = *bytes;
      continue;
    }
    const std::size_t most = connection.stranger ? limits::kUnfinishedHelloMax : limits::kUnfinishedMax;
    if (*bytes > connection.counted + most && cut(fd, connection.cookie)) {
      ++cuts;
      connection.counted = *bytes;  // once: its end is on its way
    }
  }
  return cuts;
}

void TcpGuard::count_stranger(int change) {
  strangers_ += static_cast<std::size_t>(change);
  if (!shut_ && strangers_ >= limits::kStrangersMax) {
    shut(true);
  } else if (shut_ && strangers_ <= limits::kStrangersMax / 2) {
    shut(false);
  }
}

void TcpGuard::shut(bool on) {
  shut_ = on;
  sock_filter drop_all{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{1, &drop_all};
  const int unused = 0;
  for (const int listener : listeners_) {
    if (on) {
      ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    } else {
      ::setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    }
  }
}

}  // namespace flame::pool
