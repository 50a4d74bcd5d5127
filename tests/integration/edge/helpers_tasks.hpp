// Contract of "edge_helpers": a plugin that keeps a process beside each of its slots.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace helpers {

std::int64_t process_id();
/// The helper of this slot.
std::int64_t helper_id();
/// Asks the helper, which answers by a pipe.
std::string ask_helper(std::string question);
/// Exit status by popen() and pclose(); -1 if pclose() failed.
std::int32_t exit_status(std::string command);
std::int64_t leave_child();
/// Ends the helper and waits for it: its exit status, or -1 if somebody else has taken it.
std::int32_t end_helper();
/// The helper ends, and is not waited for.
void kill_helper();
std::int32_t wait_for_helper();

}  // namespace helpers
