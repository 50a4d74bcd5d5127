// DEALER sockets and a backend that only records.
#include "tests/support/fake_runner.hpp"

#include <array>
#include <span>
#include <utility>
#include <zmq.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/parents.hpp"

namespace flame::test {

void RecordingBackend::boot(BootRequest request) {
  Machine machine{.name = request.name, .id = "m-" + request.runner, .labels = request.labels};
  {
    const std::lock_guard lock(mutex_);
    boots_.push_back(std::move(request));
  }
  const MachineName name = machine.name;
  events()->booted(name, std::move(machine));
}

void RecordingBackend::destroy(const MachineName& name, const MachineId& id) {
  const std::lock_guard lock(mutex_);
  destroyed_.push_back(id);
  open_.push_back(name);
}

void RecordingBackend::close(Duration) {
  std::vector<MachineName> open;
  {
    const std::lock_guard lock(mutex_);
    open.swap(open_);
  }
  for (const MachineName& name : open) events()->destroyed(name, std::nullopt);
  events()->closed();
}

wire::Parent RecordingBackend::parent(std::size_t n) {
  const bool booted = eventually([&] {
    const std::lock_guard lock(mutex_);
    return boots_.size() > n;
  });
  const std::lock_guard lock(mutex_);
  return booted ? parent_of(boots_[n]) : wire::Parent{};
}

std::vector<MachineId> RecordingBackend::destroyed() const {
  const std::lock_guard lock(mutex_);
  return destroyed_;
}

void RecordingBackend::kill(const MachineId& id, const std::string& reason) {
  MachineName name;
  std::size_t asked = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const BootRequest& boot : boots_)
      if ("m-" + boot.runner == id) name = boot.name;
    asked = std::erase(open_, name);
  }
  events()->exited(name, {.reason = reason});
  for (; asked > 0; --asked) events()->destroyed(name, std::nullopt);
}

struct Dealer::Socket {
  zmq::context_t context{1};
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
};

Dealer::Dealer(const std::string& endpoint, const std::optional<Keys>& keys, const std::string& routing_id)
    : socket_(std::make_unique<Socket>()) {
  zmq::socket_t& dealer = socket_->dealer;
  dealer.set(zmq::sockopt::linger, 0);
  if (!routing_id.empty()) dealer.set(zmq::sockopt::routing_id, routing_id);
  if (keys) {
    dealer.set(zmq::sockopt::curve_serverkey, keys->server);
    dealer.set(zmq::sockopt::curve_publickey, keys->public_key);
    dealer.set(zmq::sockopt::curve_secretkey, keys->secret_key);
  }
  dealer.connect(endpoint);
}

Dealer::~Dealer() = default;

void Dealer::send_frames(const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    static_cast<void>(socket_->dealer.send(zmq::buffer(frames[i]), flags));
  }
}

void Dealer::send(std::uint64_t session, const wire::Body& body, const std::string* payload) {
  const auto bytes = wire::encode(session, body);
  std::vector<std::string> frames{std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
  if (payload != nullptr) frames.push_back(*payload);
  send_frames(frames);
}

std::optional<wire::Envelope> Dealer::receive(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (!batched_.empty()) {
      auto [envelope, payload] = std::move(batched_.front());
      batched_.pop_front();
      payload_ = std::move(payload);
      return std::move(envelope);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    socket_->dealer.set(zmq::sockopt::rcvtimeo, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    zmq::message_t frame;
    if (!socket_->dealer.recv(frame)) return std::nullopt;
    payload_.clear();
    zmq::message_t rest;
    for (bool more = frame.more(); more; more = rest.more()) {
      static_cast<void>(socket_->dealer.recv(rest));
      payload_ = rest.to_string();
    }
    auto envelope = wire::decode({frame.data<std::byte>(), frame.size()});
    if (envelope.has_value() && std::holds_alternative<wire::Batch>(envelope->body)) {
      take_batch(std::get<wire::Batch>(envelope->body));
    } else if (envelope.has_value() && !std::holds_alternative<wire::Beat>(envelope->body)) {
      return std::move(*envelope);
    }
  }
}

void Dealer::take_batch(const wire::Batch& batch) {
  const auto entries = wire::unpack_batch(batch, std::as_bytes(std::span(payload_)));
  for (const wire::BatchEntry& entry : entries.value()) {
    auto envelope = wire::decode(entry.envelope).value();
    if (!std::holds_alternative<wire::Beat>(envelope.body)) {
      batched_.emplace_back(std::move(envelope),
                            std::string(reinterpret_cast<const char*>(entry.payload.data()), entry.payload.size()));
    }
  }
}

std::optional<Dealer::Keys> keys_of(const wire::Parent& parent) {
  if (parent.host_key.empty()) return std::nullopt;
  return Dealer::Keys{parent.host_key, parent.public_key, parent.secret_key};
}

wire::Hello hello_for(const wire::Parent& parent) {
  wire::Hello hello{.protocol_major = wire::kProtocolMajor,
                    .protocol_minor = wire::kProtocolMinor,
                    .incarnation = parent.incarnation,
                    .runner = parent.runner,
                    .nonce = parent.nonce};
  for (const auto& plugin : parent.plugins) {
    wire::PluginState& state = hello.plugins.emplace_back();
    state.plugin = plugin;
    state.ready = true;
  }
  return hello;
}

Dealer::Keys strange_keys(const std::string& server) {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  zmq_curve_keypair(public_key.data(), secret_key.data());
  return {server, public_key.data(), secret_key.data()};
}

}  // namespace flame::test
