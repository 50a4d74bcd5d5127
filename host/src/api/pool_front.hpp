// What the handles of one pool share: its configuration, its plugins, the way to the loop, the user's callbacks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <flame/config.hpp>
#include <flame/detail/call_state.hpp>
#include <flame/pool.hpp>

#include "host/src/api/object_handles.hpp"
#include "host/src/calls/call.hpp"
#include "host/src/calls/executor.hpp"
#include "host/src/calls/inbox.hpp"
#include "host/src/calls/queue_gate.hpp"
#include "host/src/plugins/catalog.hpp"
#include "host/src/plugins/task_finder.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// The user's callbacks; empty ones are not called. Shared pointers: one may be replaced while it runs.
template <class Event>
using Callback = std::shared_ptr<detail::UniqueFunction<void(const Event&)>>;
}  // namespace flame::pool

namespace flame::detail {

/// Usable from any thread. Outlives the host in the hands of Pool handles; calls then fail with shutting_down.
class PoolFront : public std::enable_shared_from_this<PoolFront> {
 public:
  struct Parts {
    std::uint32_t index = 0;
    std::string name;
    PoolConfig config;
    std::shared_ptr<const pool::Catalog> catalog;
    std::vector<pool::DigestId> plugins;  // that it begins with
    std::shared_ptr<pool::Inbox> inbox;
    std::shared_ptr<pool::Executor> executor;
    base::Logger log;
  };
  using Plugins = std::vector<const pool::CatalogPlugin*>;
  explicit PoolFront(Parts parts);

  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  [[nodiscard]] const std::string& name() const noexcept { return parts_.name; }

  [[nodiscard]] std::shared_ptr<CallState> submit(CallSpec spec);
  /// A slot has one plugin: what is called on objects at `destination` is that plugin's.
  [[nodiscard]] Result<pool::TaskRef> find_task(const CallSpec& spec, const pool::Destination& destination = {});

  /// What serves the calls that are submitted now, in the order of `[pools] plugins`. Takes no lock; what it returns
  /// lives as long as this.
  [[nodiscard]] const Plugins& plugins() const noexcept { return *plugins_.load(std::memory_order_acquire); }
  /// From now on `plugin` has this place. Loop thread.
  void serve(std::size_t place, const pool::CatalogPlugin& plugin);

  /// Which calls may join those that wait.
  [[nodiscard]] pool::QueueGate& gate() noexcept { return *gate_; }

  /// The loop has written down a call that was refused.
  void refusal_told() noexcept { refusals_untold_.fetch_sub(1); }

  template <class Event>
  void set_callback(UniqueFunction<void(const Event&)> callback) {
    auto shared = callback ? std::make_shared<UniqueFunction<void(const Event&)>>(std::move(callback)) : nullptr;
    const std::lock_guard lock(mutex_);
    slot<Event>().swap(shared);  // the old one is destroyed without the lock: user code
  }
  template <class Event>
  [[nodiscard]] bool listens() {
    const std::lock_guard lock(mutex_);
    return slot<Event>() != nullptr;
  }
  /// Calls the user's callback on the executor; events of one pool keep their order. False: there is none, or the host
  /// has ended and this is about what a callback did.
  template <class Event>
  bool notify(Event event) {
    pool::Callback<Event> callback;
    {
      const std::lock_guard lock(mutex_);
      callback = slot<Event>();
    }
    if (callback == nullptr) return false;
    return strand_->post([callback = std::move(callback), event = std::move(event)] { (*callback)(event); });
  }
  /// To on_log, else to the host's log. Loop thread. Dropped when limits::kChatterWaitingMax events wait for on_log.
  void log_output(LogEvent event);
  /// To on_progress and to the call's own `watcher`, if there are any. Loop thread. Dropped like output.
  void report_progress(ProgressEvent event, pool::Task watcher);
  /// To on_cast_error, else to the host's log.
  void cast_failed(std::uint64_t call, const std::string& task, const Error& error);

 private:
  template <class Event>
  pool::Callback<Event>& slot() noexcept {
    return std::get<pool::Callback<Event>>(callbacks_);
  }
  void publish(Plugins plugins);
  [[nodiscard]] static std::optional<Error> check_kind(const CallSpec& spec, const manifest::TaskEntry& entry);
  [[nodiscard]] Result<pool::CallRecord> make_record(CallSpec& spec);
  [[nodiscard]] std::optional<Error> hand_over(const std::shared_ptr<pool::RemoteCall>& call, bool blocking);
  void refuse(pool::RemoteCall& call, Error error);

  Parts parts_;
  std::vector<std::unique_ptr<const Plugins>> snapshots_;  // no two are equal; callers may read any of them
  std::atomic<const Plugins*> plugins_{nullptr};
  pool::TaskFinder tasks_;
  std::shared_ptr<pool::Strand> strand_;
  std::shared_ptr<pool::QueueGate> gate_;
  std::atomic<std::uint32_t> refusals_untold_{0};      // pushed to the loop, not yet there
  std::atomic<std::uint64_t> cast_errors_dropped_{0};  // since the last one that was not
  std::uint64_t output_dropped_ = 0;                   // bytes, since the last output that was not
  std::mutex mutex_;
  std::tuple<pool::Callback<ProgressEvent>, pool::Callback<LogEvent>, pool::Callback<CastError>,
             pool::Callback<GrowStart>, pool::Callback<GrowEnd>, pool::Callback<Shrink>>
      callbacks_;
};

}  // namespace flame::detail
