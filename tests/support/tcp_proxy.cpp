// Poll, read, write; when cut, look away.
#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "tests/support/loopback.hpp"

namespace flame::test {
namespace {

constexpr std::size_t kBufferMax = 1 << 20;

base::UniqueFd make_socket() {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

// False when the other side has closed or failed.
bool read_into(int fd, std::string& buffer) {
  std::array<char, 65536> bytes{};
  while (buffer.size() < kBufferMax) {
    const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    buffer.append(bytes.data(), static_cast<std::size_t>(n));
  }
  return true;
}

bool write_from(int fd, std::string& buffer) {
  while (!buffer.empty()) {
    const ssize_t n = ::send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    buffer.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy() : thread_([this] { run(); }) {}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  wake_.signal();
  thread_.join();
}

std::string TcpProxy::forward(const std::string& target) {
  Listener listener;
  listener.target = static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)));
  listener.fd = make_socket();
  const std::uint16_t port = bind_loopback(listener.fd.get());
  if (::listen(listener.fd.get(), 64) != 0) {
    throw std::system_error(errno, std::generic_category(), "a proxy's listener");
  }
  {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }
  wake_.signal();
  return "tcp://127.0.0.1:" + std::to_string(port);
}

void TcpProxy::cut(bool up, bool down) {
  cut_up_ = up;
  cut_down_ = down;
  wake_.signal();
}

void TcpProxy::reset_all() {
  reset_ = true;
  wake_.signal();
}

void TcpProxy::accept(const Listener& listener) {
  auto pipe = std::make_unique<Pipe>();
  pipe->client.reset(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!pipe->client) return;
  pipe->server = make_socket();
  const sockaddr_in target = loopback(listener.target);
  const int rc = ::connect(pipe->server.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target);
  if (rc == 0 || errno == EINPROGRESS) pipes_.push_back(std::move(pipe));
}

void TcpProxy::run() {
  while (!stopping_) {
    std::vector<pollfd> fds = step();
    ::poll(fds.data(), fds.size(), -1);
    wake_.clear();
  }
}

// Moves what can be moved; what to wait for. A descriptor of a cut direction is not even looked at.
std::vector<pollfd> TcpProxy::step() {
  const bool up = !cut_up_;
  const bool down = !cut_down_;
  const std::lock_guard lock(mutex_);
  if (reset_.exchange(false)) drop_pipes();
  std::vector<pollfd> fds{{wake_.fd(), POLLIN, 0}};
  for (const Listener& listener : listeners_) {
    if (up && down) accept(listener);
    fds.push_back({up && down ? listener.fd.get() : -1, POLLIN, 0});
  }
  std::erase_if(pipes_, [=](const auto& pipe) { return !pump(*pipe, up, down); });
  for (const auto& pipe : pipes_) {
    short client = pipe->to_server.size() < kBufferMax ? POLLIN : 0;
    short server = pipe->to_client.size() < kBufferMax ? POLLIN : 0;
    if (down && !pipe->to_client.empty()) client |= POLLOUT;
    if (up && !pipe->to_server.empty()) server |= POLLOUT;
    fds.push_back({up ? pipe->client.get() : -1, client, 0});
    fds.push_back({down ? pipe->server.get() : -1, server, 0});
  }
  return fds;
}

// False when one side has closed; what it said before is passed on.
bool TcpProxy::pump(Pipe& pipe, bool up, bool down) {
  bool alive = true;
  if (up) alive = read_into(pipe.client.get(), pipe.to_server);
  if (up) alive = write_from(pipe.server.get(), pipe.to_server) && alive;
  if (down) alive = read_into(pipe.server.get(), pipe.to_client) && alive;
  if (down) alive = write_from(pipe.client.get(), pipe.to_client) && alive;
  return alive;
}

void TcpProxy::drop_pipes() {
  const linger hard{1, 0};  // close() sends a reset
  for (const auto& pipe : pipes_) {
    for (const int fd : {pipe->client.get(), pipe->server.get()}) {
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
  }
  pipes_.clear();
}

}  // namespace flame::test
