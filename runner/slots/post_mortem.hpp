// What a dead or dying slot has left in its control page: plain values. Plugin code may have written any of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <flame/error.hpp>

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

/// A place in code, as the slot's own word.
struct CodeAddress {
  std::string module;        // last component of the file's path; empty: in none that the slot has announced
  std::uint64_t offset = 0;  // in the module, as addr2line wants it; the address itself without a module
  bool exact = false;        // else a return address: the call is before it
};

/// What the crash handler saw.
struct CrashReport {
  int signal = 0;
  std::uint64_t address = 0;
  bool stack_overflow = false;
  bool by_helper = false;           // in a thread that is no slot's: a task or a library has made it
  std::vector<CodeAddress> frames;  // innermost first
};

struct PostMortem {
  /// The function of the slot's invocation has been entered.
  bool begun = false;
  /// The plugin's start_slot() runs, or ran when the process died.
  bool in_start_slot = false;
  /// The slot's own thread called exit() or quick_exit(). A thread that a task started is not seen, nor is _exit().
  bool exited = false;
  /// An allocation failed during the current or last invocation: a death then is out_of_memory.
  bool allocation_failed = false;
  /// Bytes that earlier calls of the slot had left in use when the last one began.
  std::uint64_t memory_kept = 0;
  /// Where the current invocation's usage starts, see usage_until_death(): CPU of the process (or thread) until then,
  /// CLOCK_BOOTTIME as wall_ns, and the fresh slot's memory as peak_memory.
  Usage usage_at_begin;
  /// Set once the crash handler has begun.
  std::optional<CrashReport> crash;
};

/// `invocation`: the one in the slot, 0 = none.
[[nodiscard]] PostMortem read_post_mortem(const ControlPage& page, std::uint64_t invocation);

/// Where the exception was thrown that ended the invocation, innermost first; the unwinder's own frames come first.
/// Empty if the slot does not say.
[[nodiscard]] std::vector<CodeAddress> thrown_at(const ControlPage& page, std::uint64_t invocation);

}  // namespace flame::slot
