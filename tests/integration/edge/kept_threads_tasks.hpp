// Contract of "edge_kept_threads": tasks that leave threads in their slot.
#pragma once

#include <cstdint>

#include <flame/contract.hpp>

namespace kept_threads {

std::int64_t process_id();
/// Adds on the threads of a pool that the first call makes, as library pools are made.
std::int64_t add_in_pool(std::int64_t a, std::int64_t b);
/// Leaves a thread that sleeps.
void leave_sleeper();
/// Leaves a thread that computes for ever; the process.
std::int64_t leave_computer();
/// Leaves a thread that turns for so long, as workers do that wait for more work, and then sleeps.
void leave_spinner(std::int64_t milliseconds);

}  // namespace kept_threads
