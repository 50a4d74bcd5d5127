// Runs the `flame` binary as a user does, and waits for it with a deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::test {

struct CommandResult {
  int exit_code = -1;  ///< 128 + signal when it was killed
  std::string out;
  std::string err;
};

/// What standard error of the command is. terminal_and_input: a terminal, which is its standard input, too.
enum class Errors { pipe, terminal, terminal_and_input };

/// One running command. Its output is collected by finish().
class CommandRun {
 public:
  /// `input` is its standard input.
  CommandRun(const std::vector<std::string>& arguments, const std::string& input,
             const std::vector<std::string>& environment = {}, Errors errors = Errors::pipe);
  ~CommandRun();
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// As at its terminal. Errors::terminal_and_input only.
  void type(const std::string& text) const;
  /// Reads until standard error holds `text`; false at its end or past the deadline.
  [[nodiscard]] bool wait_for_error_text(const std::string& text);
  /// Waits for its end; kills it after `deadline`.
  [[nodiscard]] CommandResult finish(std::chrono::milliseconds deadline = std::chrono::seconds(60));

 private:
  bool read_some(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  base::UniqueFd pidfd_;
  base::UniqueFd out_;
  base::UniqueFd err_;
  CommandResult result_;
};

/// CommandRun and finish().
[[nodiscard]] CommandResult flame_command(const std::vector<std::string>& arguments, const std::string& input = "");

}  // namespace flame::test
