// Asks plugins, in their slots, whether an idle runner may go.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_set>

#include "runner/processes/slot_pool.hpp"

namespace flame::runner {

/// A check is an invocation of the runner's own: no plugin code runs in the supervisor. What goes wrong with it (a
/// crash, an exception, no slot, too much time) counts as "may go": a broken check must not keep a machine for ever.
class IdleChecks final : public SlotListener {
 public:
  /// Ids of checks have this bit; the host's invocations must not.
  static constexpr std::uint64_t kIdBit = std::uint64_t{1} << 63;
  [[nodiscard]] static bool owns(std::uint64_t id) { return (id & kIdBit) != 0; }

  /// `on_answer` is called once per start() unless drop() comes before. `pool` outlives this object.
  IdleChecks(SlotPool& pool, std::function<void(Instant now, bool may_go)> on_answer)
      : pool_(pool), on_answer_(std::move(on_answer)) {}

  /// One check in each of these generations. Not while others are under way, except for those that were dropped: they
  /// are ended now.
  void start(Instant now, std::span<const GenerationId> generations);
  /// A call wants the slots. Checks that wait for one are ended at once, the others after kDroppedMax: to kill a check
  /// costs its slot, and most would have ended by then.
  void drop(Instant now);
  static constexpr Duration kDroppedMax = std::chrono::milliseconds(20);
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return give_up_at_; }

  // --- SlotListener
  void on_granted(Instant now, std::uint64_t id, slot::Slot& slot) override;
  void on_result(Instant now, slot::SlotResult result, std::string log_tail) override;
  void on_freed(Instant now, std::uint64_t id) override { ended(now, id); }
  /// A check returns a yes or no and leaves no object behind.
  void on_held(Instant now, std::uint64_t id) override { pool_.stop_held(now, id, StopCause::cancelled); }
  void on_let_go(Instant now, std::uint64_t id, Error /*why*/) override { ended(now, id); }
  void on_died(Instant now, std::uint64_t id, Error error) override;
  [[nodiscard]] std::string task_of(std::uint64_t /*id*/) const override { return "idle_check()"; }

 private:
  [[nodiscard]] bool counts(std::uint64_t id) const { return wanted_ && id >= first_id_; }
  void kill_all(Instant now, StopCause cause);
  void ended(Instant now, std::uint64_t id);

  SlotPool& pool_;
  std::function<void(Instant, bool)> on_answer_;
  std::unordered_set<std::uint64_t> running_;
  std::uint64_t last_id_ = kIdBit;
  std::uint64_t first_id_ = 0;  // of the last start(); older ones were dropped and are on their way out
  bool may_go_ = true;
  bool wanted_ = false;  // start() waits for its answer
  Instant give_up_at_ = kNever;
};

}  // namespace flame::runner
