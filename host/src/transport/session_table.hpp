// Who is connected: admits runners that know their nonce, maps connections to sessions, drops what does not belong.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/src/transport/session.hpp"
#include "host/src/transport/transport.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/wire/envelope.hpp"

namespace flame::pool {

/// Not 0; from the kernel's random numbers.
[[nodiscard]] std::uint64_t random_session_id();

/// Loop thread.
class SessionTable {
 public:
  /// `new_session` gives ids of sessions: never twice the same, and none that a stranger could guess.
  SessionTable(Transport& transport, base::Logger log, std::uint64_t incarnation,
               std::function<std::uint64_t()> new_session = random_session_id);
  ~SessionTable();

  /// Hears of the runners of the next pool: pools are numbered by position.
  void add_pool(RunnerEvents& events) { pools_.push_back(&events); }

  /// A runner that was asked of a backend. One hello is accepted from it, with this nonce and over this key.
  struct Expected {
    RunnerKey runner;
    std::uint64_t nonce = 0;
    std::string public_key;
    std::uint64_t payload_max = 0;
    Duration boot_timeout{};  ///< from the hello to the second connection, too
    bool used = false;
  };
  void expect(const std::string& name, Expected expected);
  /// Its key is refused from now on.
  void forget(const std::string& name);

  /// Moves messages from the sockets to the pools: control first, then a few of bulk. False: there was nothing.
  bool receive(Instant now);
  /// Sends what is queued. more: call again soon; parked: libzmq does not take it now.
  Session::Flushed flush(Instant now);
  /// Beats to all; ends those whose second connection is overdue, unless this beat comes `late` itself: what this
  /// process did not read while it stood still may be on its way.
  void beat_all(Instant now, bool late);

  /// Refuses a runner after its hello.
  void refuse(Session& session, ErrorCode code, const std::string& reason);
  /// Says `farewell` instead of what is queued, then forgets the session; its object lives until the next reap().
  void close(Session& session, std::optional<wire::Body> farewell);
  /// Frees closed sessions. Outside of any callback.
  void reap() { closed_.clear(); }

 private:
  int receive(Line line, int most, Instant now);
  bool lose_gone(bool drained, Instant now);
  void dispatch(Incoming&& message, Instant now);
  void on_stranger(const Incoming& message, wire::Envelope&& envelope, Instant now);
  void on_first_hello(const Incoming& message, const wire::Hello& hello, Instant now);
  void on_bulk_hello(const Incoming& message, std::uint64_t session);
  void deliver(Session& session, wire::Body&& body, std::span<const std::byte> payload, Instant now);
  void deliver_batch(Session& session, const wire::Batch& batch, std::span<const std::byte> frame, Instant now);
  [[nodiscard]] const char* objection(const Incoming& message, const wire::Hello& hello) const;
  void lose(Session& session, const std::string& reason, Instant now);
  void report(const std::string& what, const std::string& peer);

  Transport& transport_;
  std::vector<RunnerEvents*> pools_;
  base::Logger log_;
  std::uint64_t incarnation_;
  std::function<std::uint64_t()> new_session_;
  std::map<std::string, Expected, std::less<>> expected_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Session>> sessions_;  // by id
  std::unordered_map<std::uint64_t, Session*> by_peer_;
  Unsent unsent_;
  std::vector<PeerId> gone_;  // their connections have ended; what they said before that is still read
  int last_words_ = 0;        // turns since the first of them was found
  std::vector<std::unique_ptr<Session>> closed_;
  // The last ones that ended: what they still say is no news.
  std::deque<std::uint64_t> former_sessions_;
  std::deque<std::uint64_t> former_peers_;
  std::uint64_t complaints_ = 0;
  bool shut_ = false;  // the port, for strangers; that has been said
};

}  // namespace flame::pool
