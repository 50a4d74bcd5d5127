// The sockets of a simulated host: what SessionTable uses in place of ZeroMQ.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/src/transport/transport.hpp"
#include "tests/sim/link.hpp"

namespace flame::sim {

class HostTransport final : public pool::Transport {
 public:
  explicit HostTransport(Context& sim) : sim_(sim) {}

  // --- what the network brings
  void arrived(Link& link, Line line, Packet&& packet);
  void disconnected(const Link& link);
  /// What goes to this runner is not taken until then.
  void park(RunnerId runner, Instant until) { parked_[runner] = until; }
  [[nodiscard]] bool waiting() const noexcept {
    return !incoming_[0].empty() || !incoming_[1].empty() || !gone_.empty();
  }

  // --- Transport
  void allow(const std::string&, const std::string&) override {}
  void revoke(const std::string&) override {}
  [[nodiscard]] std::optional<pool::Incoming> receive(wire::Line line) override;
  [[nodiscard]] Sent send(pool::PeerId peer, std::span<const std::byte> envelope, const Bytes* payload) override;
  void watch(pool::PeerId peer, int fd) override;
  void unwatch(pool::PeerId peer) override;
  [[nodiscard]] std::vector<pool::PeerId> disconnected() override;
  [[nodiscard]] unsigned take_refused() noexcept override { return 0; }
  [[nodiscard]] bool is_shut() const noexcept override { return false; }

 private:
  struct Peer {
    Link* link = nullptr;
    Line line = Line::control;
    bool watched = false;
    bool gone = false;
  };
  [[nodiscard]] pool::PeerId peer_of(Link& link, Line line);

  Context& sim_;
  std::map<std::uint64_t, Peer> peers_;
  std::map<std::pair<const Link*, Line>, pool::PeerId> by_link_;  // looked up only
  std::array<std::deque<pool::Incoming>, 2> incoming_;
  std::vector<pool::PeerId> gone_;
  std::map<RunnerId, Instant> parked_;
  std::uint64_t last_peer_ = 0;
};

}  // namespace flame::sim
