// Objects that live in slots, as the host's handles see them: children and tracked resources.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/child_exit.hpp>
#include <flame/detail/object.hpp>
#include <flame/error.hpp>
#include <flame/result.hpp>

#include "host/src/calls/commands.hpp"
#include "host/src/policy/types.hpp"

namespace flame::detail {
class PoolFront;
struct CallSpec;
}  // namespace flame::detail

namespace flame::pool {

class LocalCall;

/// A lease that outlives its call because objects live in its slot; shared by their handles. Any thread, unless said
/// otherwise.
class HeldLease {
 public:
  struct Parts {
    std::shared_ptr<detail::PoolFront> core;
    CallId id = 0;  // the call that left the first objects
    DigestId digest = 0;
    std::string plugin;  // "video@1.4.0"
    std::string runner;
    std::string task;
    bool child = false;
    bool linked = true;
  };
  explicit HeldLease(Parts parts);
  ~HeldLease();
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;

  [[nodiscard]] const Parts& parts() const noexcept { return parts_; }
  /// Objects that have a handle here, the child itself not counted.
  [[nodiscard]] std::uint64_t tracked() const noexcept { return tracked_.load(std::memory_order_relaxed); }
  /// The first handle to this object is made.
  void track() noexcept { tracked_.fetch_add(1, std::memory_order_relaxed); }
  /// The last handle to this object is gone. Never blocks.
  void release(std::uint64_t object) noexcept;
  /// Asks what is there to end. Never blocks.
  void stop() noexcept;
  /// False: it has not ended within `timeout`; negative: waits for ever.
  [[nodiscard]] bool wait(Duration timeout);
  /// What calls get that come too late; nullopt as long as they do not.
  [[nodiscard]] std::optional<Error> gone() const;
  /// Of a child, after wait() said true.
  [[nodiscard]] ChildExit exit() const;

  /// Once, when the slot is free or lost. Loop thread, or whoever ends the loop.
  void end(std::optional<Error> error);

 private:
  void tell_loop(Command&& command) noexcept;

  Parts parts_;
  std::atomic<std::uint64_t> tracked_ = 0;
  std::shared_ptr<LocalCall> ended_;
  std::optional<Error> error_;  // set before `ended_` is
};

/// Handles to objects of a lease: one for each id, made by the loop for the call's decoder. `child`: the one object is
/// the child that the lease is for; what a child's methods return is tracked like anything else.
[[nodiscard]] std::unique_ptr<detail::ObjectSource> make_handles(const std::shared_ptr<HeldLease>& lease,
                                                                 std::span<const std::uint64_t> objects, bool child);

/// Where a call has to go for the objects it uses.
struct Destination {
  std::shared_ptr<HeldLease> lease;  // null: anywhere
  std::uint64_t object = 0;          // that a method is called on
};
/// Errors: invalid_argument (objects in different slots, of another pool, or of this process).
[[nodiscard]] Result<Destination> find_destination(const detail::PoolFront& core, const detail::CallSpec& spec);

}  // namespace flame::pool
