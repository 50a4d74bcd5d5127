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

namespace flame::pool {

enum class Channel : std::uint8_t { control = 0, bulk };

/// One connection of a peer; never reused within a host.
struct PeerId {
  std::uint64_t value = 0;
  [[nodiscard]] Channel channel() const noexcept { return static_cast<Channel>((value >> 32) & 1); }
  friend bool operator==(PeerId, PeerId) = default;
};

struct KeyPair {
  std::string public_key;  // Z85
  std::string secret_key;
};
/// A fresh CURVE pair. Throws std::runtime_error if libzmq was built without CURVE.
[[nodiscard]] KeyPair make_key_pair();

/// One message. Its bytes live as long as the Bytes do.
struct Incoming {
  PeerId peer;
  bool encrypted = false;  // came over CURVE: `user` is the ZAP User-Id
  std::string user;
  Bytes envelope;
  std::optional<Bytes> payload;
  int fd = -1;             // of the connection, for watch()
  bool malformed = false;  // not one envelope frame and at most one payload frame
};

struct RouterConfig {
  std::string control_ipc;  // "ipc:///…/control.ipc"; empty: no ipc
  std::string bulk_ipc;
  std::vector<std::string> tcp;    // "tcp://[::]:0": control binds there, bulk to a free port of the same address
  std::string advertise = "auto";  // host part of what runners dial
};

/// What a runner is told to dial; the same positions belong together.
struct Endpoints {
  std::vector<std::string> control;
  std::vector<std::string> bulk;
};

/// Not thread-safe: the loop thread makes, uses and destroys it. No call blocks. Owns the zmq context, the ZAP handler
/// and one ROUTER per channel and kind of endpoint. tcp is always CURVE; ipc has none: its directory is 0700.
class Router {
 public:
  /// Binds everything. Errors: boot_failed naming the endpoint.
  [[nodiscard]] static Result<std::unique_ptr<Router>> bind(const RouterConfig& config);
  ~Router();
  /// Something was thrown in the middle of libzmq's work, perhaps: the destructor does not wait for it to end then.
  void distrust() noexcept { distrusted_ = true; }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  [[nodiscard]] const Endpoints& ipc() const noexcept;
  [[nodiscard]] const Endpoints& tcp() const noexcept;
  [[nodiscard]] const std::string& public_key() const noexcept;  // of this host, Z85

  /// Makes ipc sockets again that somebody has removed: a stat(2) each otherwise. Connections that exist are not
  /// affected. Error: bind()'s.
  [[nodiscard]] Result<void> renew_ipc();

  /// One key is one runner's; see ZapHandler.
  void allow(const std::string& public_key, const std::string& runner);
  void revoke(const std::string& public_key);

  /// File descriptors to poll for reading; all edge-triggered: receive() and disconnected() until nothing is left
  /// before polling.
  [[nodiscard]] const std::vector<int>& fds() const noexcept;
  /// poll() said that fds()[index] is readable. Sockets are looked at only after this or after a send: each look costs
  /// a system call.
  void readable(std::size_t index) noexcept;

  /// The next message of this channel, or nullopt when there is none now.
  [[nodiscard]] std::optional<Incoming> receive(Channel channel);

  enum class Sent : std::uint8_t { ok, full, gone };
  /// full: try again when a descriptor became readable; gone: the peer has disconnected.
  [[nodiscard]] Sent send(PeerId peer, std::span<const std::byte> envelope, const Bytes* payload);

  /// Watches for the disconnection of the peer, whose message has just been received through descriptor `fd`.
  void watch(PeerId peer, int fd);
  void unwatch(PeerId peer);
  /// Cuts tcp connections that bring messages without an end (see TcpGuard). Call at next_check(), after receive().
  void check(Instant now);
  [[nodiscard]] Instant next_check() const noexcept;

  /// Too many strangers: a tcp port takes nobody until half of them are gone.
  [[nodiscard]] bool is_shut() const noexcept;

  /// Watched peers that disconnected since the last call. Answers ZAP requests on the way.
  [[nodiscard]] std::vector<PeerId> disconnected();

  /// Connections refused since the last call: wrong key, no CURVE, broken or unfinished handshake, endless message.
  [[nodiscard]] unsigned take_refused() noexcept;

 private:
  struct Impl;
  explicit Router(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  bool distrusted_ = false;
};

}  // namespace flame::pool
