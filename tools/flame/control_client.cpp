// A client that trusts the other side no more than that trusts it.
#include "tools/flame/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "host/src/control/answer.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {
namespace {

constexpr int kConnectRetryMs = 10;  // while a host's backlog is full

class Conversation {
 public:
  Conversation(std::string path, Duration limit) : path_(std::move(path)), deadline_(base::boot_time() + limit) {}

  control::Answer ask(const control::Request& request) {
    if (auto connected = connect(); !connected) return connected.error();
    if (auto sent = send(control::encode_request(request)); !sent) return sent.error();
    auto line = receive();
    if (!line) return std::move(line).error();
    return control::decode_answer(*line);
  }

 private:
  [[nodiscard]] int left_ms() const { return base::milliseconds_until(deadline_, base::boot_time()); }
  [[nodiscard]] bool wait_for(short events) const {
    pollfd entry{.fd = fd_.get(), .events = events, .revents = 0};
    return ::poll(&entry, 1, left_ms()) > 0;
  }
  [[nodiscard]] Error late() const {
    return Error{.code = ErrorCode::timed_out,
                 .message = "the host at " + path_ + " does not answer; it may be stopped or overloaded"};
  }
  [[nodiscard]] Error failed(int error) const {
    return Error{.code = ErrorCode::not_found, .message = "cannot ask " + path_ + ": " + std::strerror(error)};
  }

  Result<void> connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return failed(ENAMETOOLONG);
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    fd_ = base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) return failed(errno);
    while (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != EAGAIN) return failed(errno);
      if (left_ms() <= 0) return late();
      ::poll(nullptr, 0, kConnectRetryMs);
    }
    return {};
  }

  Result<void> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN && errno != EINTR) {
        return failed(errno);
      } else if (!wait_for(POLLOUT)) {
        return late();
      }
    }
    return {};
  }

  Result<std::string> receive() {
    std::string line;
    std::array<char, 65536> chunk;
    while (wait_for(POLLIN)) {
      const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got < 0) return failed(errno);
      if (got == 0) return line.empty() ? Result<std::string>(hung_up()) : Result<std::string>(std::move(line));
      line.append(chunk.data(), static_cast<std::size_t>(got));
      if (line.size() > limits::kControlAnswerMax) {
        return Error{.code = ErrorCode::too_large, .message = "the answer from " + path_ + " is too large"};
      }
    }
    return late();
  }

  [[nodiscard]] Error hung_up() const {
    return Error{
        .code = ErrorCode::not_found,
        .message = "the host at " + path_ + " hung up: it answers its own user and root, and not while it ends"};
  }

  std::string path_;
  base::Instant deadline_;
  base::UniqueFd fd_;
};

}  // namespace

control::Answer ask_host(const std::string& path, const control::Request& request, Duration limit) {
  return Conversation(path, limit).ask(request);
}

}  // namespace flame::cli
