// Calls of lost runners that may still be at work: what waits for proof that nothing of them is left there.
#pragma once

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/src/policy/deadlines.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe.
class UnprovenCalls {
 public:
  /// Of one runner, once. At `until` nothing of them can be left, whatever is heard.
  void add(RunnerId runner, std::vector<CallId> calls, Instant until);
  /// The runner is proven dead: its calls, which it has no more; none for others.
  [[nodiscard]] std::vector<CallId> take(RunnerId runner);
  /// One runner whose time is over; repeat until nullopt. Take its calls.
  [[nodiscard]] std::optional<RunnerId> pop_due(Instant now);
  /// This process stood still for so long; a runner that was frozen together with us has not had the time that it gets
  /// to give up its work either.
  void stood_still(Duration pause);
  void clear();

  [[nodiscard]] Instant next() const { return timers_.next(); }

 private:
  struct Lost {
    std::vector<CallId> calls;
    Instant until;
    Deadlines<RunnerId>::Handle timer;
  };
  std::unordered_map<RunnerId, Lost> lost_;
  Deadlines<RunnerId> timers_;
};

}  // namespace flame::pool
