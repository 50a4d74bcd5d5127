// See host_transport.hpp.
#include "tests/sim/host_transport.hpp"

#include <utility>

namespace flame::sim {

pool::PeerId HostTransport::peer_of(Link& link, Line line) {
  const auto [found, added] = by_link_.try_emplace({&link, line});
  if (added) {
    found->second.value = ++last_peer_ | (line == Line::bulk ? std::uint64_t{1} << 32 : 0);
    peers_[found->second.value] = {&link, line};
  }
  return found->second;
}

void HostTransport::arrived(Link& link, Line line, Packet&& packet) {
  pool::Incoming message;
  message.peer = peer_of(link, line);
  message.encrypted = !sim_.plan.local;
  if (message.encrypted) message.user = runner_name(link.runner());
  message.envelope = Bytes(std::move(packet.envelope));
  message.payload = std::move(packet.payload);
  incoming_[static_cast<std::size_t>(line)].push_back(std::move(message));
}

// Of peers that nobody watches nobody wants to know.
void HostTransport::disconnected(const Link& link) {
  for (auto& [id, peer] : peers_) {
    if (peer.link != &link) continue;
    peer.gone = true;
    if (std::exchange(peer.watched, false)) gone_.push_back({id});
  }
}

std::optional<pool::Incoming> HostTransport::receive(wire::Line line) {
  auto& queue = incoming_[static_cast<std::size_t>(line)];
  if (queue.empty()) return std::nullopt;
  pool::Incoming next = std::move(queue.front());
  queue.pop_front();
  return next;
}

pool::Transport::Sent HostTransport::send(pool::PeerId to, std::span<const std::byte> envelope, const Bytes* payload) {
  const Peer& peer = peers_.at(to.value);
  if (peer.gone) return Sent::gone;
  if (const auto parked = parked_.find(peer.link->runner());
      parked != parked_.end() && sim_.agenda.now() < parked->second)
    return Sent::full;
  Packet packet{{envelope.begin(), envelope.end()}, {}};
  if (payload != nullptr) packet.payload = Bytes(payload->data(), payload->size());
  peer.link->send(Side::host, peer.line, std::move(packet));
  return Sent::ok;
}

void HostTransport::watch(pool::PeerId peer, int) {
  peers_.at(peer.value).watched = true;
}

void HostTransport::unwatch(pool::PeerId peer) {
  peers_.at(peer.value).watched = false;
}

std::vector<pool::PeerId> HostTransport::disconnected() {
  return std::exchange(gone_, {});
}

}  // namespace flame::sim
