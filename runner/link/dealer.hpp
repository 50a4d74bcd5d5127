// The runner's two connections to its host over ZeroMQ; the only file of the runner (with its .cpp) that knows zmq.
// Not thread safe: used from the supervisor's loop alone. Nothing here blocks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "plugin_sdk/wire/line.hpp"
#include "runner/link/frame.hpp"

namespace flame::runner {

using wire::Line;

/// What happened to a connection since it was dialled.
enum class LinkEvent : std::uint8_t { none, connected, failed, disconnected };

/// CURVE keys in Z85; all empty for ipc. Wiped by forget_keys() and by the destructor.
struct CurveKeys {
  std::string host;
  std::string own_public;
  std::string own_secret;
  [[nodiscard]] bool empty() const { return host.empty(); }
};

class Dealer {
 public:
  explicit Dealer(CurveKeys keys);
  ~Dealer();
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  /// Closes what the line had and connects a fresh socket to `endpoint` in the background; event() tells how it went.
  /// Messages that wait on `bulk` go to the fresh socket; those on `control` are dropped.
  /// Error: a text, when the endpoint is malformed or descriptors ran out; empty otherwise.
  [[nodiscard]] std::string dial(Line line, const std::string& endpoint);
  /// Nothing will be dialled any more: wipes the keys.
  void forget_keys();
  /// Drops both connections and everything queued, at once.
  void close();
  /// Closes both for good; blocks for at most `patience_ms` until what was sent is written.
  void finish(int patience_ms);

  /// Descriptors to poll for reading; -1 when the line is not dialled. Edge-triggered in effect: after dial(), after a
  /// wake-up and after sending, call event() until it returns none and receive() until it returns false.
  [[nodiscard]] int fd(Line line) const;
  [[nodiscard]] int monitor_fd(Line line) const;

  /// The next thing that happened to the line's connection; none when there is no news.
  [[nodiscard]] LinkEvent event(Line line);
  /// The line is connected, or was until a disconnect.
  [[nodiscard]] bool was_connected(Line line) const;
  /// The reason of the last `failed`, for people.
  [[nodiscard]] const std::string& failure(Line line) const;

  /// The next message; false when there is none now. `payload` is empty (size 0) if the message had one frame.
  /// Messages of more than two frames are dropped.
  [[nodiscard]] bool receive(Line line, Frame& envelope, Frame& payload);

  /// Sends, or queues when ZeroMQ takes no more; order per line is kept. The payload frame is sent if its size is > 0.
  /// On `bulk` nothing is sent before the connection stands: libzmq would drop it with a connection that fails.
  void send(Line line, std::span<const std::byte> envelope, Frame payload = Frame());
  /// Tries the queues again. Called once per turn of the loop.
  void flush();
  [[nodiscard]] std::size_t queued_bytes(Line line) const;
  /// Whether something was sent since the last receive() on that line returned false: then fd() may not report a
  /// message that is there.
  [[nodiscard]] bool must_recheck(Line line) const { return recheck_[static_cast<std::size_t>(line)]; }

 private:
  struct Connection;
  struct Context;
  bool& recheck(Line line) { return recheck_[static_cast<std::size_t>(line)]; }
  Connection& at(Line line) const { return *connections_[static_cast<std::size_t>(line)]; }

  CurveKeys keys_;
  std::unique_ptr<Context> context_;
  std::array<std::unique_ptr<Connection>, 2> connections_;
  unsigned dials_ = 0;
  std::array<bool, 2> recheck_{};
};

}  // namespace flame::runner
