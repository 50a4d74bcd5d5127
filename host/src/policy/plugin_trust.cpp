// The rules, the gravest first.
#include "host/src/policy/plugin_trust.hpp"

#include <utility>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Error refused(const PluginFacts& plugin, const std::string& why) {
  return base::make_error(ErrorCode::incompatible,
                          std::string(plugin.name) + "@" + plugin.version.to_string() + " " + why);
}

}  // namespace

std::optional<Error> PluginTrust::refuse(const PluginFacts& plugin, Forced forced) const {
  const bool strict = forced == Forced::no;
  if (strict && rules_.revoked.contains(plugin.digest))
    return refused(plugin, "is not run: its digest sha256:" + std::string(plugin.digest) +
                               " is in [plugins] revoked. Use another version");
  const auto oldest = rules_.min_version.find(plugin.name);
  if (strict && oldest != rules_.min_version.end() && plugin.version < oldest->second)
    return refused(plugin, "is not run: [plugins] min_version asks for " + oldest->second.to_string() +
                               " or later. Use a newer version, or lower it");
  if (rules_.require_signature && plugin.unsigned_because)
    return refused(plugin, "is not run, as [plugins] require_signature is true: " + plugin.unsigned_because->message);
  return std::nullopt;
}

}  // namespace flame::pool
