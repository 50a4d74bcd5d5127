// The plugin store: versions of plugins by the digest of their bytes, which is active where, and which is refused.
// Several processes use one at a time; each change is made whole or not at all, whenever its process dies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/store/in_use.hpp"
#include "host/src/plugins/store/incoming.hpp"
#include "host/src/plugins/store/records.hpp"
#include "host/src/plugins/store/running_hosts.hpp"
#include "host/src/plugins/store/store_files.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame::store {

/// A plugin in the store.
struct Installed {
  std::string name;
  manifest::Version version;
  std::string digest;
  std::filesystem::path file;  ///< the store's own; 0444
  std::string source;          ///< the file that was installed, by its absolute path
  std::int64_t installed = 0;  ///< when: seconds since 1970, UTC
  bool replaced = false;       ///< another build of this version was installed over it; only its digest names it
  bool present = true;         ///< false: somebody has removed `file`
  std::optional<Refusal> refusal;

  /// "video@1.4.0"
  [[nodiscard]] std::string reference() const { return name + "@" + version.to_string(); }
};

/// By name, version, and the newest build first. A damaged file hides only what it says.
struct Listing {
  std::vector<Installed> plugins;
  std::vector<Error> damaged;  ///< one for each such file: path and remedy
};

struct Installation {
  Installed plugin;
  bool already_there = false;
  std::string replaced;  ///< the digest of this version until now; empty: none, or the same
};

struct RemovedBuild {
  std::string reference;  ///< "video@1.4.0"; empty: a file that no version names, of an install that was not finished
  std::string digest;
  std::uint64_t bytes = 0;
};

struct Removed {
  std::vector<RemovedBuild> builds;
  std::uint64_t bytes = 0;
};

/// Errors of all functions: disk_error()'s; invalid_argument for a directory of another user or open to others, for a
/// name that is none, and for a damaged file (with its path and the remedy); incompatible for one of a later flame.
/// Queries wait for nobody, and find nothing where there is no store. Changes make one (remove() and gc() do not), and
/// wait for those of others, which take milliseconds. Plugin names: as in a PluginReference; digests: 64 lower-case hex
/// digits. [any thread; a Store has no state]
class Store {
 public:
  /// `files` outlives it, and every RunningHost that it has made.
  Store(const std::filesystem::path& root, FileSystem& files) : files_(root.string(), files) {}

  /// All that is installed.
  [[nodiscard]] Result<Listing> list() const;
  /// The same of one plugin.
  [[nodiscard]] Result<Listing> versions(std::string_view name) const;
  /// By digest, by a full version (its newest build), or the highest version that matches. Refused ones count: the
  /// caller decides. Errors: not_found (lists what exists); invalid_argument for a prefix that several digests have
  /// (all are named), for a file that is gone, and for a damaged one that may be meant.
  [[nodiscard]] Result<Installed> find(const manifest::PluginReference& reference) const;
  /// None: no records.
  [[nodiscard]] Result<Records> records(std::string_view plugin) const;
  /// By plugin; of those too that are not in the store.
  [[nodiscard]] Result<std::map<std::string, Records>> all_records() const;
  /// Why no line takes that digest; nullopt: it may.
  [[nodiscard]] Result<std::optional<Refusal>> refusal(std::string_view digest) const;
  /// Those that run, with the digests that they use.
  [[nodiscard]] Result<std::vector<HostUse>> hosts() const;

  /// Copies a plugin file into the store. Errors besides take_in()'s: invalid_argument when that version is there with
  /// other bytes, unless options.force. What is replaced can still be found by its digest while it is in use.
  [[nodiscard]] Result<Installation> install(const std::filesystem::path& file, const InstallOptions& options);
  /// Records::set(). The digest need not be in the store: a plugin may come from [plugins] path.
  [[nodiscard]] Result<bool> record(std::string_view plugin, const Scope& scope, const std::string& digest,
                                    Narrower narrower, const std::string& before = {});
  /// Several at once: all of them or none.
  [[nodiscard]] Result<bool> record(std::string_view plugin, const std::vector<NewRecord>& records, Narrower narrower);
  /// Records::erase_narrower().
  [[nodiscard]] Result<bool> erase_narrower(std::string_view plugin, const Scope& scope);
  /// Binds all that start or activate from now on. An earlier refusal of that digest is replaced; its reason is cut to
  /// limits::kStoreTextMax.
  [[nodiscard]] Result<void> refuse(std::string_view digest, Refusal refusal);
  /// Returns whether there was a refusal.
  [[nodiscard]] Result<bool> unrefuse(std::string_view digest);
  /// All builds of a full version, or one by its digest. Errors: not_found; invalid_argument for a reference that may
  /// mean several versions, and for what is in use: then nothing is removed, and the message says by whom.
  [[nodiscard]] Result<Removed> remove(const manifest::PluginReference& reference);
  /// All builds that are not in use, and what unfinished installs have left. With a damaged file of refs/, active/ or
  /// hosts/ nothing is removed: it may name what is in use.
  [[nodiscard]] Result<Removed> gc();
  /// RunningHost::announce().
  [[nodiscard]] Result<RunningHost> announce(std::string name, std::vector<std::string> digests);

 private:
  [[nodiscard]] Result<Listing> builds_of_all() const;
  [[nodiscard]] Result<Listing> builds_of(std::string_view name) const;
  [[nodiscard]] Result<std::vector<Build>> read_builds(const std::string& path) const;
  [[nodiscard]] Result<Records> read_records(std::string_view plugin) const;
  [[nodiscard]] Result<std::optional<Refusal>> read_refusal(std::string_view digest) const;
  void add_builds(std::string_view name, const std::string& file, Listing& listing) const;
  void add_refusals(Listing& listing) const;
  [[nodiscard]] bool is_present(const std::string& digest) const;
  [[nodiscard]] Result<Installed> choose(const manifest::PluginReference& reference, const Listing& listing) const;
  [[nodiscard]] Error missing(const manifest::PluginReference& reference) const;
  [[nodiscard]] Result<InUse> in_use_of(std::string_view plugin) const;
  [[nodiscard]] Result<InUse> in_use_of_all() const;

  [[nodiscard]] Result<Installation> settle(Incoming incoming, const Build& build, bool force);
  [[nodiscard]] Result<std::vector<Build>> replacing(const Incoming& incoming, const std::vector<Build>& builds) const;
  [[nodiscard]] Result<void> write_objects(Incoming incoming);
  [[nodiscard]] Result<bool> change_records(std::string_view plugin, const std::function<bool(Records&)>& change);
  [[nodiscard]] Result<void> forget(const std::string& path, const std::vector<std::string>& digests);
  [[nodiscard]] Result<Removed> remove_objects(const std::map<std::string, std::string>& references);

  StoreFiles files_;
};

}  // namespace flame::store
