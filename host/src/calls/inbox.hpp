// What callers and backends hand to the loop thread: a queue that wakes it, and that refuses once the loop has ended.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/src/calls/commands.hpp"
#include "host/src/calls/forked.hpp"
#include "host/src/calls/loop_leader.hpp"
#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/fork_guard.hpp"

namespace flame::pool {

/// Shared by the loop, the pools, their calls and the callbacks given to backends; outlives the loop. Not bounded
/// itself: who pushes is (calls: QueueGate; each call's cancel once; machines and objects by their number).
class Inbox {
 public:
  /// `later`: the caller calls LoopLeader::lead_until() in a moment.
  enum class Wake : std::uint8_t { now, later };
  /// False: the loop has ended or is that of another process (fork), and `command` was not taken. [any thread]
  [[nodiscard]] bool push(Command&& command, Wake wake = Wake::now);
  /// Why push() refuses. [any thread]
  [[nodiscard]] Error refusal();
  [[nodiscard]] bool forked() const noexcept { return fork_guard_.in_child(); }
  /// Where the loop runs. [any thread]
  [[nodiscard]] LoopLeader& leader() noexcept { return leader_; }
  /// A number for a new call. [any thread]
  [[nodiscard]] CallId next_call() noexcept { return next_call_.fetch_add(1, std::memory_order_relaxed) + 1; }

  // --- by whoever leads
  /// Replaces the contents of `out` by what waits.
  void take_all(std::vector<Command>& out);
  /// Announces that the loop is about to sleep; false when something waits already.
  [[nodiscard]] bool prepare_sleep();
  /// From now on push() refuses, for this reason. What waits is still there for take_all().
  void close(const std::string& why) noexcept;

 private:
  std::mutex mutex_;
  std::vector<Command> commands_;
  bool closed_ = false;
  bool sleeping_ = false;
  std::string why_closed_;
  base::ForkGuard fork_guard_;
  LoopLeader leader_;
  std::atomic<CallId> next_call_ = 0;
};

}  // namespace flame::pool
