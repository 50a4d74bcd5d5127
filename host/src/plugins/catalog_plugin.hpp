// A plugin whose bytes are settled.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::pool {

/// Immutable; lives as long as its Catalog.
struct CatalogPlugin {
  DigestId id = 0;
  std::string digest;            ///< 64 lower-case hex digits
  std::filesystem::path source;  ///< where it was found
  /// RUNTIME_DIR/plugins/DIGEST.so, 0444; with libraries that it finds through $ORIGIN, RUNTIME_DIR/plugins/DIGEST/…,
  /// where their copies stand to it as they do to `source`
  std::filesystem::path installed;
  manifest::Manifest manifest;
  std::string reference;                               ///< "video@1.4.0"
  std::vector<std::filesystem::path> signature_files;  ///< where its signature may be
};

}  // namespace flame::pool
