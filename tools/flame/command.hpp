// What the commands of `flame` share: exit codes and the form in which each adds itself to the command line.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace flame::cli {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  ///< a call failed, or standard input or output did
inline constexpr int kUsage = 2;   ///< wrong usage, configuration or file; nothing was called
/// Ended by a signal: 128 + its number, as shells expect.
inline constexpr int kSignalled = 128;

// Each adds one subcommand; when that is chosen, its callback runs the command and sets `exit_code`.
void add_call(CLI::App& app, int& exit_code);
void add_map(CLI::App& app, int& exit_code);
void add_new(CLI::App& app, int& exit_code);
void add_plugin_inspect(CLI::App& plugin, int& exit_code);
void add_plugin_schema(CLI::App& plugin, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_why(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);

}  // namespace flame::cli
