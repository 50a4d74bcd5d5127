// What the commands of `flame` share: exit codes and the form in which each adds itself to the command line.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace flame::cli {

inline constexpr int kOk = 0;
/// A call failed, standard input or output did, or the answer to what was asked is no.
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  ///< wrong usage, configuration or file; nothing was called
/// Ended by a signal: 128 + its number, as shells expect.
inline constexpr int kSignalled = 128;

// Each adds one subcommand; when that is chosen, its callback runs the command and sets `exit_code`.
void add_call(CLI::App& app, int& exit_code);
void add_map(CLI::App& app, int& exit_code);
void add_new(CLI::App& app, int& exit_code);
void add_plugin(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_why(CLI::App& app, int& exit_code);
void add_machines(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);

// The subcommands of `flame plugin`; add_plugin() adds them all.
void add_plugin_inspect(CLI::App& plugin, int& exit_code);
void add_plugin_schema(CLI::App& plugin, int& exit_code);
void add_plugin_diff(CLI::App& plugin, int& exit_code);
void add_plugin_install(CLI::App& plugin, int& exit_code);
void add_plugin_activate(CLI::App& plugin, int& exit_code);
void add_plugin_rollback(CLI::App& plugin, int& exit_code);
void add_plugin_list(CLI::App& plugin, int& exit_code);
void add_plugin_remove(CLI::App& plugin, int& exit_code);
void add_plugin_gc(CLI::App& plugin, int& exit_code);
void add_plugin_keygen(CLI::App& plugin, int& exit_code);
void add_plugin_sign(CLI::App& plugin, int& exit_code);
void add_plugin_verify(CLI::App& plugin, int& exit_code);

}  // namespace flame::cli
