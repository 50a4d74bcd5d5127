// One plugin file, read for a person: its manifest without running it, its sizes and what can be wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::cli {

/// One statement about a plugin file. `ok` false: it will not load here.
struct Check {
  std::string name;
  bool ok = true;
  std::string detail;
};

struct PluginFile {
  std::string path;  ///< absolute
  std::uint64_t bytes = 0;
  std::uint64_t note_bytes = 0;
  std::string digest;
  manifest::Manifest manifest;
  std::vector<Check> checks;

  [[nodiscard]] bool loadable() const;
};

/// Errors: not_found, and those of manifest::read(); the message begins with the path.
[[nodiscard]] Result<PluginFile> read_plugin_file(const std::string& path);

}  // namespace flame::cli
