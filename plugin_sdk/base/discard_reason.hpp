// Why a slot serves no further call although the last one was answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flame {

/// Appended to only: the numbers travel between slot, runner and host.
enum class DiscardReason : std::uint8_t {
  none = 0,
  other,              // a reason of a newer runner
  computing_threads,  // a thread of an earlier call went on computing while the slot was idle
  thread_leak,        // each call left more threads
  threads,            // a call left a thread, and leftover_threads is "discard"
  child_process,      // and so on: what the last call left or changed
  timer,
  pending_signal,
  environment,
  locale,
  signal_handlers,
  resource_limits,
  scheduling,  // nice, scheduling class, CPU affinity
  identity,    // user, group, capabilities, session, seccomp, root directory
  working_directory,
  parent_death_signal,
  allocation_failed,
  memory,       // more than half of limits.memory stayed in use
  descriptors,  // more than half of the descriptors stayed open
  calls_max,    // limits::kSlotCallsMax
  streams,      // stdin, stdout or stderr closed or redirected for good, or std::cout out of sync with stdout
};

inline constexpr std::array<std::string_view, 21> kDiscardReasonNames = {"none",
                                                                         "other",
                                                                         "computing_threads",
                                                                         "thread_leak",
                                                                         "threads",
                                                                         "child_process",
                                                                         "timer",
                                                                         "pending_signal",
                                                                         "environment",
                                                                         "locale",
                                                                         "signal_handlers",
                                                                         "resource_limits",
                                                                         "scheduling",
                                                                         "identity",
                                                                         "working_directory",
                                                                         "parent_death_signal",
                                                                         "allocation_failed",
                                                                         "memory",
                                                                         "descriptors",
                                                                         "calls_max",
                                                                         "streams"};
static_assert(kDiscardReasonNames.size() == static_cast<std::size_t>(DiscardReason::streams) + 1);

/// As `flame status` names it.
[[nodiscard]] constexpr std::string_view to_string(DiscardReason reason) {
  return kDiscardReasonNames[static_cast<std::size_t>(reason)];
}

/// A number that a peer sent; `other` for what this side does not know.
[[nodiscard]] constexpr DiscardReason discard_reason_from(std::uint64_t number) {
  return number < kDiscardReasonNames.size() ? static_cast<DiscardReason>(number) : DiscardReason::other;
}

}  // namespace flame
