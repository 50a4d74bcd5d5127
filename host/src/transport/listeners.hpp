// Where the runners of a host dial, and with which keys.
#pragma once

#include <string>
#include <vector>

#include <flame/result.hpp>

namespace flame::pool {

struct KeyPair {
  std::string public_key;  // Z85
  std::string secret_key;
};

/// Where a host listens, or what one runner is told to dial; the same positions belong together.
struct Endpoints {
  std::vector<std::string> control;
  std::vector<std::string> bulk;
};

/// Loop thread. No call blocks.
class Listeners {
 public:
  [[nodiscard]] virtual const Endpoints& ipc() const noexcept = 0;
  /// As they are bound: "tcp://[::]:4711".
  [[nodiscard]] virtual const Endpoints& tcp() const noexcept = 0;
  /// Of this host, Z85.
  [[nodiscard]] virtual const std::string& public_key() const noexcept = 0;
  /// A fresh pair for a runner. Throws std::runtime_error if libzmq was built without CURVE.
  [[nodiscard]] virtual KeyPair make_keys() = 0;
  /// Makes ipc sockets again that somebody has removed: a stat(2) each otherwise. Connections that exist are not
  /// affected. Error: boot_failed naming the endpoint.
  [[nodiscard]] virtual Result<void> renew_ipc() = 0;

 protected:
  ~Listeners() = default;
};

}  // namespace flame::pool
