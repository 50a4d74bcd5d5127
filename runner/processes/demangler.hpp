// C++ names for people, read by a process that may die of them: the names are a plugin's, and what makes a name short
// can make its text grow without end.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace flame::runner {

/// Runs `flame-zygote --names` for each list. One thread, which must be the one that reaps: the process is reaped here.
class Demangler {
 public:
  explicit Demangler(std::string program) : program_(std::move(program)) {}

  /// The names in the order given; those that are not mangled, longer than 1 KiB or beyond the 64th stay as they are,
  /// and so do all that the process does not get to within its memory (64 MiB), a second of CPU time and three of
  /// waiting. A process that needs more was given a name that is meant to: from then on every name stays as it is, at
  /// no cost. Blocks for as long, some milliseconds as a rule.
  [[nodiscard]] std::vector<std::string> demangle(std::vector<std::string> names);

 private:
  std::string program_;
  bool given_up_ = false;
};

}  // namespace flame::runner
