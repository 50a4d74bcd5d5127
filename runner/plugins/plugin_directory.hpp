// The plugins that a runner has, as those who check calls see them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <flame/error.hpp>

#include "plugin_sdk/manifest/manifest.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

/// Threads: the supervisor's loop thread only. Generations come and go: an id that find() has given is good until the
/// next turn of the loop, or as long as a slot of it lives. No id is given twice.
class PluginDirectory {
 public:
  /// The generation that calls of a digest go to; nullopt if there is none, or it ends.
  [[nodiscard]] virtual std::optional<GenerationId> find(std::string_view digest) const = 0;
  /// Why invocations of it fail now; code none while it is usable or still loading. Until the next turn of the loop.
  [[nodiscard]] virtual const Error& problem(GenerationId id) const = 0;
  /// It may be kept for longer than the generation lives.
  [[nodiscard]] virtual std::shared_ptr<const manifest::Manifest> manifest(GenerationId id) const = 0;
  /// "video@1.4.0".
  [[nodiscard]] virtual std::string name(GenerationId id) const = 0;
  /// "video@1.4.0 (digest abc…), …": what exists, for error messages.
  [[nodiscard]] virtual std::string describe_all() const = 0;

 protected:
  ~PluginDirectory() = default;
};

}  // namespace flame::runner
