// Runners in memory: what tests say for them is received, what is sent to them is kept, and any connection may be full
// or gone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/src/transport/transport.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/envelope.hpp"

namespace flame::test {

class FakeTransport final : public pool::Transport {
 public:
  using Peer = pool::PeerId;
  using Bytes = std::vector<std::byte>;
  struct Heard {
    wire::Envelope envelope;
    Bytes payload;
  };

  /// Connection number `number` of a line.
  static Peer peer(wire::Line line, std::uint32_t number = 1) {
    return {(static_cast<std::uint64_t>(line) << 32) | number};
  }

  // --- what runners do
  void say(Peer from, std::uint64_t session, const wire::Body& body, std::span<const std::byte> payload = {}) {
    say_raw(from, wire::encode(session, body), payload);
  }
  void say_raw(Peer from, Bytes envelope, std::span<const std::byte> payload = {}) {
    pool::Incoming message{.peer = from, .envelope = flame::Bytes(std::move(envelope))};
    if (!payload.empty()) message.payload = flame::Bytes(Bytes(payload.begin(), payload.end()));
    if (const auto key = keys_.find(from.value); key != keys_.end()) {
      message.encrypted = true;
      message.user = key->second;
    }
    said_[from.line()].push_back(std::move(message));
  }
  /// What it says from here on comes with the key of `user`.
  void encrypt(Peer from, const std::string& user) { keys_[from.value] = user; }
  /// The next message that was sent there; batches are taken apart.
  std::optional<Heard> hear(Peer at) {
    std::deque<Heard>& heard = heard_[at.value];
    if (heard.empty()) return std::nullopt;
    Heard first = std::move(heard.front());
    heard.pop_front();
    return first;
  }
  void hang_up(Peer from) {
    gone_.insert(from.value);
    if (watched_.erase(from.value) > 0) disconnected_.push_back(from);
  }
  /// It takes no more until it is ready again.
  void be_full(Peer at, bool full) {
    full_.erase(at.value);
    if (full) full_.insert(at.value);
  }
  unsigned refused = 0;
  bool shut = false;

  [[nodiscard]] const std::map<std::string, std::string>& allowed() const noexcept { return allowed_; }
  [[nodiscard]] bool watches(Peer peer) const { return watched_.contains(peer.value); }

  // --- Transport
  void allow(const std::string& public_key, const std::string& runner) override { allowed_[public_key] = runner; }
  void revoke(const std::string& public_key) override { allowed_.erase(public_key); }
  std::optional<pool::Incoming> receive(wire::Line line) override {
    std::deque<pool::Incoming>& said = said_[line];
    if (said.empty()) return std::nullopt;
    pool::Incoming first = std::move(said.front());
    said.pop_front();
    return first;
  }
  Sent send(Peer to, std::span<const std::byte> envelope, const flame::Bytes* payload) override {
    if (gone_.contains(to.value)) return Sent::gone;
    if (full_.contains(to.value)) return Sent::full;
    const std::span<const std::byte> frame = payload == nullptr ? std::span<const std::byte>() : payload->span();
    wire::Envelope message = wire::decode(envelope).value();
    if (const auto* batch = std::get_if<wire::Batch>(&message.body)) {
      const auto entries = wire::unpack_batch(*batch, frame);
      for (const wire::BatchEntry& entry : entries.value())
        keep(to, wire::decode(entry.envelope).value(), entry.payload);
    } else {
      keep(to, std::move(message), frame);
    }
    return Sent::ok;
  }
  void watch(Peer peer, int /*fd*/) override { watched_.insert(peer.value); }
  void unwatch(Peer peer) override { watched_.erase(peer.value); }
  std::vector<Peer> disconnected() override { return std::exchange(disconnected_, {}); }
  unsigned take_refused() noexcept override { return std::exchange(refused, 0U); }
  bool is_shut() const noexcept override { return shut; }

 private:
  void keep(Peer at, wire::Envelope envelope, std::span<const std::byte> payload) {
    heard_[at.value].push_back({std::move(envelope), Bytes(payload.begin(), payload.end())});
  }

  std::map<wire::Line, std::deque<pool::Incoming>> said_;
  std::map<std::uint64_t, std::deque<Heard>> heard_;
  std::map<std::uint64_t, std::string> keys_;
  std::map<std::string, std::string> allowed_;
  std::set<std::uint64_t> watched_;
  std::set<std::uint64_t> gone_;
  std::set<std::uint64_t> full_;
  std::vector<Peer> disconnected_;
};

}  // namespace flame::test
