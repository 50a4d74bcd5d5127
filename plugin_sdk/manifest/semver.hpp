// Versions of plugins and references to them ("video", "video@1", "video@1.4", "video@1.4.0").
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <flame/result.hpp>

namespace flame::manifest {

/// A semantic version (semver.org 2.0). A plain value. Comparison is semver precedence: build metadata is ignored, a
/// pre-release is below its release.
struct Version {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::string prerelease;  ///< "rc.1"; empty for a release
  std::string build;       ///< "linux.7"; does not take part in comparison

  /// Parses "1.4.0", "1.4.0-rc.1+build.7". At most 64 bytes. Error: invalid_argument.
  [[nodiscard]] static Result<Version> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;

  friend std::weak_ordering operator<=>(const Version& a, const Version& b) noexcept;
  friend bool operator==(const Version& a, const Version& b) noexcept;
};

/// Names a plugin and the versions of it that will do. `video` and `video@1` never match a pre-release; only the full
/// version names one.
struct PluginReference {
  std::string name;
  std::optional<std::uint64_t> major;
  std::optional<std::uint64_t> minor;
  std::optional<Version> exact;  ///< given in full; then `major` and `minor` are set too

  /// Parses "video", "video@1", "video@1.4" or "video@1.4.0". Error: invalid_argument.
  [[nodiscard]] static Result<PluginReference> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool matches(std::string_view plugin_name, const Version& version) const noexcept;
};

}  // namespace flame::manifest
