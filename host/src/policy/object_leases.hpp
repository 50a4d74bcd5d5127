// Leases that outlive their call, because objects live in the slot: who waits for a turn there. Knows nothing of time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// A held slot is leased to the call that left objects there (the Scheduler counts it); calls on those objects take
/// turns in it, in the order of submission. Nothing is sent there while another call is in the slot. Every operation is
/// O(log n). Pure; not thread-safe.
class ObjectLeases {
 public:
  /// `waiting_max`: calls that may wait for one slot.
  explicit ObjectLeases(std::uint64_t waiting_max) : waiting_max_(waiting_max) {}

  struct Turn {
    CallId call = 0;
    RunnerId runner = 0;
  };
  /// What a lease leaves behind when it ends.
  struct Remains {
    RunnerId runner = 0;
    std::vector<CallId> waiting;
    std::optional<CallId> inside;
  };
  enum class Admission : std::uint8_t { queued, gone, full };

  /// The call left objects in its slot. Idempotent. Nobody is inside: other calls may enter.
  void open(CallId lease, RunnerId runner);
  /// The lease is over: its slot is free or dead. nullopt: it is not (any more) held.
  std::optional<Remains> close(CallId lease);
  /// Nobody enters the slot any more; `why` is told to those who try. It is held until close(). Returns whom it kept
  /// waiting.
  std::vector<CallId> begin_close(CallId lease, const std::string& why);

  /// A call on an object of the lease.
  [[nodiscard]] Admission enqueue(CallId lease, CallId call);
  /// Whose turn it is in the lease's slot, if it is free and somebody waits. The call is inside until ended().
  [[nodiscard]] std::optional<Turn> next(CallId lease);
  /// The call inside has ended. Returns its lease; nullopt if no slot of this runner has it.
  std::optional<CallId> ended(RunnerId runner, CallId call);
  /// Gave up waiting. False if it does not wait.
  bool remove_waiting(CallId call);

  /// The lease in whose slot the call is.
  [[nodiscard]] std::optional<CallId> lease_around(CallId call) const;
  /// Where the lease is held; nullopt if it is not.
  [[nodiscard]] std::optional<RunnerId> runner_of(CallId lease) const;
  /// Why a lease takes no more calls.
  [[nodiscard]] const std::string& why_closing(CallId lease) const;
  [[nodiscard]] std::vector<CallId> leases(RunnerId runner) const;
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(leases_.size()); }
  [[nodiscard]] std::uint64_t waiting() const noexcept { return waits_at_.size(); }
  [[nodiscard]] std::uint64_t waiting_for(CallId lease) const {
    const auto it = leases_.find(lease);
    return it == leases_.end() ? 0 : it->second.waiting.size();
  }

 private:
  struct Lease {
    RunnerId runner = 0;
    std::map<std::uint64_t, CallId> waiting;  // by order of arrival
    CallId inside = 0;
    bool closing = false;
    std::string why;
  };
  struct Place {
    CallId lease = 0;
    std::uint64_t order = 0;
  };
  std::vector<CallId> forget_waiting(Lease& lease);

  std::uint64_t waiting_max_;
  std::uint64_t next_order_ = 0;
  std::unordered_map<CallId, Lease> leases_;
  std::map<RunnerId, std::set<CallId>> by_runner_;
  std::unordered_map<CallId, Place> waits_at_;
  std::unordered_map<CallId, CallId> inside_of_;  // call → lease
};

}  // namespace flame::pool
