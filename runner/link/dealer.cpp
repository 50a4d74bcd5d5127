// See dealer.hpp.
#include "runner/link/dealer.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <cstring>
#include <deque>
#include <new>
#include <utility>
#include <zmq.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/thread_sanitizer.hpp"

namespace flame::runner {
namespace {

static_assert(sizeof(zmq_msg_t) == 64 && alignof(zmq_msg_t) <= alignof(std::max_align_t));

zmq_msg_t* message(void* storage) {
  return static_cast<zmq_msg_t*>(storage);
}

void wipe(std::string& secret) {
  sodium_memzero(secret.data(), secret.size());
  secret.clear();
}

void free_bytes(void* /*data*/, void* hint) {
  base::take_over(hint);
  delete static_cast<Bytes*>(hint);
}

constexpr int kWatched = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

constexpr int kConnectTimeoutMs = 3000;

}  // namespace

Frame::Frame() noexcept {
  zmq_msg_init(message(storage_));
}

Frame::Frame(std::size_t size) {
  if (zmq_msg_init_size(message(storage_), size) != 0) throw std::bad_alloc();
}

Frame::Frame(Bytes bytes) {
  auto owner = std::make_unique<Bytes>(std::move(bytes));
  // libzmq takes void*, and only reads.
  auto* data = const_cast<std::byte*>(std::as_const(*owner).data());
  const std::size_t size = owner->size();
  base::hand_over(owner.get());
  if (zmq_msg_init_data(message(storage_), data, size, &free_bytes, owner.get()) != 0) throw std::bad_alloc();
  static_cast<void>(owner.release());
}

Frame::Frame(Frame&& other) noexcept : Frame() {
  zmq_msg_move(message(storage_), message(other.storage_));
}

Frame& Frame::operator=(Frame&& other) noexcept {
  if (this != &other) zmq_msg_move(message(storage_), message(other.storage_));
  return *this;
}

Frame::~Frame() {
  zmq_msg_close(message(storage_));
}

std::byte* Frame::data() {
  return static_cast<std::byte*>(zmq_msg_data(message(storage_)));
}

std::size_t Frame::size() const {
  return zmq_msg_size(reinterpret_cast<const zmq_msg_t*>(storage_));
}

std::span<const std::byte> Frame::span() const {
  auto* self = const_cast<Frame*>(this);  // zmq_msg_data() is not const but does not change the message
  return {self->data(), size()};
}

Bytes Frame::into_bytes() && {
  auto owner = std::make_shared<const Frame>(std::move(*this));
  const std::span<const std::byte> bytes = owner->span();
  return {std::move(owner), bytes.data(), bytes.size()};
}

struct Dealer::Context {
  zmq::context_t zmq{1};
};

struct Dealer::Connection {
  zmq::socket_t socket;
  zmq::socket_t monitor;
  int fd = -1;
  int monitor_fd = -1;
  bool connected = false;
  std::string failure;
  struct Queued {
    Frame envelope;
    Frame payload;
  };
  std::deque<Queued> queue;
  std::size_t queued_bytes = 0;

  bool try_send(Frame& envelope, Frame& payload);
  void drop_queue();
  void reset();
};

Dealer::Dealer(CurveKeys keys)
    : keys_(std::move(keys)),
      context_(std::make_unique<Context>()),
      connections_{std::make_unique<Connection>(), std::make_unique<Connection>()} {}

Dealer::~Dealer() {
  forget_keys();
  close();
}

void Dealer::forget_keys() {
  wipe(keys_.host);
  wipe(keys_.own_public);
  wipe(keys_.own_secret);
}

void Dealer::Connection::drop_queue() {
  queue.clear();
  queued_bytes = 0;
}

void Dealer::Connection::reset() {
  if (socket) zmq_socket_monitor(socket.handle(), nullptr, 0);
  monitor.close();
  socket.close();
  fd = monitor_fd = -1;
  connected = false;
}

void Dealer::close() {
  for (auto& connection : connections_) {
    connection->drop_queue();
    connection->reset();
  }
}

void Dealer::finish(int patience_ms) {
  flush();
  for (auto& connection : connections_) {
    if (connection->socket) connection->socket.set(zmq::sockopt::linger, patience_ms);
  }
  close();
  context_->zmq.close();
}

std::string Dealer::dial(Line line, const std::string& endpoint) try {
  Connection& connection = at(line);
  connection.reset();
  if (line == Line::control) connection.drop_queue();
  recheck(line) = false;
  zmq::socket_t socket(context_->zmq, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::reconnect_ivl, -1);
  socket.set(zmq::sockopt::connect_timeout, kConnectTimeoutMs);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::kFrameMax));
  if (!keys_.empty() && endpoint.starts_with("tcp://")) {
    socket.set(zmq::sockopt::curve_serverkey, keys_.host);
    socket.set(zmq::sockopt::curve_publickey, keys_.own_public);
    socket.set(zmq::sockopt::curve_secretkey, keys_.own_secret);
  }
  const std::string monitor_name = fmt::format("inproc://monitor-{}", ++dials_);
  if (zmq_socket_monitor(socket.handle(), monitor_name.c_str(), kWatched) != 0) throw zmq::error_t();
  zmq::socket_t monitor(context_->zmq, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.set(zmq::sockopt::rcvhwm, 0);  // else libzmq's I/O thread waits when events find no room
  monitor.connect(monitor_name);
  socket.connect(endpoint);
  connection.fd = socket.get(zmq::sockopt::fd);
  connection.monitor_fd = monitor.get(zmq::sockopt::fd);
  connection.socket = std::move(socket);
  connection.monitor = std::move(monitor);
  recheck(line) = true;
  return {};
} catch (const zmq::error_t& error) {
  return fmt::format("cannot dial {}: {}", endpoint, error.what());
}

int Dealer::fd(Line line) const {
  return at(line).fd;
}

int Dealer::monitor_fd(Line line) const {
  return at(line).monitor_fd;
}

bool Dealer::was_connected(Line line) const {
  return at(line).connected;
}

const std::string& Dealer::failure(Line line) const {
  return at(line).failure;
}

LinkEvent Dealer::event(Line line) {
  Connection& connection = at(line);
  Frame number;
  Frame address;
  while (connection.monitor && zmq_msg_recv(message(number.raw()), connection.monitor.handle(), ZMQ_DONTWAIT) >= 0) {
    if (zmq_msg_recv(message(address.raw()), connection.monitor.handle(), ZMQ_DONTWAIT) < 0) break;
    std::uint16_t event = 0;
    if (number.size() < sizeof event) continue;
    std::memcpy(&event, number.data(), sizeof event);
    switch (event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        connection.connected = true;
        return LinkEvent::connected;
      case ZMQ_EVENT_CONNECTED:
        break;  // the handshake decides
      case ZMQ_EVENT_DISCONNECTED:
        return LinkEvent::disconnected;
      case ZMQ_EVENT_CLOSED:
        connection.failure = "connection refused or endpoint missing";
        return LinkEvent::failed;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        connection.failure = "the host does not accept this runner's key";
        return LinkEvent::failed;
      default:
        connection.failure = "handshake failed: no FLAME host at this endpoint, or another key";
        return LinkEvent::failed;
    }
  }
  return LinkEvent::none;
}

bool Dealer::receive(Line line, Frame& envelope, Frame& payload) {
  Connection& connection = at(line);
  while (connection.socket) {
    if (zmq_msg_recv(message(envelope.raw()), connection.socket.handle(), ZMQ_DONTWAIT) < 0) {
      recheck(line) = false;
      return false;
    }
    payload = Frame();
    if (zmq_msg_more(message(envelope.raw())) == 0) return true;
    // All parts of a message arrive together, so the rest is there.
    if (zmq_msg_recv(message(payload.raw()), connection.socket.handle(), ZMQ_DONTWAIT) < 0) return false;
    if (zmq_msg_more(message(payload.raw())) == 0) return true;
    Frame rest;
    while (zmq_msg_recv(message(rest.raw()), connection.socket.handle(), ZMQ_DONTWAIT) >= 0 &&
           zmq_msg_more(message(rest.raw())) != 0) {
    }
  }
  return false;
}

bool Dealer::Connection::try_send(Frame& envelope, Frame& payload) {
  const bool more = payload.size() > 0;
  if (zmq_msg_send(message(envelope.raw()), socket.handle(), ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0) return false;
  // A message whose first part was taken is taken whole.
  if (more) zmq_msg_send(message(payload.raw()), socket.handle(), ZMQ_DONTWAIT);
  return true;
}

void Dealer::send(Line line, std::span<const std::byte> envelope, Frame payload) {
  Connection& connection = at(line);
  if (!connection.socket && line == Line::control) return;
  Frame head(envelope.size());
  std::memcpy(head.data(), envelope.data(), envelope.size());
  const bool sends = line == Line::control || connection.connected;
  recheck(line) = recheck(line) || sends;
  if (sends && connection.queue.empty() && connection.try_send(head, payload)) return;
  connection.queued_bytes += head.size() + payload.size();
  connection.queue.push_back({std::move(head), std::move(payload)});
}

void Dealer::flush() {
  for (const Line line : {Line::control, Line::bulk}) {
    Connection& connection = at(line);
    if (line == Line::bulk && !connection.connected) continue;
    while (!connection.queue.empty()) {
      auto& front = connection.queue.front();
      const std::size_t size = front.envelope.size() + front.payload.size();
      if (!connection.try_send(front.envelope, front.payload)) break;
      recheck(line) = true;
      connection.queued_bytes -= size;
      connection.queue.pop_front();
    }
  }
}

std::size_t Dealer::queued_bytes(Line line) const {
  return at(line).queued_bytes;
}

}  // namespace flame::runner
