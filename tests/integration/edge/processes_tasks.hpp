// Contract of the plugin edge_processes: what a task sees of the process that it runs in, and how it may end that.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace edge_processes {

std::int64_t process();
/// The soft limit of open files.
std::int64_t open_files();
/// Ends its process.
void crash();
void leave(std::int32_t code);
/// Runs until it is stopped.
void hold(flame::Context&);
void work_for(std::int32_t milliseconds);
std::string echo(std::string text);
/// Writes its pid to `file`, then stops its process; returns when that goes on.
void stand_still(std::string file);
/// Leaves a process in a session of its own, whose pid it writes to `file`, and runs until it is stopped.
void keep_daemon(flame::Context&, std::string file);

}  // namespace edge_processes
