// The host's side of one session, as host/src/transport/session keeps it: a queue that sockets may refuse, from which
// calls can be withdrawn; results that are whole only when both connections have brought their part.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "tests/sim/link.hpp"

namespace flame::sim {

/// Who hears what the session makes of its messages.
class SessionSink {
 public:
  virtual ~SessionSink() = default;
  virtual void on_event(pool::Event event) = 0;
};

class HostSession {
 public:
  struct Invocation {
    CallId call = 0;
    CallId lease = 0;
    DigestId digest = 0;
    Instant deadline = kNever;
    std::uint32_t attempt = 1;
    bool linked = true;
    bool large = false;  // its arguments travel on bulk
  };

  HostSession(Context& sim, SessionSink& sink, Link& link, std::uint64_t id)
      : sim_(sim), sink_(sink), link_(link), id_(id) {}

  [[nodiscard]] RunnerId runner() const noexcept { return link_.runner(); }
  [[nodiscard]] Link& link() const noexcept { return link_; }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint64_t sent_seq() const noexcept { return sent_seq_; }

  void send(const Invocation& invocation) { queue_.emplace_back(invocation); }
  /// True: it was still queued and will never be sent.
  bool cancel(CallId call, wire::CancelReason reason);
  void post(wire::Body body);
  void beat();
  void heard_beat(std::uint64_t number) noexcept { echo_ = number; }
  /// The sockets take nothing until then.
  void park(Instant until) noexcept { parked_until_ = until; }
  [[nodiscard]] Instant parked_until() const noexcept { return parked_until_; }
  [[nodiscard]] bool has_work() const noexcept { return !queue_.empty(); }
  void flush();
  /// Drops what is queued and tries once to say goodbye.
  void say_last(wire::Body body);

  /// The runner's second connection is there.
  void attach_bulk();
  /// Begun, Result, Ended and Chunk.
  void on_message(wire::Body&& body);

 private:
  using Item = std::variant<Invocation, wire::Body>;

  void put(const Invocation& invocation);
  void on_result(wire::Result&& result);
  void on_ended(CallId call);
  void finish_if_whole(std::uint64_t transfer);

  Context& sim_;
  SessionSink& sink_;
  Link& link_;
  std::uint64_t id_;
  std::deque<Item> queue_;
  Instant parked_until_{};
  std::uint64_t sent_seq_ = 0;
  std::uint64_t echo_ = 0;
  bool bulk_attached_ = false;
  std::vector<wire::Chunk> unsent_chunks_;             // until then
  std::set<std::uint64_t> chunks_;                     // transfers whose bytes are here
  std::map<std::uint64_t, CallId> incoming_;           // transfers that are results
  std::map<CallId, bool> awaited_;                     // calls in incoming_; true: Ended has come meanwhile
  std::map<CallId, std::vector<std::uint64_t>> left_;  // objects that their results name
  std::vector<wire::RetireReply> held_;                // until incoming_ is empty
};

}  // namespace flame::sim
