// ROUTER sockets, their monitors, and the mapping between ZeroMQ's routing ids and PeerId.
#include "host/src/transport/router.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <zmq.hpp>

#include "host/src/transport/tcp_guard.hpp"
#include "host/src/transport/zap.hpp"
#include "host/src/transport/zmq_frames.hpp"
#include "host/src/transport/zmq_retry.hpp"
#include "host/src/transport/zmq_threads.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::pool {
namespace {

constexpr std::size_t kRoutingIdBytes = 5;  // 0 and a 32-bit number: those that libzmq hands out
// What libzmq may hold for one runner: about kRunnerQueueBytes of calls, and a window of chunks.
constexpr int kControlHighWater = static_cast<int>(limits::kRunnerQueueBytes / limits::kInlinePayloadMax);
constexpr int kBulkHighWater = static_cast<int>(limits::kTransferWindow / limits::kChunkMax);
constexpr int kMonitored = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                           ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

struct Listener {
  zmq::socket_t router;
  zmq::socket_t monitor;
  Line line = Line::control;
  bool encrypted = false;
  std::unordered_map<int, std::uint64_t> watched;  // fd → peer
  TcpGuard guard;                                  // of tcp only
  bool look = true;  // the router's descriptor was readable, or a send may have eaten its edge
  bool look_monitor = true;
};

PeerId make_peer(std::size_t listener, Line line, std::uint32_t number) {
  return {(std::uint64_t{listener} << 40) | (std::uint64_t{static_cast<std::uint8_t>(line)} << 32) | number};
}
std::size_t listener_of(PeerId peer) {
  return static_cast<std::size_t>(peer.value >> 40);
}
std::uint32_t number_of(PeerId peer) {
  return static_cast<std::uint32_t>(peer.value);
}

// Peers do not choose routing ids: libzmq's own have this form, and anything else is dropped.
std::optional<std::uint32_t> parse_routing_id(const zmq::message_t& frame) {
  const auto* bytes = frame.data<std::uint8_t>();
  if (frame.size() != kRoutingIdBytes || bytes[0] != 0) return std::nullopt;
  std::uint32_t number = 0;
  std::memcpy(&number, bytes + 1, sizeof number);
  return number;
}

void tell(TcpGuard& guard, std::uint16_t event, int fd) {
  switch (event) {
    case ZMQ_EVENT_LISTENING:
      return guard.listens(fd);
    case ZMQ_EVENT_ACCEPTED:
      return guard.accepted(fd);
    case ZMQ_EVENT_DISCONNECTED:
      return guard.closed(fd);
    default:
      return;
  }
}

Error bind_error(const std::string& endpoint, const zmq::error_t& error) {
  return Error{
      .code = ErrorCode::boot_failed,
      .message = "cannot listen on " + endpoint + ": " + error.what() + ". Choose another address in [host] listen."};
}

bool stands_at(const std::string& ipc_endpoint) {
  return ::access(ipc_endpoint.c_str() + std::strlen("ipc://"), F_OK) == 0;
}

}  // namespace

KeyPair make_key_pair() {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    throw std::runtime_error("libzmq cannot make CURVE keys (built without libsodium?)");
  }
  KeyPair pair{public_key.data(), secret_key.data()};
  secret_key.fill('\0');
  return pair;
}

struct Router::Impl {
  // One I/O thread: a monitor's events and the messages of a connection then have one order (see watch()).
  std::unique_ptr<zmq::context_t> context = std::make_unique<zmq::context_t>(1);
  std::unique_ptr<ZapHandler> zap;
  std::vector<Listener> listeners;
  std::vector<int> fds;
  KeyPair keys;
  Endpoints ipc;
  Endpoints tcp;
  unsigned refused = 0;
  bool look_zap = true;
  std::vector<PeerId> lost;

  Listener& add_listener(Line line, bool encrypted);
  std::string bind(Line line, bool encrypted, const std::string& endpoint);
  Listener& listener_for(Line line, bool encrypted);
  std::optional<Incoming> receive(std::size_t index);
  void read_monitor(std::size_t index);
};

Listener& Router::Impl::add_listener(Line line, bool encrypted) {
  Listener listener{.router = zmq::socket_t(*context, zmq::socket_type::router),
                    .monitor = zmq::socket_t(*context, zmq::socket_type::pair),
                    .line = line,
                    .encrypted = encrypted};
  zmq::socket_t& router = listener.router;
  router.set(zmq::sockopt::linger, 0);
  router.set(zmq::sockopt::ipv6, true);
  router.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameMax));
  router.set(zmq::sockopt::router_mandatory, true);
  router.set(zmq::sockopt::router_handover, false);
  const int high_water = line == Line::control ? kControlHighWater : kBulkHighWater;
  router.set(zmq::sockopt::sndhwm, high_water);
  router.set(zmq::sockopt::rcvhwm, high_water);
  if (encrypted) {
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, keys.secret_key);
    router.set(zmq::sockopt::zap_domain, "flame");
    router.set(zmq::sockopt::handshake_ivl, static_cast<int>(std::chrono::milliseconds(limits::kHandshakeMax).count()));
  }
  const std::string monitor = "inproc://monitor-" + std::to_string(listeners.size());
  if (zmq_socket_monitor(router.handle(), monitor.c_str(), kMonitored) != 0) throw zmq::error_t();
  listener.monitor.set(zmq::sockopt::linger, 0);
  // libzmq's I/O thread waits when events find no room, with a lock that the end of this socket needs.
  listener.monitor.set(zmq::sockopt::rcvhwm, 0);
  listener.monitor.connect(monitor);
  fds.push_back(router.get(zmq::sockopt::fd));
  fds.push_back(listener.monitor.get(zmq::sockopt::fd));
  listeners.push_back(std::move(listener));
  return listeners.back();
}

Listener& Router::Impl::listener_for(Line line, bool encrypted) {
  const auto found = std::find_if(listeners.begin(), listeners.end(), [&](const Listener& listener) {
    return listener.line == line && listener.encrypted == encrypted;
  });
  return found != listeners.end() ? *found : add_listener(line, encrypted);
}

std::string Router::Impl::bind(Line line, bool encrypted, const std::string& endpoint) {
  Listener& listener = listener_for(line, encrypted);
  listener.router.bind(endpoint);
  return listener.router.get(zmq::sockopt::last_endpoint);
}

Result<std::unique_ptr<Router>> Router::bind(const RouterConfig& config) {
  const base::SignalMaskScope whole(base::all_but_faults());  // see zmq_retry.hpp
  auto impl = std::make_unique<Impl>();
  impl->keys = make_key_pair();
  std::string endpoint;
  try {
    impl->zap = std::make_unique<ZapHandler>(*impl->context);
    unblock_faults_in_threads_of(*impl->context);
    impl->fds.push_back(impl->zap->fd());
    if (!config.control_ipc.empty()) {
      endpoint = config.control_ipc;
      impl->ipc.control.push_back(impl->bind(Line::control, false, endpoint));
      endpoint = config.bulk_ipc;
      impl->ipc.bulk.push_back(impl->bind(Line::bulk, false, endpoint));
    }
    for (const std::string& tcp : config.tcp) {
      endpoint = tcp;
      impl->tcp.control.push_back(impl->bind(Line::control, true, endpoint));
      endpoint = tcp.substr(0, tcp.rfind(':')) + ":0";  // the same address, any port
      impl->tcp.bulk.push_back(impl->bind(Line::bulk, true, endpoint));
    }
  } catch (const zmq::error_t& error) {
    return bind_error(endpoint, error);
  }
  return std::unique_ptr<Router>(new Router(std::move(impl)));
}

Router::Router(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Router::~Router() {
  for (Listener& listener : impl_->listeners) zmq_socket_monitor(listener.router.handle(), nullptr, 0);
  if (!distrusted_) return;
  zmq::context_t* const context = impl_->context.release();
  impl_.reset();
  try {
    std::thread([context] { delete context; }).detach();
  } catch (const std::system_error&) {
    // It stays.
  }
}

// libzmq keeps listening on the old one as well, which nobody finds any more.
Result<void> Router::renew_ipc() {
  const base::SignalMaskScope whole(base::all_but_faults());
  for (const auto& [line, endpoints] :
       {std::pair(Line::control, &impl_->ipc.control), std::pair(Line::bulk, &impl_->ipc.bulk)}) {
    for (const std::string& endpoint : *endpoints) {
      if (stands_at(endpoint)) continue;
      try {
        static_cast<void>(impl_->bind(line, false, endpoint));
      } catch (const zmq::error_t& error) {
        return bind_error(endpoint, error);
      }
    }
  }
  return {};
}

const Endpoints& Router::ipc() const noexcept {
  return impl_->ipc;
}
const Endpoints& Router::tcp() const noexcept {
  return impl_->tcp;
}
const std::string& Router::public_key() const noexcept {
  return impl_->keys.public_key;
}
void Router::allow(const std::string& public_key, const std::string& runner) {
  impl_->zap->allow(public_key, runner);
}
void Router::revoke(const std::string& public_key) {
  impl_->zap->revoke(public_key);
}
const std::vector<int>& Router::fds() const noexcept {
  return impl_->fds;
}

// fds: the ZAP handler's, then router and monitor of each listener.
void Router::readable(std::size_t index) noexcept {
  if (index == 0) {
    impl_->look_zap = true;
  } else {
    Listener& listener = impl_->listeners[(index - 1) / 2];
    (index % 2 == 1 ? listener.look : listener.look_monitor) = true;
  }
}

unsigned Router::take_refused() noexcept {
  return std::exchange(impl_->refused, 0U);
}

std::optional<Incoming> Router::receive(Line line) {
  for (std::size_t index = 0; index < impl_->listeners.size(); ++index) {
    if (impl_->listeners[index].line != line) continue;
    if (auto message = impl_->receive(index)) return message;
  }
  return std::nullopt;
}

std::optional<Incoming> Router::Impl::receive(std::size_t index) {
  Listener& listener = listeners[index];
  while (listener.look) {
    zmq::message_t id;
    if (!receive_now(listener.router, id)) {
      listener.look = false;
      break;
    }
    std::vector<zmq::message_t> frames;
    for (bool more = id.more(); more; more = frames.back().more()) {
      // Frames of one message arrive together; those past the second are dropped one by one.
      frames.resize(std::min<std::size_t>(frames.size() + 1, 3));
      static_cast<void>(receive_now(listener.router, frames.back()));
    }
    const auto number = parse_routing_id(id);
    if (!number || frames.empty()) continue;
    Incoming message{.peer = make_peer(index, listener.line, *number), .encrypted = listener.encrypted};
    message.fd = zmq_msg_get(frames.front().handle(), ZMQ_SRCFD);
    if (listener.encrypted) {
      const char* user = zmq_msg_gets(frames.front().handle(), "User-Id");
      message.user = user != nullptr ? user : "";
      listener.guard.spoke(message.fd);
    }
    message.malformed = frames.size() > 2;
    message.envelope = to_bytes(std::move(frames[0]));
    if (frames.size() > 1) message.payload = to_bytes(std::move(frames[1]));
    return message;
  }
  return std::nullopt;
}

Router::Sent Router::send(PeerId peer, std::span<const std::byte> envelope, const Bytes* payload) {
  Listener& listener = impl_->listeners[listener_of(peer)];
  std::array<std::uint8_t, kRoutingIdBytes> id{};
  const std::uint32_t number = number_of(peer);
  std::memcpy(id.data() + 1, &number, sizeof number);
  listener.look = true;
  try {
    // With ROUTER_MANDATORY the routing id decides: full or gone show here, and what follows is accepted.
    if (!send_now(listener.router, zmq::buffer(id), zmq::send_flags::sndmore)) return Sent::full;
    const auto last = payload == nullptr ? zmq::send_flags::none : zmq::send_flags::sndmore;
    const auto sent = send_now(listener.router, zmq::buffer(envelope.data(), envelope.size()), last);
    FLAME_ASSERT(sent.has_value(), "ROUTER refused the second frame of a message");
    if (payload != nullptr) {
      const auto second = send_now(listener.router, to_message(*payload));
      FLAME_ASSERT(second.has_value(), "ROUTER refused the last frame");
    }
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return Sent::gone;
    throw;
  }
  return Sent::ok;
}

// An old connection's DISCONNECTED may still wait in the monitor when a new one with the same descriptor says hello.
// The monitor is ordered with the messages, so whatever it holds at this point is about older connections.
void Router::watch(PeerId peer, int fd) {
  const std::size_t index = listener_of(peer);
  impl_->read_monitor(index);
  if (fd >= 0) {
    impl_->listeners[index].watched[fd] = peer.value;
    impl_->listeners[index].guard.introduced(fd);
  }
}

void Router::unwatch(PeerId peer) {
  Listener& listener = impl_->listeners[listener_of(peer)];
  std::erase_if(listener.watched, [&](const auto& entry) { return entry.second == peer.value; });
}

void Router::Impl::read_monitor(std::size_t index) {
  Listener& listener = listeners[index];
  zmq::message_t event;
  zmq::message_t address;
  while (receive_now(listener.monitor, event)) {
    static_cast<void>(receive_now(listener.monitor, address));
    std::uint16_t kind = 0;
    std::int32_t fd = 0;
    FLAME_ASSERT(event.size() == sizeof kind + sizeof fd, "a monitor event of libzmq has an unknown size");
    std::memcpy(&kind, event.data(), sizeof kind);
    std::memcpy(&fd, event.data<std::byte>() + sizeof kind, sizeof fd);
    if (listener.encrypted) tell(listener.guard, kind, fd);
    if (kind == ZMQ_EVENT_DISCONNECTED) {
      if (const auto found = listener.watched.find(fd); found != listener.watched.end()) {
        lost.push_back({found->second});
        listener.watched.erase(found);
        listener.look = true;  // what it said before
      }
    } else if (kind != ZMQ_EVENT_ACCEPTED && kind != ZMQ_EVENT_LISTENING) {
      ++refused;
    }
  }
}

void Router::check(Instant now) {
  for (Listener& listener : impl_->listeners) impl_->refused += listener.guard.check(now);
}

Instant Router::next_check() const noexcept {
  Instant next = kNever;
  for (const Listener& listener : impl_->listeners) next = std::min(next, listener.guard.next_check());
  return next;
}

bool Router::is_shut() const noexcept {
  return std::any_of(impl_->listeners.begin(), impl_->listeners.end(),
                     [](const Listener& listener) { return listener.guard.is_shut(); });
}

std::vector<PeerId> Router::disconnected() {
  if (std::exchange(impl_->look_zap, false)) impl_->refused += impl_->zap->serve();
  for (std::size_t index = 0; index < impl_->listeners.size(); ++index) {
    if (std::exchange(impl_->listeners[index].look_monitor, false)) impl_->read_monitor(index);
  }
  return std::exchange(impl_->lost, {});
}

}  // namespace flame::pool
