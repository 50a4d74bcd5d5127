// The host of a simulated world: the real PoolPolicy, and a model of the driver that acts for it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/src/policy/pool_policy.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "tests/sim/host_session.hpp"
#include "tests/sim/watch.hpp"

namespace flame::sim {

/// What boots and destroys machines, as the host sees it.
class MachineMaker {
 public:
  virtual ~MachineMaker() = default;
  virtual void boot(RunnerId runner, const std::vector<DigestId>& digests) = 0;
  virtual void destroy(RunnerId runner) = 0;
};

class HostModel final : public LinkEnd, public SessionSink {
 public:
  HostModel(Context& sim, MachineMaker& maker);
  void start();

  // --- callers
  void submit(const pool::event::Submit& submit);
  void cancel(CallId call);
  void drain(Duration grace);
  void resize(std::uint32_t min, std::uint32_t max);
  void expect(std::uint64_t calls, Duration within);
  void release(CallId lease, std::uint64_t object);
  void stop_lease(CallId lease);
  /// Called with what a call has left for its caller.
  void on_objects(std::function<void(CallId, const std::vector<std::uint64_t>&)> callback) {
    on_objects_ = std::move(callback);
  }
  void update(std::vector<DigestId> plugins) { policy_.set_plugins(std::move(plugins)); }

  // --- machines
  void on_boot(RunnerId runner, bool failed, bool permanent);
  void on_exit(RunnerId runner);
  void park_some_socket(Instant until);

  // --- LinkEnd and SessionSink
  void on_message(Link& link, Line line, wire::Envelope&& envelope) override;
  void on_disconnected(Link& link) override;
  void on_event(pool::Event event) override;

  /// Its process stands still; what comes meanwhile is looked at when it goes on.
  void freeze();
  void thaw();
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }

  /// Nothing is decided or sent any more.
  void die() { dead_ = true; }
  [[nodiscard]] bool alive() const noexcept { return !dead_; }
  [[nodiscard]] bool drained() const noexcept { return drained_; }
  [[nodiscard]] const pool::PoolPolicy& policy() const noexcept { return policy_; }
  [[nodiscard]] const PolicyWatch& watch() const noexcept { return watch_; }
  /// Some runner cannot load this digest.
  [[nodiscard]] bool broken_somewhere(DigestId digest) const;

 private:
  struct Peer {
    std::set<DigestId> serves;
    std::set<DigestId> broken;
    std::set<CallId> leases;
    std::map<CallId, CallId> inside;  // by lease: the call on its objects that was sent
    bool admitted = false;
    bool silent = false;   // gets no new calls
    bool leaving = false;  // told or allowed to go, or dead: nothing may be sent to it
    std::uint64_t sends = 0;
    HostSession* session = nullptr;
  };

  void feed(pool::Event event);
  void take_step(const pool::Event& event);
  [[nodiscard]] bool defer(std::function<void()> task);
  void perform(const pool::action::Boot& boot);
  void perform(const pool::action::Admit& admit);
  void perform(const pool::action::Reject& reject);
  void perform(const pool::action::Send& send);
  void perform(const pool::action::CancelRemote& cancel);
  void perform(const pool::action::Complete& complete);
  void perform(const pool::action::RetireReply& reply);
  void perform(const pool::action::DrainRunner& drain);
  void perform(const pool::action::Destroy& destroy);
  void perform(const pool::action::Callback&) {}
  void perform(const pool::action::Quiet& quiet);
  void perform(const pool::action::ReleaseObjects& release);
  void perform(const pool::action::LeaseEnded& ended);
  void perform(const pool::action::Drained&);

  [[nodiscard]] HostSession* session_of(const Link& link) const;
  void on_hello(Link& link, const wire::Hello& hello);
  void on_notice(HostSession& session, wire::Body&& body);
  void close(HostSession& session, std::optional<wire::Body> farewell);
  void check_send(const pool::action::Send& send, const Peer& peer);
  void leaves(Peer& peer);
  void book(const pool::action::Send& send, Peer& peer);
  void flush();
  void arm();
  void beat();
  [[nodiscard]] HostCounts counts() const;
  void free_slot(const pool::Event& event);

  Context& sim_;
  MachineMaker& maker_;
  pool::PoolPolicy policy_;
  PolicyWatch watch_;
  std::map<RunnerId, Peer> peers_;
  std::set<RunnerId> greeted_;  // one hello is good once
  std::map<RunnerId, std::unique_ptr<HostSession>> sessions_;
  std::vector<std::unique_ptr<HostSession>> closed_;
  std::uint64_t next_session_ = 1;
  std::uint64_t leases_ = 0;
  std::deque<pool::Event> events_;
  std::map<CallId, std::vector<std::uint64_t>> left_;  // by calls that have not been completed
  std::function<void(CallId, const std::vector<std::uint64_t>&)> on_objects_;
  bool busy_ = false;
  bool frozen_ = false;
  std::vector<std::function<void()>> deferred_;  // while it stands still
  base::Standstill standstill_{limits::kStandstillBeats * limits::kBeatInterval};
  bool dead_ = false;
  bool forced_ = false;  // the Retire that is being answered
  bool drained_ = false;
  Instant armed_ = kNever;
};

}  // namespace flame::sim
