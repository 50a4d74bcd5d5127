// Slots that are kept for objects: whose turn it is in them, what is destroyed when, and when they are free again.
// Pure: events and `now` in, actions out; knows neither processes nor channels.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <variant>
#include <vector>

#include "runner/policy/clock.hpp"

namespace flame::runner {

using LeaseId = std::uint64_t;  // the invocation whose result left the first objects

/// The invocation has its turn in the lease's slot.
struct EnterHeld {
  LeaseId lease;
  std::uint64_t invocation;
};
/// Its turn will never come: the lease has been ended.
struct RefuseHeld {
  std::uint64_t invocation;
};
/// Destroy these in the slot, which is idle. Answer with idle().
struct DestroyHeld {
  LeaseId lease;
  std::vector<std::uint64_t> objects;
};
/// A destructor does not return: SIGKILL. Answer with gone().
struct KillHeld {
  LeaseId lease;
};
/// The last object is gone and nothing runs there. The lease is forgotten here.
struct FreeHeld {
  LeaseId lease;
};
using HeldAction = std::variant<EnterHeld, RefuseHeld, DestroyHeld, KillHeld, FreeHeld>;

/// A held slot does one thing at a time: an invocation, or destructors. Objects that were let go are destroyed first.
/// The host has the queue of those that wait: here one waits at most, for the slot to be idle again.
class HeldObjects {
 public:
  /// `kill_grace`: how long destructors may take.
  explicit HeldObjects(Duration kill_grace) : kill_grace_(kill_grace) {}

  /// A result named objects. A new lease is busy: idle() tells when its slot has ended the invocation. False: more
  /// objects than a slot may hold (limits::kObjectsPerSlotMax).
  [[nodiscard]] bool add(LeaseId lease, std::span<const std::uint64_t> objects);
  [[nodiscard]] bool contains(LeaseId lease) const { return leases_.contains(lease); }

  enum class Turn : std::uint8_t { comes, unknown, full };
  /// `comes`: EnterHeld or RefuseHeld follows, now or later. `unknown`: no such lease, or it is being ended. `full`:
  /// one waits already.
  [[nodiscard]] Turn enter(Instant now, LeaseId lease, std::uint64_t invocation);
  /// Gives a waiting invocation up. False: it does not wait (any more).
  bool withdraw(std::uint64_t invocation);
  /// What ran in the slot has ended, or DestroyHeld was answered.
  void idle(Instant now, LeaseId lease);

  /// The host has let go of these objects. Unknown ones are ignored.
  void release(Instant now, LeaseId lease, std::span<const std::uint64_t> objects);
  /// Everything there is to go: waiting invocations are refused, then all objects destroyed. The caller has asked what
  /// runs to stop and sees to the kill.
  void stop(Instant now, LeaseId lease);
  /// The same because a child ended by itself; here the destructor's time counts.
  void child_ended(Instant now, LeaseId lease);
  /// What a slot that is gone has left.
  struct Left {
    std::vector<std::uint64_t> waiting;  // invocations that will not enter it
    bool was_free = false;               // all objects had gone before
  };
  /// The slot's process is gone. Whatever was decided for it and is not done yet is void; who was refused stays
  /// refused.
  [[nodiscard]] Left gone(LeaseId lease);

  /// Time has passed. Call at or after wake_at().
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return wake_at_; }
  /// Actions since the last call, in order.
  [[nodiscard]] std::vector<HeldAction> take_actions();

 private:
  struct Lease {
    std::set<std::uint64_t> live;
    std::vector<std::uint64_t> unwanted;
    std::uint64_t next = 0;  // the invocation that waits; 0: none
    bool busy = true;
    bool ending = false;
    bool patient = false;      // somebody else kills it if it does not end
    Instant kill_at = kNever;  // destructors run
  };

  void end(Instant now, LeaseId id, bool patient);
  void advance(Instant now, LeaseId id, Lease& lease);
  void destroy(Instant now, LeaseId id, Lease& lease);

  Duration kill_grace_;
  std::map<LeaseId, Lease> leases_;
  Instant wake_at_ = kNever;
  std::vector<HeldAction> actions_;
};

}  // namespace flame::runner
