// Pool: the handle through which tasks are called. BoundPool: the same with options for the calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <flame/contract.hpp>
#include <flame/detail/call_state.hpp>
#include <flame/detail/calls.hpp>
#include <flame/detail/unique_function.hpp>
#include <flame/future.hpp>
#include <flame/options.hpp>
#include <flame/pool_stats.hpp>

namespace flame {

/// A line that a task wrote, or that the host has to say about a runner.
struct LogEvent {
  enum class Source : std::uint8_t { standard_output, standard_error, log };
  std::string pool;
  std::string runner;
  std::uint64_t call = 0;  ///< Future::id(); 0: belongs to no call
  std::string task;
  Source source = Source::log;
  int level = 1;              ///< 0 debug, 1 info, 2 warning, 3 error
  std::string text;           ///< one or more lines, without the last newline
  std::uint64_t dropped = 0;  ///< bytes of output that were not kept before this text
};
struct ProgressEvent {
  std::string pool;
  std::uint64_t call = 0;
  std::string task;
  double fraction = 0;  ///< in [0, 1]
  std::string message;
};
struct CastError {
  std::string pool;
  std::uint64_t call = 0;
  std::string task;
  Error error;
};
/// A runner is being booted because calls wait or are expected. `count` in this and the next two: PoolStats::runners +
/// booting right after the event. As in FLAME, boots that only keep `min` up are not told.
struct GrowStart {
  std::string pool;
  std::uint32_t count = 0;
  std::string runner;
  std::string backend;  ///< of the pool's, the one that is asked first
};
/// How that boot ended; one for each GrowStart.
struct GrowEnd {
  std::string pool;
  std::uint32_t count = 0;
  bool ok = true;
  Error error;  ///< if not ok: boot_failed, or shutting_down for a boot that the pool's end overtook. One that took too
                ///< long says in which phase it was for how long
  std::string runner;
  std::string backend;  ///< the one that was asked last
};
/// A runner is gone, whatever for and whoever wanted it.
struct Shrink {
  std::string pool;
  std::uint32_t count = 0;
  std::string runner;
  std::string reason;  ///< "idle", "single use completed", "killed by signal 9 (Killed)", …: for people
};

class BoundPool;
struct TaskInfo;

/// A handle to one pool of a Host; cheap to copy, used from any number of threads at once. It may outlive the host:
/// calls then fail with `shutting_down`.
///
/// The calls (F is a task's function; arguments are its own parameters, without a leading Context&):
///   call<F>(args…)      waits; the result, or throws CallError
///   try_call<F>(args…)  waits; Result<R>
///   async<F>(args…)     Future<R>; never blocks
///   cast<F>(args…)      fire and forget; a failure goes to the log and to on_cast_error. Only a timeout
///                       of its own (with()) or of its task ends it, neither PoolConfig::timeout nor
///                       boot_timeout
///   place_child<F>(args…)  waits until factory F has made its object, in a slot of its own: Child<T>, or throws
///                       CallError (what F threw is `task_failed`); try_place_child<F> gives Result<Child<T>>. The
///                       timeout bounds queue, boot and F; the child lives until it ends (see Child)
/// Tracked resources and children hold their slot (`slots_busy`) and keep their runner up until they are gone.
/// Arguments are encoded before the call returns; lvalues are not copied before that. Errors: error.hpp.
class Pool : public detail::Calls<Pool> {
 public:
  /// For internal use; pools come from Host::pool().
  explicit Pool(std::shared_ptr<detail::PoolFront> core) noexcept : core_(std::move(core)) {}

  /// Its name in the configuration. [any thread]
  [[nodiscard]] std::string name() const;

  /// The same calls with options: `pool.with({.timeout = 5min, .link = false}).call<f>(x)`.
  [[nodiscard]] BoundPool with(CallOptions options) const;

  /// What the pool has and does at this moment. Waits for the host's loop to answer: microseconds, unless the process
  /// is starved. All zeros after the host has been shut down. [any thread]
  [[nodiscard]] PoolStats stats() const;
  /// New bounds, at once: boots up to `min`, lets idle runners above `max` go. Waits as stats() does. Throws CallError:
  /// `invalid_argument` if min > max or max is over limits::kRunnersCeiling, `shutting_down` after the host has been
  /// shut down. [any thread]
  void resize(std::uint32_t min, std::uint32_t max);
  /// About `calls` more calls will come within `within`: boots runners for them now, within max, and keeps that many
  /// slots free until the calls have come or the time has passed. Replaces the hint before; expect(0) takes it back.
  /// Does not wait; ignored after the host has been shut down. [any thread]
  void expect(std::uint32_t calls, TimeLimit within = std::chrono::seconds(30));
  /// Refuses new calls from now on (`shutting_down`), waits up to `timeout` for the accepted ones, then ends the
  /// runners. False: the timeout passed, the rest was cancelled. True at once after the host has been shut down.
  /// [any thread, but not from a callback]
  bool drain(TimeLimit timeout);

  // Callbacks. One per kind, a new one replaces the old; an empty one removes it. They run on the callback threads of
  // the host, may call anything in this library but shutdown and drain, and what they throw is logged and dropped.
  // As many as limits::kCallbacksWaitingMax (1,000) may wait at once for futures that other callbacks make ready; of
  // those that wait for calls, or block outside this library, 64 do not hold the others up.
  void on_progress(detail::UniqueFunction<void(const ProgressEvent&)> callback);
  void on_log(detail::UniqueFunction<void(const LogEvent&)> callback);  ///< replaces the host's log for task output
  void on_cast_error(detail::UniqueFunction<void(const CastError&)> callback);
  void on_grow_start(detail::UniqueFunction<void(const GrowStart&)> callback);
  void on_grow_end(detail::UniqueFunction<void(const GrowEnd&)> callback);
  void on_shrink(detail::UniqueFunction<void(const Shrink&)> callback);

  /// For internal use.
  [[nodiscard]] const std::shared_ptr<detail::PoolFront>& core() const noexcept { return core_; }

 private:
  friend class detail::Calls<Pool>;
  [[nodiscard]] CallOptions call_options() const { return {}; }

  std::shared_ptr<detail::PoolFront> core_;
};

/// A Pool whose calls use these CallOptions. The same rules as for Pool.
class BoundPool : public detail::Calls<BoundPool> {
 public:
  BoundPool(std::shared_ptr<detail::PoolFront> core, CallOptions options) noexcept
      : core_(std::move(core)), options_(std::move(options)) {}
  /// For internal use.
  [[nodiscard]] const std::shared_ptr<detail::PoolFront>& core() const noexcept { return core_; }

 private:
  friend class detail::Calls<BoundPool>;
  [[nodiscard]] const CallOptions& call_options() const noexcept { return options_; }

  std::shared_ptr<detail::PoolFront> core_;
  CallOptions options_;
};

inline BoundPool Pool::with(CallOptions options) const {
  return {core_, std::move(options)};
}

}  // namespace flame
