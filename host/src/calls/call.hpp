// One call as the loop and its caller share it, and the result of a `then`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <flame/detail/call_state.hpp>

#include "host/src/calls/inbox.hpp"
#include "host/src/calls/queue_gate.hpp"
#include "host/src/calls/waitable.hpp"
#include "host/src/policy/events.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::detail {
class PoolFront;
}

namespace flame::pool {

class HeldLease;

/// What a call needs on its way; constant after submit(), except `arguments`, which the loop drops.
struct CallRecord {
  event::Submit submit;    // what the policy is told
  wire::Invoke invoke;     // what the runner is told; who sends it adds what belongs to one attempt
  std::uint32_t pool = 0;  // position in the host
  std::string plugin;      // "video@1.4.0"
  std::string task;
  detail::Payload arguments;
  std::uint64_t wire_bytes = 0;
  bool cast = false;
  bool child = false;                         // makes a child
  std::shared_ptr<HeldLease> lease;           // where the objects live that it uses; null: it uses none
  std::vector<detail::ObjectHandle> handles;  // of those objects: they live as long as the call, which drops these
  detail::UniqueFunction<void(double, const std::string&)> on_progress;

  /// In both messages.
  void set_id(CallId id) { submit.call = invoke.id = id; }
  void set_linked(bool linked) { submit.linked = invoke.linked = linked; }
  void set_lease(CallId lease_id) { submit.lease = invoke.lease = lease_id; }
};

/// The state behind a Future of remote work. `record` belongs to the loop once it was submitted.
class RemoteCall final : public Waitable {
 public:
  RemoteCall(std::shared_ptr<Executor> executor, std::shared_ptr<Inbox> inbox, CallRecord call)
      : Waitable(std::move(executor), &inbox->leader()),
        record(std::move(call)),
        id_(record.submit.call),
        linked_(record.submit.linked),
        inbox_(std::move(inbox)) {}

  CallRecord record;
  std::optional<detail::Payload> result;  // of the last Result message; loop thread
  std::string last_warning;               // a short one in its log, its runner's or its own; loop thread
  /// Handles to the objects that the result names; set before complete().
  std::unique_ptr<detail::ObjectSource> objects;
  QueueGate::Ticket ticket;  // until it gets a slot or an answer; the caller's before submission, then the loop's

  [[nodiscard]] std::uint64_t id() const noexcept override { return id_; }
  void cancel() noexcept override;
  void drop() noexcept override;
  void detach() noexcept override { linked_.store(false); }
  [[nodiscard]] Result<detail::Payload> take() override { return std::move(outcome_); }
  [[nodiscard]] std::unique_ptr<detail::ObjectSource> take_objects() override { return std::move(objects); }

  /// The one completion. Loop thread, or the caller's before submission.
  void complete(Result<detail::Payload> outcome);
  /// cancel() when `token` is stopped.
  void cancel_on(const std::stop_token& token);

 private:
  struct Canceller {
    std::weak_ptr<Waitable> call;
    void operator()() const noexcept;
  };

  std::uint64_t id_;
  std::atomic<bool> linked_;
  std::atomic<bool> cancel_asked_{false};
  std::shared_ptr<Inbox> inbox_;
  Result<detail::Payload> outcome_ = detail::Payload{};
  std::optional<std::stop_callback<Canceller>> stop_;
};

/// What `then` returns is behind this: no remote work of its own, but the link to its parent.
class LocalCall final : public Waitable {
 public:
  LocalCall(std::shared_ptr<Executor> executor, std::shared_ptr<CallState> parent)
      : Waitable(std::move(executor)), parent_(std::move(parent)) {}

  [[nodiscard]] std::uint64_t id() const noexcept override { return 0; }
  void cancel() noexcept override { parent_->cancel(); }
  void drop() noexcept override { parent_->drop(); }
  void detach() noexcept override { parent_->detach(); }
  [[nodiscard]] Result<detail::Payload> take() override { return detail::Payload{}; }
  void complete() { set_ready(); }

 private:
  std::shared_ptr<CallState> parent_;
};

}  // namespace flame::pool
