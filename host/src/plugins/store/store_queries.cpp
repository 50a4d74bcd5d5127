// Store: what is in it.
#include <fcntl.h>

#include <algorithm>
#include <utility>

#include <flame/detail/plugin_identity.hpp>

#include "host/src/plugins/store/store.hpp"
#include "host/src/plugins/store/store_errors.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::store {
namespace {

constexpr std::string_view kInstallAgain = "remove it, and install the plugin again";
constexpr std::string_view kActivateAgain = "remove it, and activate the version that you want";
constexpr std::string_view kRefuseAgain = "its plugin counts as refused; remove it to allow the plugin again";

Error stranger(const std::string& path) {
  const Error problem = base::make_error(ErrorCode::invalid_argument, "is none: it does not belong there");
  return file_error(path, problem, "move it away");
}

// By version, and for the same precedence by text; builds of one stay as they are.
bool comes_before(const Installed& a, const Installed& b) {
  if (a.version != b.version) return a.version < b.version;
  return a.version.to_string() < b.version.to_string();
}

std::vector<Installed> meant_by(const manifest::PluginReference& reference, const std::vector<Installed>& plugins) {
  std::vector<Installed> meant;
  for (const Installed& plugin : plugins) {
    if (reference.matches_digest(plugin.name, plugin.digest)) meant.push_back(plugin);
    if (plugin.replaced || !reference.matches(plugin.name, plugin.version)) continue;
    meant = {plugin};  // they ascend
  }
  return meant;
}

}  // namespace

Result<Listing> Store::list() const {
  auto listing = builds_of_all();
  if (listing) add_refusals(*listing);
  return listing;
}

Result<Listing> Store::versions(std::string_view name) const {
  auto listing = builds_of(name);
  if (listing) add_refusals(*listing);
  return listing;
}

Result<Installed> Store::find(const manifest::PluginReference& reference) const {
  const auto listing = builds_of(reference.name);
  if (!listing) return listing.error();
  auto found = choose(reference, *listing);
  if (!found) return found;
  if (!found->present) {
    return file_error(found->file.string(), base::make_error(ErrorCode::invalid_argument, "is gone"),
                      "install " + found->reference() + " again");
  }
  Listing one{{std::move(*found)}, {}};
  add_refusals(one);
  return std::move(one.plugins.front());
}

Result<Records> Store::records(std::string_view plugin) const {
  const auto there = files_.exists();
  if (!there) return there.error();
  return read_records(plugin);
}

Result<std::map<std::string, Records>> Store::all_records() const {
  const auto there = files_.exists();
  if (!there) return there.error();
  const auto names = files_.list(files_.layout().active());
  if (!names) return names.error();
  std::map<std::string, Records> all;
  for (const std::string& name : *names) {
    if (!detail::is_plugin_name(name)) return stranger(files_.layout().active() + "/" + name);
    auto records = read_records(name);
    if (!records) return records.error();
    all.emplace(name, std::move(*records));
  }
  return all;
}

Result<std::optional<Refusal>> Store::refusal(std::string_view digest) const {
  const auto there = files_.exists();
  if (!there) return there.error();
  return read_refusal(digest);
}

Result<std::vector<HostUse>> Store::hosts() const {
  const auto there = files_.exists();
  if (!there) return there.error();
  return running_hosts(files_);
}

Result<Listing> Store::builds_of_all() const {
  const auto there = files_.exists();
  if (!there) return there.error();
  const auto names = files_.list(files_.layout().refs());
  if (!names) return names.error();
  Listing all;
  for (const std::string& name : *names) {
    if (!detail::is_plugin_name(name)) {
      all.damaged.push_back(stranger(files_.layout().refs() + "/" + name));
      continue;
    }
    auto some = builds_of(name);
    if (!some) return some.error();
    std::ranges::move(some->plugins, std::back_inserter(all.plugins));
    std::ranges::move(some->damaged, std::back_inserter(all.damaged));
  }
  return all;
}

Result<Listing> Store::builds_of(std::string_view name) const {
  if (!detail::is_plugin_name(name)) return no_plugin_name(name);
  const auto there = files_.exists();
  if (!there) return there.error();
  const auto versions = files_.list(files_.layout().versions(name));
  if (!versions) return versions.error();
  Listing listing;
  for (const std::string& version : *versions) add_builds(name, version, listing);
  std::ranges::stable_sort(listing.plugins, comes_before);
  return listing;
}

// `file`: named by the version.
void Store::add_builds(std::string_view name, const std::string& file, Listing& listing) const {
  const std::string path = files_.layout().builds(name, file);
  const auto version = manifest::Version::parse(file);
  if (!version) return listing.damaged.push_back(stranger(path));
  const auto builds = read_builds(path);
  if (!builds) return listing.damaged.push_back(builds.error());
  for (const Build& build : *builds) {
    listing.plugins.push_back({.name = std::string(name),
                               .version = *version,
                               .digest = build.digest,
                               .file = files_.layout().object(build.digest),
                               .source = build.source,
                               .installed = build.installed,
                               .replaced = &build != &builds->front(),
                               .present = is_present(build.digest),
                               .refusal = {}});
  }
}

void Store::add_refusals(Listing& listing) const {
  for (Installed& plugin : listing.plugins) {
    auto refusal = read_refusal(plugin.digest);
    if (refusal) {
      plugin.refusal = std::move(*refusal);
    } else {
      plugin.refusal = Refusal{refusal.error().message, {}, 0};
      listing.damaged.push_back(refusal.error());
    }
  }
}

// None if there is no such file.
Result<std::vector<Build>> Store::read_builds(const std::string& path) const {
  const auto text = files_.read(path, limits::kStoreFileMax);
  if (!text) return text.error();
  if (!*text) return std::vector<Build>();
  auto builds = parse_builds(**text);
  if (!builds) return file_error(path, builds.error(), kInstallAgain);
  return builds;
}

Result<Records> Store::read_records(std::string_view plugin) const {
  if (!detail::is_plugin_name(plugin)) return no_plugin_name(plugin);
  const std::string path = files_.layout().records(plugin);
  const auto text = files_.read(path, limits::kStoreFileMax);
  if (!text) return text.error();
  if (!*text) return Records();
  auto records = parse_records(**text);
  if (!records) return file_error(path, records.error(), kActivateAgain);
  return Records(std::move(*records));
}

Result<std::optional<Refusal>> Store::read_refusal(std::string_view digest) const {
  if (!base::Digest::is_hex(digest)) return no_digest(digest);
  const std::string path = files_.layout().refusal(digest);
  const auto text = files_.read(path, limits::kStoreFileMax);
  if (!text) return text.error();
  if (!*text) return std::optional<Refusal>();
  auto refusal = parse_refusal(**text);
  if (!refusal) return file_error(path, refusal.error(), kRefuseAgain);
  return std::optional(std::move(*refusal));
}

bool Store::is_present(const std::string& digest) const {
  return files_.system().open(files_.layout().object(digest), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0).error == 0;
}

Result<Installed> Store::choose(const manifest::PluginReference& reference, const Listing& listing) const {
  std::vector<Installed> meant = meant_by(reference, listing.plugins);
  const bool named_in_full = reference.exact || reference.digest.size() == manifest::kDigestDigits;
  if (!listing.damaged.empty() && (meant.empty() || !named_in_full)) return listing.damaged.front();
  if (meant.empty()) return missing(reference);
  if (meant.size() == 1) return std::move(meant.front());
  std::string digests;
  for (const Installed& plugin : meant) digests += (digests.empty() ? "sha256:" : ", sha256:") + plugin.digest;
  return base::make_error(ErrorCode::invalid_argument,
                          "\"" + reference.to_string() + "\" may be any of " + digests + "; write more of its digits");
}

Error Store::missing(const manifest::PluginReference& reference) const {
  std::string message =
      "no plugin \"" + reference.to_string() + "\" in the plugin store \"" + files_.layout().root() + "\"";
  const auto all = builds_of_all();
  if (!all || all->plugins.empty()) return base::make_error(ErrorCode::not_found, message + ", which is empty");
  std::vector<std::string> names;
  std::string list;
  for (const Installed& plugin : all->plugins) {
    names.push_back(plugin.name);
    if (!plugin.replaced) list += (list.empty() ? "" : ", ") + plugin.reference();
  }
  const bool is_known = std::ranges::find(names, reference.name) != names.end();
  return base::make_error(ErrorCode::not_found, message + "; there are: " + list +
                                                    (is_known ? "" : base::did_you_mean(reference.name, names)));
}

Result<InUse> Store::in_use_of(std::string_view plugin) const {
  auto records = read_records(plugin);
  if (!records) return records.error();
  const auto hosts = running_hosts(files_);
  if (!hosts) return hosts.error();
  return in_use({std::move(*records)}, *hosts);
}

Result<InUse> Store::in_use_of_all() const {
  auto all = all_records();
  if (!all) return all.error();
  const auto hosts = running_hosts(files_);
  if (!hosts) return hosts.error();
  std::vector<Records> records;
  for (auto& [name, some] : *all) records.push_back(std::move(some));
  return in_use(records, *hosts);
}

}  // namespace flame::store
