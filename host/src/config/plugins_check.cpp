// The entries of [plugins], one by one.
#include "host/src/config/plugins_check.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame::pool {

namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

class PluginsCheck {
 public:
  PluginsCheck(const HostConfig& config, std::vector<Problem>& problems)
      : path_(config.plugin_path), plugins_(config.plugins), problems_(problems) {}

  void run() {
    if (plugins_.store.empty()) add("store", "must not be empty; the default is \"auto\"");
    if (plugins_.watch && path_.empty()) add("watch", "= true needs a directory in plugins.path to look at");
    keys();
    revoked();
    oldest();
  }

 private:
  void add(const std::string& key, std::string what) { problems_.push_back({"plugins." + key, std::move(what)}); }

  // The text of a secret key is not shown, nor looked for in a file of that name.
  void keys() {
    if (plugins_.require_signature && plugins_.trusted_keys.empty())
      add("require_signature", "= true needs a key in plugins.trusted_keys: without one no plugin would be run");
    if (plugins_.trusted_keys.size() > limits::kTrustedKeysMax)
      add("trusted_keys", "names " + std::to_string(plugins_.trusted_keys.size()) + " keys, of at most " +
                              std::to_string(limits::kTrustedKeysMax));
    for (std::size_t i = 0; i < plugins_.trusted_keys.size(); ++i) {
      const std::string& key = plugins_.trusted_keys[i];
      const std::string path = "trusted_keys[" + std::to_string(i) + "]";
      if (key.empty()) add(path, "must not be empty; give a public key, or the path of its file");
      if (key.find(kSecretKeyPrefix) != std::string::npos)
        add(path,
            "holds a secret key. Whoever can read this file can sign with it now: make a new one with `flame "
            "plugin keygen`, and write its public key here");
    }
  }

  void revoked() {
    too_many("revoked", plugins_.revoked.size());
    for (std::size_t i = 0; i < plugins_.revoked.size(); ++i) {
      const std::string_view text = plugins_.revoked[i];
      if (text.starts_with(kDigestPrefix) && base::Digest::is_hex(text.substr(kDigestPrefix.size()))) continue;
      add("revoked[" + std::to_string(i) + "]",
          "must be \"sha256:\" and the 64 lower-case hexadecimal digits that `flame plugin inspect` shows as digest");
    }
  }

  void oldest() {
    too_many("min_version", plugins_.min_version.size());
    for (const auto& [name, version] : plugins_.min_version) {
      if (!detail::is_plugin_name(name))
        add("min_version." + name, "names no plugin: a name is of the form [a-z][a-z0-9_-]{0,63}");
      const auto parsed = manifest::Version::parse(version);
      if (!parsed) add("min_version." + name, parsed.error().message);
    }
  }

  void too_many(const std::string& key, std::size_t count) {
    if (count > limits::kRevokedMax)
      add(key, "has " + std::to_string(count) + " entries, of at most " + std::to_string(limits::kRevokedMax));
  }

  const std::vector<std::string>& path_;
  const PluginsConfig& plugins_;
  std::vector<Problem>& problems_;
};

}  // namespace

void check_plugins(const HostConfig& config, std::vector<Problem>& problems) {
  PluginsCheck(config, problems).run();
}

}  // namespace flame::pool
