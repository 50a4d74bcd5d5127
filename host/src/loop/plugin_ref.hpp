// A plugin of the catalog as messages name it.
#pragma once

#include "host/src/plugins/catalog.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

[[nodiscard]] inline wire::PluginRef plugin_ref(const CatalogPlugin& plugin) {
  return {.name = plugin.manifest.name, .version = plugin.manifest.version.to_string(), .digest = plugin.digest};
}

}  // namespace flame::pool
