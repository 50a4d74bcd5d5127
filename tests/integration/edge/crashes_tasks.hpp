// Contract of the plugin edge_crashes: deaths, exceptions and allocators that a user may meet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace crashes {

/// Loads `count` copies of a library from `directory`, "module_0.so" and so on, and crashes in the last.
void crash_in_the_last_of(std::int32_t count, std::string directory);
/// An ordinary crash.
void crash();

void throw_without_text();
void throw_a_literal();
void throw_a_string();
void throw_a_number();

/// Soft and hard limit of core dumps, and whether the process may be dumped.
std::vector<std::int64_t> core_limits();
/// The soft limit that start() saw.
std::int64_t core_limit_in_start();
/// So many threads at once that do nothing; gives how many could be started.
std::int32_t idle_threads(std::int32_t count);
/// The same, but the exception of the first that cannot be started leaves the task.
void idle_threads_or_throw(std::int32_t count);

/// So many threads at once, all joined; gives the process that they ran in.
std::int32_t process_of_joined_threads(std::int32_t count);
/// Ends the thread that runs the task, by pthread_exit().
void end_thread();
/// Leaves a cancellation of its thread pending.
void cancel_thread();

std::string variable(std::string name);
/// Allocates and frees in every way, and asks the preloaded jemalloc about the memory; gives what it says of one piece.
std::int64_t size_by_jemalloc();
/// Empty, or why the library cannot be loaded now.
std::string load(std::string library);

}  // namespace crashes
