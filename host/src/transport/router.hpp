// The ROUTER sockets that runners dial: frames in, frames out, who connected with which key, who disconnected.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/bytes.hpp>
#include <flame/result.hpp>

#include "host/src/policy/types.hpp"
#include "host/src/transport/listeners.hpp"
#include "host/src/transport/transport.hpp"

namespace flame::pool {

/// A fresh CURVE pair. Throws std::runtime_error if libzmq was built without CURVE.
[[nodiscard]] KeyPair make_key_pair();

struct RouterConfig {
  std::string control_ipc;  // "ipc:///…/control.ipc"; empty: no ipc
  std::string bulk_ipc;
  std::vector<std::string> tcp;  // "tcp://[::]:0": control binds there, bulk to a free port of the same address
};

/// Not thread-safe: the loop thread makes, uses and destroys it. No call blocks. Owns the zmq context, the ZAP handler
/// and one ROUTER per line and kind of endpoint. tcp is always CURVE; ipc has none: its directory is 0700.
class Router final : public Transport, public Listeners {
 public:
  /// Binds everything. Errors: boot_failed naming the endpoint.
  [[nodiscard]] static Result<std::unique_ptr<Router>> bind(const RouterConfig& config);
  ~Router();
  /// Something was thrown in the middle of libzmq's work, perhaps: the destructor does not wait for it to end then.
  void distrust() noexcept { distrusted_ = true; }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // --- Listeners
  [[nodiscard]] const Endpoints& ipc() const noexcept override;
  [[nodiscard]] const Endpoints& tcp() const noexcept override;
  [[nodiscard]] const std::string& public_key() const noexcept override;
  [[nodiscard]] KeyPair make_keys() override { return make_key_pair(); }
  [[nodiscard]] Result<void> renew_ipc() override;

  /// See ZapHandler.
  void allow(const std::string& public_key, const std::string& runner) override;
  void revoke(const std::string& public_key) override;

  /// File descriptors to poll for reading; all edge-triggered: receive() and disconnected() until nothing is left
  /// before polling.
  [[nodiscard]] const std::vector<int>& fds() const noexcept;
  /// poll() said that fds()[index] is readable. Sockets are looked at only after this or after a send: each look costs
  /// a system call.
  void readable(std::size_t index) noexcept;

  [[nodiscard]] std::optional<Incoming> receive(Line line) override;
  /// full: try again when a descriptor became readable.
  [[nodiscard]] Sent send(PeerId peer, std::span<const std::byte> envelope, const Bytes* payload) override;
  void watch(PeerId peer, int fd) override;
  void unwatch(PeerId peer) override;
  /// Cuts tcp connections that bring messages without an end (see TcpGuard). Call at next_check(), after receive().
  void check(Instant now);
  [[nodiscard]] Instant next_check() const noexcept;

  [[nodiscard]] bool is_shut() const noexcept override;
  /// Answers ZAP requests on the way.
  [[nodiscard]] std::vector<PeerId> disconnected() override;
  [[nodiscard]] unsigned take_refused() noexcept override;

 private:
  struct Impl;
  explicit Router(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  bool distrusted_ = false;
};

}  // namespace flame::pool
