// Contract of the plugin "brief_tasks": a task that is brief unless it is told otherwise.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace brief {

struct Stamp {
  std::int64_t value = 0;
  std::int64_t process = 0;
  std::int64_t slot = 0;  // its thread
  std::string text;
};

/// `value` again, and who answered. `trouble`: "" · "crash" · "exit" · "throw" · "write" (the value, to stdout) ·
/// "thread" (leaves one) · "hang" (asks for no stop) · "lie" (tells the supervisor that all calls behind it have begun,
/// then hangs) · a number of bytes to return · else a file to wait for, which also ends at a stop request.
Stamp step(flame::Context& context, std::int64_t value, std::string trouble);

}  // namespace brief
