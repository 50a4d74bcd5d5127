// A set of timers by key: the earliest is known at once, changes cost O(log n), and nothing stale stays behind.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "host/src/types.hpp"

namespace flame::pool {

/// The caller remembers at what time it armed a key; kNever is not stored.
template <class Key>
class Deadlines {
 public:
  void arm(Key key, Instant when) {
    if (when != kNever) timers_.emplace(when, key);
  }
  void disarm(Key key, Instant when) { timers_.erase({when, key}); }

  /// Takes the earliest key out if it is due.
  std::optional<Key> pop_due(Instant now) {
    if (timers_.empty() || timers_.begin()->first > now) return std::nullopt;
    Key key = timers_.begin()->second;
    timers_.erase(timers_.begin());
    return key;
  }
  [[nodiscard]] Instant next() const { return timers_.empty() ? kNever : timers_.begin()->first; }

 private:
  std::set<std::pair<Instant, Key>> timers_;
};

}  // namespace flame::pool
