// How frames reach runners and come from them: the seam below sessions. Router (ZeroMQ) is the one that hosts use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/bytes.hpp>

#include "plugin_sdk/wire/line.hpp"

namespace flame::pool {

using wire::Line;

/// One connection of a peer; never reused within a host.
struct PeerId {
  std::uint64_t value = 0;
  [[nodiscard]] Line line() const noexcept { return static_cast<Line>((value >> 32) & 1); }
  friend bool operator==(PeerId, PeerId) = default;
};

/// One message. Its bytes live as long as the Bytes do.
struct Incoming {
  PeerId peer;
  bool encrypted = false;  // `user` is who has the key
  std::string user;
  Bytes envelope;
  std::optional<Bytes> payload;
  int fd = -1;             // of the connection, for watch()
  bool malformed = false;  // not one envelope frame and at most one payload frame
};

/// Loop thread. No call blocks.
class Transport {
 public:
  /// One key is one runner's.
  virtual void allow(const std::string& public_key, const std::string& runner) = 0;
  virtual void revoke(const std::string& public_key) = 0;

  /// The next message of this line, or nullopt when there is none now.
  [[nodiscard]] virtual std::optional<Incoming> receive(Line line) = 0;

  enum class Sent : std::uint8_t { ok, full, gone };
  /// full: try again later; gone: the peer has disconnected. `payload` may be null.
  [[nodiscard]] virtual Sent send(PeerId peer, std::span<const std::byte> envelope, const Bytes* payload) = 0;

  /// Watches for the disconnection of the peer, whose message has just been received through descriptor `fd`.
  virtual void watch(PeerId peer, int fd) = 0;
  virtual void unwatch(PeerId peer) = 0;
  /// Watched peers that disconnected since the last call. What they said before that is still to be received.
  [[nodiscard]] virtual std::vector<PeerId> disconnected() = 0;

  /// Connections refused since the last call: wrong key, no encryption, broken or unfinished handshake, endless
  /// message.
  [[nodiscard]] virtual unsigned take_refused() noexcept = 0;
  /// Too many strangers: the port for other machines takes nobody until half of them are gone.
  [[nodiscard]] virtual bool is_shut() const noexcept = 0;

 protected:
  ~Transport() = default;
};

}  // namespace flame::pool
