// The plugins a host knows: found by their notes, resolved by name and version, installed by digest, searched for
// tasks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/task_matches.hpp"
#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::pool {

/// One plugin with all its bytes settled. Immutable; lives as long as the Catalog.
struct CatalogPlugin {
  DigestId id = 0;
  std::string digest;            ///< 64 lower-case hex digits
  std::filesystem::path source;  ///< where it was found
  /// RUNTIME_DIR/plugins/DIGEST.so, 0444; with libraries that it finds through $ORIGIN, RUNTIME_DIR/plugins/DIGEST/…,
  /// where their copies stand to it as they do to `source`
  std::filesystem::path installed;
  manifest::Manifest manifest;
  std::string reference;  ///< "video@1.4.0"
};

/// What a host's code knows about a task it calls. Without a fingerprint (command line) the name alone decides.
struct TaskQuery {
  std::string_view name;                     ///< "video::resize_quality"
  std::optional<std::uint64_t> fingerprint;  ///< of the caller's signature
  std::string_view schema;                   ///< the caller's derived schema, for compatibility and messages
};

/// A task settled to one digest. `entry->fingerprint` is what Invoke carries; `entry` has the task's options.
struct TaskRef {
  const CatalogPlugin* plugin = nullptr;
  const manifest::TaskEntry* entry = nullptr;
};

/// What the copies of plugins are for: runners of this machine load them, or, where their file system is mounted
/// noexec, load the files of [plugins] path, whose digest they check.
enum class Copies : std::uint8_t { loaded, not_executable };

/// Files are read in scan() and resolve() only; those two need one thread. All other functions: any thread, as long as
/// no resolve() runs. Each copy is kept open, so that one that somebody has cleaned away can be made again.
class Catalog {
 public:
  /// `path`: directories of [plugins] path, searched for *.so, not recursively; ones that do not exist are skipped.
  /// `runtime_dir`: the host's own directory; RUNTIME_DIR/plugins is created. `use`: whether copies there can be
  /// loaded.
  Catalog(std::vector<std::filesystem::path> path, std::filesystem::path runtime_dir, Copies use = Copies::loaded);

  /// Of plugins that are settled already and have no copies: `known` by id.
  explicit Catalog(std::vector<CatalogPlugin> known);

  /// Reads the notes of all files on the path, runs nothing. A file that is no plugin is only remembered with its
  /// reason: resolve() names it when its file name or the name in its note matches. Errors: invalid_argument for a
  /// directory that cannot be read.
  [[nodiscard]] Result<void> scan();

  /// "video", "video@1", "video@1.4" or "video@1.4.0": the highest matching version, copied into the runtime directory
  /// while it is hashed. The same digest twice is the same plugin. Errors: invalid_argument (no such syntax; two files
  /// of that version with different bytes: both are named), not_found (lists what exists, suggests the nearest),
  /// incompatible (no ELF file, no note, other ABI, other sanitizer: names the file and the remedy), too_large,
  /// boot_failed (no room for the copy: names the directory and the remedy).
  [[nodiscard]] Result<const CatalogPlugin*> resolve(std::string_view reference);

  /// Makes copies of these plugins again that are no longer there. Blocks while it copies, which is seldom: a stat(2)
  /// per file otherwise. Error: the first one's, in the system's words, or make_private()'s.
  [[nodiscard]] Result<void> restore(std::span<const DigestId> plugins) const;
  /// Where runners of this machine find these plugins.
  [[nodiscard]] std::vector<std::string> directories(std::span<const DigestId> plugins) const;

  /// The task `query.name` in one of `plugins` (a pool's; the first that has it wins). Errors: not_found (lists the
  /// tasks that exist, suggests the nearest); signature_mismatch naming both signatures.
  [[nodiscard]] Result<TaskRef> find_task(std::span<const DigestId> plugins, const TaskQuery& query) const;

  [[nodiscard]] const CatalogPlugin& plugin(DigestId id) const;
  [[nodiscard]] std::optional<DigestId> find_digest(std::string_view digest) const;
  /// All resolved plugins, by id.
  [[nodiscard]] const std::vector<std::unique_ptr<CatalogPlugin>>& plugins() const noexcept { return plugins_; }

 private:
  struct Found {
    std::filesystem::path file;
    manifest::Manifest manifest;
  };
  struct Refused {
    std::filesystem::path file;
    std::string name;  // from its note; empty if that could not be read
    Error error;
  };

  struct Copy {
    std::filesystem::path path;
    base::UniqueFd file;
  };

  void examine(const std::filesystem::path& file);
  [[nodiscard]] const manifest::TaskEntry* match(const CatalogPlugin& plugin, const TaskQuery& query,
                                                 const std::vector<const manifest::TaskEntry*>& entries) const;
  [[nodiscard]] Error no_task(std::span<const DigestId> plugins, std::string_view name) const;
  [[nodiscard]] Error missing(std::string_view reference, std::string_view name) const;
  [[nodiscard]] Result<const CatalogPlugin*> settle(std::string_view reference, const std::vector<const Found*>& same);
  [[nodiscard]] Result<const CatalogPlugin*> install(const Found& found);
  [[nodiscard]] Result<std::filesystem::path> settle_copies(const Found& found, const std::string& digest,
                                                            const std::filesystem::path& part);
  [[nodiscard]] Result<const CatalogPlugin*> adopt(const Found& found, const std::string& digest,
                                                   const std::filesystem::path& installed);

  std::vector<std::filesystem::path> path_;
  std::filesystem::path store_;
  Copies use_;
  std::map<std::string, std::vector<Copy>, std::less<>> copies_;  // by digest; the plugin's own is the first
  std::vector<Found> found_;
  std::vector<Refused> refused_;
  std::vector<std::unique_ptr<CatalogPlugin>> plugins_;
  std::map<std::string, DigestId, std::less<>> by_digest_;
  std::unique_ptr<TaskMatches> matches_ = std::make_unique<TaskMatches>();
};

}  // namespace flame::pool
