// Tasks that talk.
#pragma once

#include <cstdint>

namespace edge_stderr {

std::int32_t add(std::int32_t a, std::int32_t b);
/// Prints so many lines of 100 bytes.
std::int32_t shout(std::int32_t lines);
/// Says nothing for so long.
std::int32_t nap(std::int32_t milliseconds);
/// Leaves a process behind, of which the runner's log tells.
std::int32_t leave_child();

}  // namespace edge_stderr
