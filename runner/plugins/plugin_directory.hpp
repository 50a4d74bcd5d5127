// The plugins that a runner has, as those who check calls see them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <flame/error.hpp>

#include "plugin_sdk/manifest/manifest.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

/// Threads: the supervisor's loop thread only. What is returned by reference lives as long as the directory.
class PluginDirectory {
 public:
  /// The generation of a digest; nullopt if none was wanted.
  [[nodiscard]] virtual std::optional<GenerationId> find(std::string_view digest) const = 0;
  /// Why invocations of it fail now; code none while it is usable or still loading.
  [[nodiscard]] virtual const Error& problem(GenerationId id) const = 0;
  [[nodiscard]] virtual const manifest::Manifest& manifest(GenerationId id) const = 0;
  /// "video@1.4.0".
  [[nodiscard]] virtual std::string name(GenerationId id) const = 0;
  /// "video@1.4.0 (digest abc…), …": what exists, for error messages.
  [[nodiscard]] virtual std::string describe_all() const = 0;

 protected:
  ~PluginDirectory() = default;
};

}  // namespace flame::runner
