// Store: changes, each under the lock. Objects are written before what names them, and removed after it.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "host/src/plugins/store/store.hpp"
#include "host/src/plugins/store/store_errors.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::store {
namespace {

constexpr mode_t kReadOnly = 0444;  // what runs never changes under its name

Error other_bytes(const Incoming& incoming, const Build& there, const std::string& source) {
  const std::string reference = incoming.manifest.name + "@" + incoming.manifest.version.to_string();
  return base::make_error(ErrorCode::invalid_argument,
                          reference + " is in the store already with other bytes: sha256:" + there.digest +
                              " (from \"" + there.source + "\"), but \"" + source + "\" has sha256:" + incoming.digest +
                              "; give it another version, or replace that one with --force");
}

// The digest of a name like DIGEST.so or DIGEST.sig; empty: of another.
std::string digest_of(const std::string& name) {
  const std::filesystem::path path = name;
  const bool ours = path.extension() == ".so" || path.extension() == ".sig";
  std::string stem = path.stem().string();
  return ours && base::Digest::is_hex(stem) ? stem : std::string();
}

std::uint64_t size_of(FileSystem& system, const std::string& path) {
  const Opened file = system.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  struct stat info {};
  return file.error == 0 && system.status(file.fd.get(), info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::optional<Error> check(const NewRecord& record) {
  if (!base::Digest::is_hex(record.digest)) return no_digest(record.digest);
  if (!record.before.empty() && !base::Digest::is_hex(record.before)) return no_digest(record.before);
  const Scope& scope = record.scope;
  if ((!scope.host.empty() || scope.pool.empty()) && scope.host.size() <= limits::kStoreTextMax &&
      scope.pool.size() <= limits::kStoreTextMax)
    return std::nullopt;
  return base::make_error(ErrorCode::invalid_argument,
                          "\"" + cut(scope.to_string()) + "\" is no scope: write *, HOST or HOST/POOL");
}

std::optional<Error> find_use(const std::vector<Installed>& builds, const InUse& used) {
  for (const Installed& build : builds) {
    const auto use = used.find(build.digest);
    if (use == used.end()) continue;
    return base::make_error(ErrorCode::invalid_argument,
                            "cannot remove " + build.reference() + ": sha256:" + build.digest + " " + use->second +
                                "; activate other versions there, or end the host that uses it");
  }
  return std::nullopt;
}

}  // namespace

Result<Installation> Store::install(const std::filesystem::path& file, const InstallOptions& options) {
  auto incoming = take_in(files_, file, options);
  if (!incoming) return incoming.error();
  std::error_code unknown;  // then it stays as it was given
  const std::filesystem::path absolute = std::filesystem::absolute(file, unknown);
  const Build build{incoming->digest, options.now, cut((unknown ? file : absolute).string())};
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  return settle(std::move(*incoming), build, options.force);
}

Result<Installation> Store::settle(Incoming incoming, const Build& build, bool force) {
  const std::string name = incoming.manifest.name;
  const manifest::Version version = incoming.manifest.version;
  const std::string path = files_.layout().builds(name, version.to_string());
  const auto before = read_builds(path);
  if (!before) return before.error();
  Installation done;
  done.already_there = !before->empty() && before->front().digest == build.digest;
  if (!before->empty() && !done.already_there) {
    if (!force) return other_bytes(incoming, before->front(), build.source);
    done.replaced = before->front().digest;
  }
  auto after = done.already_there ? *before : std::vector<Build>{build};
  if (!done.replaced.empty()) {
    auto older = replacing(incoming, *before);
    if (!older) return older.error();
    std::ranges::move(*older, std::back_inserter(after));
  }
  if (auto written = write_objects(std::move(incoming)); !written) return written.error();
  if (auto made = files_.make_directory(files_.layout().versions(name)); !made) return made.error();
  const auto written =
      done.already_there ? files_.sync_directory(files_.layout().versions(name)) : files_.replace(path, print(after));
  if (!written) return written.error();
  Listing listing;
  add_builds(name, version.to_string(), listing);
  add_refusals(listing);
  if (listing.plugins.empty()) return listing.damaged.front();
  done.plugin = std::move(listing.plugins.front());
  return done;
}

// Those of `builds` that a new one leaves: what is in use can still be named.
Result<std::vector<Build>> Store::replacing(const Incoming& incoming, const std::vector<Build>& builds) const {
  const auto used = in_use_of(incoming.manifest.name);
  if (!used) return used.error();
  std::vector<Build> older;
  for (const Build& build : builds) {
    if (build.digest != incoming.digest && used->contains(build.digest)) older.push_back(build);
  }
  return older;
}

Result<void> Store::write_objects(Incoming incoming) {
  const Layout& layout = files_.layout();
  if (incoming.signature) {
    if (auto written = files_.replace(layout.signature(incoming.digest), *incoming.signature); !written) return written;
  }
  if (is_intact(files_, incoming.digest)) return files_.sync_directory(layout.objects());
  return files_.publish(std::move(incoming.file), layout.object(incoming.digest), kReadOnly);
}

Result<bool> Store::record(std::string_view plugin, const Scope& scope, const std::string& digest, Narrower narrower,
                           const std::string& before) {
  return record(plugin, {{scope, digest, before}}, narrower);
}

Result<bool> Store::record(std::string_view plugin, const std::vector<NewRecord>& records, Narrower narrower) {
  for (const NewRecord& record : records) {
    if (auto problem = check(record)) return *std::move(problem);
  }
  return change_records(plugin, [&](Records& there) {
    bool changed = false;
    for (const NewRecord& record : records)
      changed = there.set(record.scope, record.digest, narrower, record.before) || changed;
    return changed;
  });
}

Result<bool> Store::erase_narrower(std::string_view plugin, const Scope& scope) {
  return change_records(plugin, [&](Records& records) { return records.erase_narrower(scope); });
}

Result<bool> Store::change_records(std::string_view plugin, const std::function<bool(Records&)>& change) {
  auto records = this->records(plugin);  // a wrong name makes no store
  if (!records) return records.error();
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  records = read_records(plugin);
  if (!records) return records.error();
  const bool changed = change(*records);
  const auto written = changed ? files_.replace(files_.layout().records(plugin), print(records->all()))
                               : files_.sync_directory(files_.layout().active());
  if (!written) return written.error();
  return changed;
}

Result<void> Store::refuse(std::string_view digest, Refusal refusal) {
  if (!base::Digest::is_hex(digest)) return no_digest(digest);
  refusal.reason = cut(refusal.reason);
  refusal.host = cut(refusal.host);
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  return files_.replace(files_.layout().refusal(digest), print(refusal));
}

Result<bool> Store::unrefuse(std::string_view digest) {
  if (!base::Digest::is_hex(digest)) return no_digest(digest);
  const auto there = files_.exists();
  if (!there) return there.error();
  if (!*there) return false;
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  const std::string path = files_.layout().refusal(digest);
  const auto known = files_.read(path, 0);  // also one that is damaged
  if (!known) return known.error();
  if (auto erased = files_.erase(path); !erased) return erased.error();
  return known->has_value();
}

Result<Removed> Store::remove(const manifest::PluginReference& reference) {
  if (!reference.exact && reference.digest.empty()) {
    return base::make_error(ErrorCode::invalid_argument, "\"" + reference.to_string() +
                                                             "\" may be several versions; name one in full, such as " +
                                                             reference.name + "@1.4.0");
  }
  const auto there = files_.exists();
  if (!there) return there.error();
  if (!*there) return missing(reference);
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  auto listing = builds_of(reference.name);
  if (!listing) return listing.error();
  const auto chosen = choose(reference, *listing);
  if (!chosen) return chosen.error();
  std::erase_if(listing->plugins, [&](const Installed& plugin) {
    return reference.exact ? plugin.reference() != chosen->reference() : plugin.digest != chosen->digest;
  });
  const auto used = in_use_of(reference.name);
  if (!used) return used.error();
  if (const auto use = find_use(listing->plugins, *used)) return *use;
  std::map<std::string, std::string> gone;
  std::vector<std::string> digests;
  for (const Installed& plugin : listing->plugins) {
    gone.emplace(plugin.digest, plugin.reference());
    digests.push_back(plugin.digest);
  }
  const std::string path = files_.layout().builds(chosen->name, chosen->version.to_string());
  if (auto forgotten = forget(path, digests); !forgotten) return forgotten.error();
  return remove_objects(gone);
}

Result<Removed> Store::gc() {
  const auto there = files_.exists();
  if (!there) return there.error();
  if (!*there) return Removed();
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  const auto listing = builds_of_all();
  if (!listing) return listing.error();
  if (!listing->damaged.empty()) return listing->damaged.front();
  const auto used = in_use_of_all();
  if (!used) return used.error();
  std::map<std::string, std::vector<std::string>> by_file;
  std::map<std::string, std::string> gone;
  for (const Installed& plugin : listing->plugins) {
    if (used->contains(plugin.digest)) continue;
    by_file[files_.layout().builds(plugin.name, plugin.version.to_string())].push_back(plugin.digest);
    gone.emplace(plugin.digest, plugin.reference());
  }
  for (const auto& [path, digests] : by_file) {
    if (auto forgotten = forget(path, digests); !forgotten) return forgotten.error();
  }
  const auto objects = files_.list(files_.layout().objects());
  if (!objects) return objects.error();
  for (const std::string& name : *objects) {
    const std::string digest = digest_of(name);
    if (!digest.empty() && !used->contains(digest)) gone.emplace(digest, "");
  }
  return remove_objects(gone);
}

// Of a file in refs/. Its last build takes it along.
Result<void> Store::forget(const std::string& path, const std::vector<std::string>& digests) {
  auto builds = read_builds(path);
  if (!builds) return builds.error();
  std::erase_if(*builds, [&](const Build& build) { return std::ranges::find(digests, build.digest) != digests.end(); });
  return builds->empty() ? files_.erase(path) : files_.replace(path, print(*builds));
}

// By digest, what people call it.
Result<Removed> Store::remove_objects(const std::map<std::string, std::string>& references) {
  const Layout& layout = files_.layout();
  Removed removed;
  for (const auto& [digest, reference] : references) {
    RemovedBuild build{reference, digest, 0};
    for (const std::string& path : {layout.object(digest), layout.signature(digest)}) {
      build.bytes += size_of(files_.system(), path);
      const int error = files_.system().unlink(path);
      if (error != 0 && error != ENOENT) return disk_error("remove", path, error);
    }
    removed.bytes += build.bytes;
    removed.builds.push_back(std::move(build));
  }
  if (auto synced = files_.sync_directory(layout.objects()); !synced) return synced.error();
  return removed;
}

Result<RunningHost> Store::announce(std::string name, std::vector<std::string> digests) {
  return RunningHost::announce(files_, std::move(name), std::move(digests));
}

}  // namespace flame::store
