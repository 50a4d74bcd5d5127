// flame plugin: the group of commands about plugin files and the plugin store.
#include <CLI/CLI.hpp>

#include "tools/flame/command.hpp"

namespace flame::cli {

void add_plugin(CLI::App& app, int& exit_code) {
  auto* plugin = app.add_subcommand("plugin", "Look into plugin files, sign and store them, choose what serves");
  plugin->require_subcommand(1);
  add_plugin_inspect(*plugin, exit_code);
  add_plugin_schema(*plugin, exit_code);
  add_plugin_diff(*plugin, exit_code);
  add_plugin_install(*plugin, exit_code);
  add_plugin_activate(*plugin, exit_code);
  add_plugin_rollback(*plugin, exit_code);
  add_plugin_list(*plugin, exit_code);
  add_plugin_remove(*plugin, exit_code);
  add_plugin_gc(*plugin, exit_code);
  add_plugin_keygen(*plugin, exit_code);
  add_plugin_sign(*plugin, exit_code);
  add_plugin_verify(*plugin, exit_code);
}

}  // namespace flame::cli
