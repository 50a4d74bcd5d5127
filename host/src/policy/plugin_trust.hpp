// Which plugins a host runs at all: by digest, version and signature. Knows no file: others read and verify.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <flame/error.hpp>

#include "plugin_sdk/manifest/semver.hpp"

namespace flame::pool {

/// One plugin whose bytes are settled.
struct PluginFacts {
  std::string_view name;
  const manifest::Version& version;
  std::string_view digest;  ///< 64 lower-case hex digits
  /// Why no signature of a trusted key counts for it, with the remedy; nullopt: one does.
  const std::optional<Error>& unsigned_because;
};

/// Somebody insists, and takes the risk: what is not a question of who made the plugin gives way.
enum class Forced : std::uint8_t { no, yes };

/// The rules of one host. Immutable; any thread.
class PluginTrust {
 public:
  struct Rules {
    bool require_signature = false;
    std::set<std::string, std::less<>> revoked;  ///< digests, 64 lower-case hex digits
    std::map<std::string, manifest::Version, std::less<>> min_version;
  };

  PluginTrust() = default;  ///< no rules
  explicit PluginTrust(Rules rules) : rules_(std::move(rules)) {}

  /// nullopt: the plugin may run. Else incompatible, which names the plugin, the first of the rules that it breaks, and
  /// the remedy: revoked, older than min_version, not signed though it must be. A version counts as old by the rules of
  /// semver: 1.4.0-rc.1 is older than 1.4.0, and build metadata is ignored.
  /// Forced, only the signature counts.
  [[nodiscard]] std::optional<Error> refuse(const PluginFacts& plugin, Forced forced = Forced::no) const;

 private:
  Rules rules_;
};

}  // namespace flame::pool
