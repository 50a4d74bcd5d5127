// Who hears of the invocations that are in slots, and of the slots themselves.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include <flame/error.hpp>

#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/clock.hpp"
#include "runner/policy/discards.hpp"
#include "runner/policy/held_objects.hpp"
#include "runner/slots/slot.hpp"

namespace flame::runner {

/// Hears of invocations. Each one that was leased or entered ends with exactly one of on_freed(), on_let_go() and
/// on_died(). What a listener has no use for, it leaves out.
class SlotListener {
 public:
  virtual void on_granted(Instant now, std::uint64_t id, slot::Slot& slot) = 0;
  /// It is to be push()ed behind what runs in the slot. It begins there, or on_granted() or on_queued() comes again.
  /// Only of those that were leased as brief.
  virtual void on_queued(Instant /*now*/, std::uint64_t /*id*/, slot::Slot& /*slot*/) {}
  virtual void on_result(Instant now, slot::SlotResult result, std::string log_tail) = 0;
  virtual void on_result_chunk(Instant /*now*/, slot::SlotResultChunk /*chunk*/) {}
  virtual void on_progress(Instant /*now*/, slot::SlotProgress /*progress*/) {}
  virtual void on_room(std::uint64_t /*id*/) {}
  /// The slot has ended the invocation.
  virtual void on_freed(Instant now, std::uint64_t id) = 0;
  /// The slot has ended the invocation but for its objects, for which it is kept.
  virtual void on_held(Instant now, std::uint64_t id) = 0;
  /// What stayed of it is gone. `why`: what ended a child, or what stop_held() was called for; code none: all objects
  /// were released, or the child ended by itself.
  virtual void on_let_go(Instant now, std::uint64_t id, Error why) = 0;
  /// No slot could be had, or it died: `error` is the outcome if there was none yet.
  virtual void on_died(Instant now, std::uint64_t id, Error error) = 0;
  /// The task of an invocation that is in a slot.
  [[nodiscard]] virtual std::string task_of(std::uint64_t id) const = 0;

 protected:
  ~SlotListener() = default;
};

/// Hears of the slots themselves.
class SlotReports {
 public:
  /// What a slot, or this pool about it, has to say; `output.id` is 0 if that concerns no call.
  virtual void on_output(wire::Output output) = 0;
  /// The slot serves no further invocation; its last one has ended well, perhaps long ago.
  virtual void on_discarded(const SlotDiscard& discard) = 0;

 protected:
  ~SlotReports() = default;
};

/// Whose listener hears of which invocation: nearly all have the same one.
class SlotListeners {
 public:
  explicit SlotListeners(SlotListener& usual) : usual_(usual) {}

  /// `listener` hears of this one, instead, until it has ended.
  void set(std::uint64_t invocation, SlotListener& listener) { own_[invocation] = &listener; }
  [[nodiscard]] bool has_own(std::uint64_t invocation) const { return own_.contains(invocation); }
  [[nodiscard]] SlotListener& of(std::uint64_t invocation) const {
    if (own_.empty()) return usual_;
    const auto own = own_.find(invocation);
    return own == own_.end() ? usual_ : *own->second;
  }

  // --- the ends
  void freed(Instant now, std::uint64_t invocation) { last(invocation).on_freed(now, invocation); }
  void let_go(Instant now, LeaseId lease, Error why) { last(lease).on_let_go(now, lease, std::move(why)); }
  void died(Instant now, std::uint64_t invocation, Error error) {
    last(invocation).on_died(now, invocation, std::move(error));
  }

 private:
  SlotListener& last(std::uint64_t invocation) {
    SlotListener& listener = of(invocation);
    own_.erase(invocation);
    return listener;
  }

  SlotListener& usual_;
  std::unordered_map<std::uint64_t, SlotListener*> own_;
};

}  // namespace flame::runner
