// What a pool counts: Pool::stats().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flame {

/// Slots that were replaced after a call for one reason.
struct DiscardCount {
  std::string reason;
  std::uint64_t count = 0;
  friend bool operator==(const DiscardCount&, const DiscardCount&) = default;
};

/// What a pool does at one moment. Counters count since the host started.
struct PoolStats {
  std::uint32_t runners = 0;   ///< have dialled in and are not gone
  std::uint32_t booting = 0;   ///< asked of the backend, have not dialled in; runners + booting never exceed max
  std::uint32_t draining = 0;  ///< of `runners`: end, take no new call
  std::uint32_t slots_busy = 0;
  std::uint32_t slots_held = 0;  ///< of these, kept for children and tracked resources
  std::uint64_t waiting = 0;     ///< calls without a slot
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  std::uint64_t submitted = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t retried = 0;
  std::uint64_t boots = 0;
  std::uint64_t boots_failed = 0;
  std::uint64_t runners_lost = 0;
  /// Slots that were replaced after a call for what it left, by reason: "child_process", "environment", "memory", …
  /// (plugins/threads/README.md). The result was delivered; the next slot costs some milliseconds.
  std::vector<DiscardCount> discards;
};

}  // namespace flame
