// Asks the hosts of a test through their control sockets, as `flame` does.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "host/src/control/answer.hpp"
#include "host/src/control/request.hpp"
#include "host/src/setup/runtime_dir.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/host/support.hpp"

namespace flame::test {

/// "" when nobody listens or answers.
[[nodiscard]] inline std::string ask_socket(const std::string& path, const std::string& line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  static_cast<void>(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL));
  std::string text;
  std::array<char, 65536> chunk;
  for (ssize_t got = 1; got > 0; text.append(chunk.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)))) {
    got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
  }
  return text;
}

/// Of the hosts whose files are in `directory`.
[[nodiscard]] inline std::vector<std::string> control_sockets(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& host : pool::live_hosts_in(directory, false)) paths.push_back(host.control_socket);
  return paths;
}
/// Asks the one host there is.
[[nodiscard]] inline control::Answer ask_host(const std::string& directory, const control::Request& request) {
  const auto paths = control_sockets(directory);
  EXPECT_EQ(paths.size(), 1U);
  return control::decode_answer(ask_socket(paths.at(0), control::encode_request(request)));
}
/// Of its one pool.
[[nodiscard]] inline control::PoolStatus pool_status(const std::string& directory) {
  return std::get<control::HostStatus>(ask_host(directory, control::StatusRequest{}).value()).pools.at(0);
}

class ControlTest : public HostTest {
 protected:
  [[nodiscard]] std::vector<std::string> sockets() const { return control_sockets(directory()); }
  [[nodiscard]] control::Answer ask(const control::Request& request) const { return ask_host(directory(), request); }
  [[nodiscard]] control::PoolStatus status() const { return pool_status(directory()); }
  [[nodiscard]] control::CallReport why(std::uint64_t invocation) const {
    return std::get<control::CallReport>(ask(control::WhyRequest{.invocation = invocation}).value());
  }
};

}  // namespace flame::test
