// Asks plugins, in their slots, whether an idle runner may go; stands between the slots and Calls for that.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_set>

#include "runner/slots/slot_pool.hpp"

namespace flame::runner {

/// A check is an invocation of the runner's own: no plugin code runs in the supervisor. What goes wrong with it (a
/// crash, an exception, no slot, too much time) counts as "may go": a broken check must not keep a machine for ever.
class IdleChecks final : public SlotListener {
 public:
  /// Ids of checks have this bit; the host's invocations must not.
  static constexpr std::uint64_t kIdBit = std::uint64_t{1} << 63;
  [[nodiscard]] static bool owns(std::uint64_t id) { return (id & kIdBit) != 0; }

  /// `next` hears all that is not of a check; `on_answer` once per start() unless drop() comes before.
  IdleChecks(SlotListener& next, std::function<void(Instant now, bool may_go)> on_answer)
      : next_(next), on_answer_(std::move(on_answer)) {}
  void open(SlotPool& pool) { pool_ = &pool; }

  /// One check in each of these generations. Not while others are under way, except for those that were dropped.
  void start(Instant now, std::span<const GenerationId> generations);
  /// Ends the checks that are under way: a call wants the slots.
  void drop(Instant now);
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return give_up_at_; }

  // --- SlotListener
  void on_granted(Instant now, std::uint64_t id, slot::SlotHandle& slot) override;
  void on_queued(Instant now, std::uint64_t id, slot::SlotHandle& slot) override;
  void on_result(Instant now, slot::SlotResult result, std::string log_tail) override;
  void on_result_chunk(Instant now, slot::SlotResultChunk chunk) override;
  void on_progress(Instant now, slot::SlotProgress progress) override;
  void on_output(wire::Output output) override;
  void on_room(std::uint64_t id) override;
  void on_freed(Instant now, std::uint64_t id) override;
  void on_held(Instant now, std::uint64_t id) override;
  void on_let_go(Instant now, std::uint64_t id, Error why) override;
  void on_died(Instant now, std::uint64_t id, Error error) override;
  void on_discarded(const SlotDiscard& discard) override { next_.on_discarded(discard); }
  [[nodiscard]] std::string task_of(std::uint64_t id) const override {
    return owns(id) ? std::string("idle_check()") : next_.task_of(id);
  }

 private:
  [[nodiscard]] bool counts(std::uint64_t id) const { return wanted_ && id >= first_id_; }
  void kill_all(Instant now, StopCause cause);
  void ended(Instant now, std::uint64_t id);

  SlotListener& next_;
  std::function<void(Instant, bool)> on_answer_;
  SlotPool* pool_ = nullptr;
  std::unordered_set<std::uint64_t> running_;
  std::uint64_t last_id_ = kIdBit;
  std::uint64_t first_id_ = 0;  // of the last start(); older ones were dropped and are on their way out
  bool may_go_ = true;
  bool wanted_ = false;  // start() waits for its answer
  Instant give_up_at_ = kNever;
};

}  // namespace flame::runner
