// Which plugin store a command means, and whose rules hold for what it takes in.
#pragma once

#include <filesystem>
#include <string>

#include <flame/result.hpp>

#include "host/src/setup/plugin_gate.hpp"

namespace CLI {
class App;
}

namespace flame::cli {

/// --store and --config. Both empty: the user's own store, without rules.
struct PlaceChoice {
  std::string store;   ///< a directory
  std::string config;  ///< a configuration file; its [plugins] decides
};
void add_place_options(CLI::App& command, PlaceChoice& choice);

/// store::place_of() in the environment of this process.
[[nodiscard]] Result<std::filesystem::path> place_of(const std::string& setting);

struct PluginPlace {
  std::filesystem::path store;  ///< absolute; need not exist
  pool::PluginGate gate;        ///< of the configuration; admits everything where none was named
};

/// Reads the configuration and its trusted keys, but nothing of the store. Errors: load_config()'s,
/// pool::PluginGate::open()'s, store::default_place()'s.
[[nodiscard]] Result<PluginPlace> find_place(const PlaceChoice& choice);

}  // namespace flame::cli
