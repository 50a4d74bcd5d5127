// Acts for one pool: turns what happens into PoolPolicy's events and carries out its actions.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <flame/pool.hpp>

#include "host/src/api/pool_front.hpp"
#include "host/src/loop/machine_maker.hpp"
#include "host/src/policy/pool_policy.hpp"
#include "host/src/trace/pool_trace.hpp"
#include "host/src/trace/status.hpp"
#include "host/src/trace/step_observer.hpp"
#include "host/src/transport/listeners.hpp"
#include "host/src/transport/session_table.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// The loop's parts that a pool acts through, and what all runners of a host are told.
struct DriverServices {
  SessionTable* sessions = nullptr;
  MachineMaker* machines = nullptr;
  const BackendRoom* room = nullptr;  // null: no backend has a limit
  Listeners* listeners = nullptr;
  CallHistory* history = nullptr;
  base::Logger log;
  wire::Parent parent;  // protocol, incarnation, host_name, failsafe_ns; the rest is filled in per runner
  std::map<std::string, std::string> advertise;  // by backend; without it: "auto"
  Liveness liveness;
  bool nested = false;               // this process is itself a runner's
  bool ends_are_told = false;        // see PoolPolicy::Options
  std::uint64_t seed = 0;            // of what pools leave to chance
  StepObserver* observer = nullptr;  // may be null
  std::function<void(std::uint32_t pool, const action::Prepared&)>
      prepared;  // feeds nothing to the driver; may be empty
};

/// Loop thread.
class PoolDriver final : public RunnerEvents {
 public:
  PoolDriver(std::shared_ptr<detail::PoolFront> core, DriverServices services);
  ~PoolDriver() = default;
  PoolDriver(const PoolDriver&) = delete;
  PoolDriver& operator=(const PoolDriver&) = delete;

  /// Leaves `call` as it is if it throws before the call is this driver's.
  void submit(std::shared_ptr<RemoteCall>&& call, Instant now);
  void take(command::Refused&& refused, Instant now);
  template <class Event>
  void take(command::Tell<Event>&& tell, Instant now) {
    on(tell.event, now);
  }
  void take(command::Resize&& resize, Instant now);
  void take(command::Drain&& drain, Instant now);
  void take(command::AskStats&& ask, Instant now);
  /// Feeds one event and carries out what follows from it. Called at least once a beat, with Tick: a longer pause means
  /// that this process stood still.
  void on(Event event, Instant now);
  [[nodiscard]] Instant next_wakeup() const { return policy_.next_wakeup(); }
  /// Null: it has not dialled in, or its connection has ended.
  [[nodiscard]] Session* session_of(RunnerId runner) const;

  void on_hello(Session& session, const wire::Hello& hello, Instant now) override;
  void on_notice(Session& session, const wire::Body& body, Instant now) override;
  void on_heard(RunnerId runner, Instant now) override;
  void on_lost(Session& session, const std::string& reason, Instant now) override;
  void on_begun(RunnerId runner, CallId call, Instant now) override;
  void on_result(RunnerId runner, CallId call, std::optional<Error> error, detail::Payload payload,
                 Instant now) override;
  void on_ended(RunnerId runner, CallId call, std::optional<Error> why, Instant now) override;
  void on_output(RunnerId runner, const wire::Output& output) override;
  void on_progress(RunnerId runner, const wire::Progress& progress) override;
  void on_boot(RunnerId runner, const std::optional<BootFailure>& failure, Instant now);

  /// PoolPolicy::prepared().
  [[nodiscard]] action::Prepared prepared(DigestId digest, Instant now) const { return policy_.prepared(digest, now); }

  // pool_status.cpp
  [[nodiscard]] control::PoolStatus status(Instant now) const;
  [[nodiscard]] control::CallReport explain(const CallStory& story, Instant now) const;
  /// The loop ends: every call that is left fails with shutting_down and this message.
  void abandon(const std::string& why, Instant now) noexcept;
  /// The same for one call, whether it was submitted or not.
  void abandon(const std::shared_ptr<RemoteCall>& call, const std::string& why) noexcept;

 private:
  struct Draining {
    Instant limit;
    detail::UniqueFunction<void(bool)> done;
  };

  void perform(const action::Boot& boot, Instant now);
  void perform(const action::Admit& admit);
  void perform(const action::Reject& reject);
  void perform(const action::Send& send, Instant now);
  void perform(const action::CancelRemote& cancel, Instant now);
  void perform(const action::Withdraw& withdraw, Instant now);
  void perform(action::Complete& complete);
  void perform(const action::RetireReply& reply);
  void perform(const action::DrainRunner& drain);
  void perform(const action::Destroy& destroy);
  void perform(const action::Callback& callback);
  void perform(const action::Drained& drained, Instant now);
  void perform(action::ReleaseObjects& release);
  void perform(action::LeaseEnded& ended);
  void perform(const action::Quiet& quiet);
  void perform(const action::Load& load, Instant now);
  void perform(const action::EndGeneration& end, Instant now);
  void perform(const action::Prepared& prepared);
  void step(const Event& event, Instant now, Actions& actions);

  [[nodiscard]] std::string runner_name(RunnerId runner) const;
  /// Why this runner cannot take the plugin while it runs.
  [[nodiscard]] std::optional<Error> cannot_load(const Session& session, DigestId digest) const;
  bool on_generation(const SessionInfo& runner, const wire::Body& body, Instant now);
  [[nodiscard]] Result<void> put_files_back(const std::vector<DigestId>& digests) const;
  [[nodiscard]] wire::Parent parent_for(const action::Boot& boot, std::uint64_t nonce, KeyPair keys) const;
  [[nodiscard]] BootRequest request_for(const action::Boot& boot, wire::Parent parent) const;
  [[nodiscard]] control::RunnerStatus describe(const PoolPolicy::RunnerView& view, Instant now) const;
  void finish(const std::shared_ptr<RemoteCall>& call, Result<detail::Payload> outcome);
  void answer(const std::shared_ptr<RemoteCall>& call, action::Complete& complete);
  void make_handles_for(RemoteCall& call, RunnerId runner);
  void lost(const Session& session, const std::string& reason, bool goodbye, Instant now);
  void tell_drained(Instant now);
  [[nodiscard]] PoolStats stats() const;

  std::shared_ptr<detail::PoolFront> core_;
  DriverServices services_;
  const PoolConfig& config_;
  PoolPolicy policy_;
  PoolTrace trace_;
  base::Standstill standstill_;
  std::unordered_map<CallId, std::shared_ptr<RemoteCall>> calls_;
  std::unordered_map<CallId, std::shared_ptr<HeldLease>> leases_;  // that outlived their call
  std::unordered_map<RunnerId, Session*> sessions_;
  std::deque<Event> events_;
  bool busy_ = false;
  bool drained_ = false;
  std::vector<Draining> draining_;
};

}  // namespace flame::pool
