// Asks the hosts of a test through their control sockets, as `flame` does.
#pragma once

#include <string>
#include <vector>

#include "host/src/control/answer.hpp"
#include "host/src/control/request.hpp"
#include "host/src/setup/runtime_dir.hpp"
#include "tests/integration/host/support.hpp"
#include "tests/support/ask_socket.hpp"

namespace flame::test {

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
