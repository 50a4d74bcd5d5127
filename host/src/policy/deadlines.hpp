// A set of timers by key: the earliest is known at once, changes cost O(log n), and nothing stale stays behind.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "host/src/policy/types.hpp"

namespace flame::pool {

template <class Key>
class Deadlines {
  using Timers = std::set<std::pair<Instant, Key>>;

 public:
  /// Whoever armed a timer keeps its handle to disarm it; a handle of kNever or of nothing is empty.
  using Handle = std::optional<typename Timers::iterator>;

  [[nodiscard]] Handle arm(Key key, Instant when) {
    if (when == kNever) return std::nullopt;
    return timers_.emplace_hint(timers_.end(), when, key);  // mostly later than all others
  }
  /// Empties the handle. It must not be one that pop_due() has taken out.
  void disarm(Handle& handle) {
    if (handle) timers_.erase(*handle);
    handle.reset();
  }

  /// Takes the earliest key out if it is due; its handle is void now.
  std::optional<Key> pop_due(Instant now) {
    if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
    Key key = timers_.begin()->second;
    timers_.erase(timers_.begin());
    return key;
  }
  [[nodiscard]] Instant next() const { return timers_.empty() ? kNever : timers_.begin()->first; }

 private:
  Timers timers_;
};

}  // namespace flame::pool
