// Finds the plugins that a host wants in this machine's plugin directories, and makes sure they are those.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/hashed_files.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::runner {

/// A plugin whose bytes are verified.
struct StoredPlugin {
  std::string path;  // absolute
  wire::PluginRef ref;
  std::shared_ptr<const manifest::Manifest> manifest;  // not null
};

/// FLAME_PLUGIN_PATH (colon separated, empty elements skipped), /usr/lib/flame/plugins, /opt/flame/plugins.
[[nodiscard]] std::vector<std::string> plugin_directories();

/// Looks for <digest>.so in each directory, then for files whose note has the wanted name and version; the first one
/// with the wanted digest wins. A file has to be regular, at most limits::kPluginBytesMax, owned by root or this user,
/// and writable by its owner alone, as the directory that holds it; no directory above may be writable by all without
/// the sticky bit. Errors: not_found (where it looked, and why candidates did not do), incompatible (another ABI,
/// machine or sanitizer, or code for another CPU than this machine's), invalid_argument (no plugin, or of another
/// name). Any thread. Files that are in `hashed` as they are now are not hashed again.
[[nodiscard]] Result<StoredPlugin> find_plugin(std::span<const std::string> directories, const wire::PluginRef& wanted,
                                               base::HashedFiles& hashed);

}  // namespace flame::runner
