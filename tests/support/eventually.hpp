// Waits for a condition instead of for a time. The one place in the tests that may sleep.
#pragma once

#include <poll.h>

#include <chrono>

namespace flame::test {

/// Polls `condition` each millisecond until it is true (returns true) or `deadline` has passed (returns its last
/// value).
template <typename Condition>
[[nodiscard]] bool eventually(Condition condition, std::chrono::nanoseconds deadline = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace flame::test
