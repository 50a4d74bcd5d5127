// Versions of plugins and references to them ("video", "video@1", "video@1.4", "video@1.4.0", "video@sha256:…").
#pragma once

#include <compare>
#include <cstddef>
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

/// Fewer digits of a digest are refused: who writes twelve does not hit another build by chance.
inline constexpr std::size_t kDigestPrefixMin = 12;
inline constexpr std::size_t kDigestDigits = 64;

/// Names a plugin and the versions of it that will do. `video` and `video@1` never match a pre-release, nor a version
/// with build metadata; only the full version names one. A plain value.
struct PluginReference {
  std::string name;
  std::optional<std::uint64_t> major;
  std::optional<std::uint64_t> minor;
  std::optional<Version> exact;  ///< given in full; then `major` and `minor` are set too
  /// The first kDigestPrefixMin to kDigestDigits lower-case hex digits of a digest; empty: by version. Then nothing
  /// else but the name is set.
  std::string digest;

  /// Parses "video", "video@1", "video@1.4", "video@1.4.0" or "video@sha256:0123456789ab…". Error: invalid_argument.
  [[nodiscard]] static Result<PluginReference> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  /// Never of a reference by digest.
  [[nodiscard]] bool matches(std::string_view plugin_name, const Version& version) const noexcept;
  /// Only of a reference by digest. `plugin_digest`: kDigestDigits of them. Several digests may match.
  [[nodiscard]] bool matches_digest(std::string_view plugin_name, std::string_view plugin_digest) const noexcept;
};

}  // namespace flame::manifest
