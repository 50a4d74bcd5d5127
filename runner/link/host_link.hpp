// The runner's link to its host: dials until the host has welcomed it, keeps the session alive, and hands messages on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/link/dealer.hpp"
#include "runner/link/host_port.hpp"
#include "runner/link/outbox.hpp"
#include "runner/os/poller.hpp"
#include "runner/policy/session.hpp"

namespace flame::runner {

class HostListener {
 public:
  virtual void on_welcome(Instant now, const wire::Welcome& welcome) = 0;
  /// A message of the open session. `payload` may be kept.
  virtual void on_message(Instant now, wire::Body& body, Frame& payload) = 0;
  /// Refused, disconnected or silent. Nothing more will come.
  virtual void on_host_lost(Instant now, const std::string& why) = 0;

 protected:
  ~HostListener() = default;
};

class HostLink final : public HostPort {
 public:
  /// Takes the endpoints and keys out of `parent`, which has neither afterwards.
  /// All references outlive this object.
  HostLink(wire::Parent& parent, wire::Hello hello, Poller& poller, HostListener& listener);

  // --- HostPort: what send() was given goes with the next pump()
  void send(const wire::Body& body, Frame payload = Frame()) override;
  void send_bulk(const wire::Body& body, Frame payload = Frame()) override;
  [[nodiscard]] std::size_t backlog(Line line) const override { return dealer_.queued_bytes(line); }

  void on_ready(Instant now, const Poller::Ready& ready);
  /// Sends what is queued and reads what has come, a bounded number of messages. Call once per turn of the loop. The
  /// listener is told of each as of when it was read: a deadline that it carries begins no earlier than that.
  void pump(Instant now);
  /// pump() left messages behind, or what was sent since may have eaten the edge of one.
  [[nodiscard]] bool more() const {
    return more_ || !outbox_.empty() || dealer_.must_recheck(Line::control) || dealer_.must_recheck(Line::bulk);
  }
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const;

  [[nodiscard]] bool open() const { return state_ == State::open; }
  /// The host has our hello, or will have it.
  [[nodiscard]] bool greeted() const { return state_ == State::dialling && redial_at_ == kNever; }
  /// See Session::host_patience().
  [[nodiscard]] Duration host_patience() const { return session_.host_patience(); }
  /// Closes both lines for good; blocks for at most `patience` until libzmq has written what was sent.
  void close(Duration patience);

 private:
  enum class State : std::uint8_t { dialling, open, lost };

  void flush();
  void receive_batch(Instant now, const wire::Batch& batch, const Frame& frame);
  void dial(Instant now);
  [[nodiscard]] std::string dial_line(Line line, const std::string& endpoint);
  void dial_failed(Instant now, const std::string& endpoint, const std::string& why);
  void dial_bulk(Instant now);
  void bulk_failed(Instant now, const std::string& why);
  void on_event(Instant now, Line line);
  void on_connected(Line line);
  void on_disconnected(Instant now, Line line, LinkEvent event);
  void receive(Instant now, Line line, Frame& envelope, Frame& payload);
  void open_with(Instant now, const wire::Envelope& envelope);
  void lose(Instant now, const std::string& why);

  std::vector<std::string> control_;
  std::vector<std::string> bulk_;
  wire::Hello hello_;
  Duration failsafe_;
  Poller& poller_;
  HostListener& listener_;
  Dealer dealer_;
  Outbox outbox_;  // of this turn, for control
  Session session_;
  State state_ = State::dialling;
  std::size_t attempts_ = 0;
  std::size_t endpoint_ = 0;
  Instant dialled_at_{};
  Instant redial_at_{};
  Instant opened_at_{};
  int bulk_failures_ = 0;
  std::string last_failure_;
  std::array<bool, 2> ready_{};  // by line: its descriptor has reported something
  bool more_ = false;
};

}  // namespace flame::runner
