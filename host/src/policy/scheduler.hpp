// Who waits, who holds which slot, and which runner serves whom next. Knows no clock.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Waiters are FIFO per digest (by `order`), and the oldest servable waiter of all digests gets the next free slot.
/// Every operation is O(d log n), d = digests of one runner. Pure; not thread-safe.
class Scheduler {
 public:
  struct Options {
    std::uint32_t capacity = 1;  ///< slots per runner
    Strategy strategy = Strategy::least_loaded;
    bool single_use = false;  ///< capacity counts as 1 and a runner gets one lease in its life
  };
  struct Lease {
    CallId call = 0;
    RunnerId runner = 0;
  };

  explicit Scheduler(const Options& options);

  /// Slots of a runner that count for growth: 1 for single_use.
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

  // --- runners
  /// `backend`: those of earlier ones are leased first.
  void add_runner(RunnerId runner, std::span<const DigestId> digests, BackendIndex backend = 0);
  /// No further lease; what it holds stays. False if it is unknown or was closed before.
  bool close_runner(RunnerId runner);
  /// The opposite, for a runner that is known and closed.
  void open_runner(RunnerId runner);
  /// Forgets it; returns the calls it held, oldest lease first.
  std::vector<CallId> remove_runner(RunnerId runner);
  [[nodiscard]] bool is_open(RunnerId runner) const;
  [[nodiscard]] std::uint32_t leases(RunnerId runner) const;
  /// The runner can serve the digest (any more), whether it is open or not. Nothing if that is so already.
  void add_digest(RunnerId runner, DigestId digest);
  void remove_digest(RunnerId runner, DigestId digest);
  /// Open runners that can serve the digest, busy ones included.
  [[nodiscard]] std::uint32_t servers(DigestId digest) const;
  /// Some open runner without a lease: of the last backend that has one, the newest; nullopt if there is none.
  [[nodiscard]] std::optional<RunnerId> idle_runner() const;
  /// How many there are of later backends than this.
  [[nodiscard]] std::uint32_t idle_after(BackendIndex backend) const;

  // --- calls
  /// `order` places it among the waiters; a retry comes with the order it had.
  void enqueue(CallId call, DigestId digest, std::uint64_t order);
  /// Gave up waiting. False if it does not wait.
  bool remove_waiting(CallId call);
  /// Where runners end: a call goes to one that ends no earlier than the call needs it.
  struct Fits {
    std::function<Instant(CallId)> needs;
    std::function<Instant(RunnerId)> ends;
  };
  /// Leases one slot to the oldest waiter for whom one is free. nullopt: nobody can be served now. `fits` null: every
  /// runner that has the digest suits; else so many waiters of each digest (limits::kFitWaitersMax) look at so many
  /// runners of each backend, first those that the strategy prefers (kFitRunnersMax), then the newest (kFitNewestMax),
  /// and who finds none lets those behind pass. Who needs no less than one who has found none is passed by at once.
  std::optional<Lease> next(const Fits* fits = nullptr);
  /// The slot has ended the call. False if the runner does not hold it.
  bool release(RunnerId runner, CallId call);
  [[nodiscard]] bool holds(RunnerId runner, CallId call) const;

  [[nodiscard]] std::uint64_t waiting() const noexcept { return waiters_.size(); }
  [[nodiscard]] std::uint64_t waiting(DigestId digest) const;
  /// Visits each digest that somebody waits for, and how many do.
  template <class Visitor>
  void each_waiting(Visitor visit) const {
    for (DigestId digest : with_waiters_) visit(digest, std::uint64_t{groups_.at(digest).queue.size()});
  }
  [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_; }
  /// Leases of one digest.
  [[nodiscard]] std::uint64_t in_flight(DigestId digest) const;
  /// The calls that hold those. Linear: for people.
  [[nodiscard]] std::vector<CallId> holders(DigestId digest) const;
  /// Slots of open runners without a lease.
  [[nodiscard]] std::uint64_t free_slots() const noexcept { return free_; }
  /// Who has waited longest, whatever they wait for: `most` at most, without the first `skip`. Linear in both.
  [[nodiscard]] std::vector<CallId> oldest_waiters(std::uint64_t skip, std::size_t most) const;
  /// All waiters of one digest, oldest first. Linear: for failing them all.
  [[nodiscard]] std::vector<CallId> waiters(DigestId digest) const;
  /// Digests that somebody waits for.
  [[nodiscard]] std::vector<DigestId> wanted() const;

 private:
  struct Held {
    std::uint64_t number = 0;  // of the lease
    DigestId digest = 0;
  };
  struct Runner {
    BackendIndex backend = 0;
    std::vector<DigestId> digests;
    boost::unordered_flat_map<CallId, Held> held;
    bool open = true;
    bool used = false;
    bool has_room = false;  // it stands in by_age of its digests
    bool idle = false;      // it stands in idle_
  };
  using Place = std::tuple<BackendIndex, std::uint32_t, RunnerId>;  // its backend, its load
  struct Group {
    std::map<std::uint64_t, CallId> queue;               // by order
    std::set<Place> available;                           // open runners with a free slot
    std::set<std::pair<BackendIndex, RunnerId>> by_age;  // the same
    std::uint32_t servers = 0;
    std::uint64_t in_flight = 0;
  };
  struct Found {
    std::uint64_t order = 0;
    Lease lease;
  };
  struct Waiter {
    DigestId digest;
    std::map<std::uint64_t, CallId>::iterator place;
  };

  [[nodiscard]] std::uint32_t room(const Runner& runner) const;
  /// Around every change of a runner: unlist(), the change, list().
  void list(RunnerId id, Runner& runner);
  void unlist(RunnerId id, const Runner& runner);
  [[nodiscard]] RunnerId choose(const Group& group) const;
  void lease(CallId call, DigestId digest, RunnerId id);
  void mark_idle(RunnerId id, Runner& runner, bool idle);
  [[nodiscard]] std::optional<Found> first_fit(const Group& group, const Fits& fits) const;

  std::uint32_t capacity_;
  Strategy strategy_;
  bool single_use_;
  std::uint64_t next_lease_ = 0;
  std::uint64_t in_flight_ = 0;
  std::uint64_t free_ = 0;
  std::unordered_map<RunnerId, Runner> runners_;
  std::set<std::pair<BackendIndex, RunnerId>> idle_;
  std::vector<std::uint32_t> idle_of_;  // by backend
  std::map<DigestId, Group> groups_;
  std::set<DigestId> with_waiters_;
  boost::unordered_flat_map<CallId, Waiter> waiters_;
};

}  // namespace flame::pool
