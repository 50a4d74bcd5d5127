// Who is where, by the words of a pool's events and actions: holds each step of the policy against the rules.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "host/src/policy/pool_policy.hpp"
#include "host/src/trace/step_observer.hpp"
#include "tests/sim/version_books.hpp"
#include "tests/sim/watch.hpp"

namespace flame::sim {

class HostBooks final : public pool::StepObserver {
 public:
  explicit HostBooks(Context& sim) : sim_(sim), watch_(sim), versions_(sim) {}

  void on_step(const pool::Event& event, const pool::Actions& actions, const pool::PoolPolicy& policy,
               Instant now) override;

  /// An answer that a caller has been promised.
  struct Answer {
    CallId call = 0;
    ErrorCode code = ErrorCode::none;
    std::vector<std::uint64_t> objects;  // that its caller has from now on
  };
  /// Since the last time, in order.
  [[nodiscard]] std::vector<Answer> take_answers() { return std::exchange(answers_, {}); }

  [[nodiscard]] bool drained() const noexcept { return drained_; }
  [[nodiscard]] const pool::PoolPolicy& policy() const noexcept { return *policy_; }
  [[nodiscard]] const PolicyWatch& watch() const noexcept { return watch_; }
  /// Calls may go to it.
  [[nodiscard]] bool gets_calls(RunnerId runner) const;
  /// Runners that are connected, by the pool's knowledge.
  [[nodiscard]] std::vector<RunnerId> connected() const;

 private:
  struct Peer {
    std::set<CallId> leases;
    std::map<CallId, CallId> inside;  // by lease: the call on its objects that was sent
    bool connected = false;
    bool admitted = false;
    bool silent = false;   // gets no new calls
    bool leaving = false;  // told or allowed to go, or dead: nothing may be sent to it
    std::uint64_t sends = 0;
    Instant ends = kNever;  // its machine, as its pool has been told
  };

  template <class Other>
  void take(const Other&) {}
  void take(const pool::event::RunnerHello& hello);
  void take(const pool::event::RunnerLost& lost);
  void take(const pool::event::Submit& submit);
  void take(const pool::event::MachineExited& exited);
  void take(const pool::event::MachineEnds& ends);
  void take(const pool::event::Retire& retire);
  void take(const pool::event::Result& result);
  void take(const pool::event::Ended& ended);
  void take(const pool::event::EndLease& stop);

  template <class Other>
  void note(const Other&) {}
  void note(const pool::action::Boot& boot);
  void note(const pool::action::Admit& admit);
  void note(const pool::action::Send& send);
  void note(const pool::action::Complete& complete);
  void note(const pool::action::LeaseEnded& ended);
  void note(const pool::action::RetireReply& reply);
  void note(const pool::action::Destroy& destroy);
  void note(const pool::action::Quiet& quiet);
  void note(const pool::action::Drained&);

  [[nodiscard]] Peer* find(RunnerId runner);
  void check_send(const pool::action::Send& send, const Peer& peer);
  void check_end(const pool::action::Send& send, const Peer& peer);
  void book(const pool::action::Send& send, Peer& peer);
  void leaves(Peer& peer);
  [[nodiscard]] HostCounts counts() const;

  Context& sim_;
  PolicyWatch watch_;
  VersionBooks versions_;
  const pool::PoolPolicy* policy_ = nullptr;
  std::map<RunnerId, Peer> peers_;
  std::uint64_t leases_ = 0;
  std::map<CallId, std::vector<std::uint64_t>> left_;  // by calls that have not been completed
  std::vector<Answer> answers_;
  std::set<CallId> children_;
  bool machines_end_ = false;  // some do
  bool forced_ = false;        // the Retire that is being answered
  bool drained_ = false;
};

}  // namespace flame::sim
