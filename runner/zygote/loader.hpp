// Loads a plugin into this process and checks that it is what its manifest says. The only place with Boost.DLL.
#pragma once

#include <flame_abi.h>

#include <cstdint>
#include <string>

#include <flame/error.hpp>

namespace flame::slot {

/// What the manifest promised.
struct Expected {
  std::string path;  // absolute
  std::string name;
  std::string version;
  std::uint64_t tasks_hash = 0;
  std::uint32_t task_count = 0;  // 0: do not compare tasks
};

/// The plugin's table, or why it cannot be used. A loaded plugin is never unloaded.
struct Loaded {
  const flame_plugin* plugin = nullptr;
  Error error;
};

/// Runs the plugin's static constructors. Errors: incompatible (ABI, table, note), not_found (file), invalid_argument
/// (not a plugin, undefined symbols); messages carry the loader's own words.
[[nodiscard]] Loaded load(const Expected& expected);

/// Empty, or what is wrong with the table: its sizes, ABI, names, version or tasks.
[[nodiscard]] std::string check_table(const flame_plugin* plugin, const Expected& expected);

}  // namespace flame::slot
