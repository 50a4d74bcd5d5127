// What /proc/self/status tells of a slot: one read of it costs as much as three system calls and answers thirty. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace flame::slot {

/// Signal sets have signal n at bit n - 1. All zero: the text was not understood.
struct ProcessStatus {
  std::uint32_t umask = 0;
  std::uint32_t threads = 0;
  std::uint64_t data_bytes = 0;  // VmData: what RLIMIT_DATA counts
  std::uint64_t fd_table = 0;    // FDSize: no descriptor was ever above it
  std::uint64_t pending = 0;     // for the thread or the process
  std::uint64_t blocked = 0;
  std::uint64_t ignored = 0;
  std::uint64_t caught = 0;
  std::uint64_t identity = 0;   // hash over users, groups, session, capabilities, no_new_privs and seccomp
  std::uint64_t placement = 0;  // hash over the processors and memory nodes that are allowed
};

[[nodiscard]] ProcessStatus parse_process_status(std::string_view text);

}  // namespace flame::slot
