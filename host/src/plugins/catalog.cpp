// Catalog: scanning, resolving and installing plugins.
#include "host/src/plugins/catalog.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame::pool {

namespace {

namespace fs = std::filesystem;

// The name that a file called libvideo.so, video.so or video-1.4.0.so may stand for.
bool file_may_be(const fs::path& file, std::string_view plugin) {
  std::string stem = file.stem().string();
  if (stem.starts_with("lib")) stem.erase(0, 3);
  return stem == plugin || stem.starts_with(std::string(plugin) + "-") || stem.starts_with(std::string(plugin) + "@");
}

bool is_there(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory, ignored);
}

// Directories that are not there, and those that hold no plugin.
std::string describe_empty(const std::vector<fs::path>& path) {
  std::string text;
  for (const fs::path& directory : path) {
    text += (text.empty() ? "; " : ", ") +
            std::string(is_there(directory) ? "there is no plugin in \"" : "there is no directory \"") +
            directory.string() + "\"";
  }
  return text;
}

}  // namespace

Catalog::Catalog(std::vector<fs::path> path, fs::path runtime_dir, Copies use)
    : path_(std::move(path)), store_(runtime_dir / "plugins"), use_(use) {}

Catalog::Catalog(std::vector<CatalogPlugin> known) : use_(Copies::loaded) {
  for (CatalogPlugin& plugin : known) {
    FLAME_ASSERT(plugin.id == plugins_.size(), "plugins are numbered by position");
    by_digest_[plugin.digest] = plugin.id;
    plugins_.push_back(std::make_unique<CatalogPlugin>(std::move(plugin)));
  }
}

Result<void> Catalog::scan() {
  found_.clear();
  refused_.clear();
  for (const fs::path& directory : path_) {
    std::error_code failure;
    fs::directory_iterator entries(directory, failure);
    if (failure == std::errc::no_such_file_or_directory) continue;
    if (failure)
      return base::make_error(ErrorCode::invalid_argument, "cannot read the plugin directory \"" + directory.string() +
                                                               "\" of [plugins] path: " + failure.message());
    std::vector<fs::path> files;
    for (; entries != fs::directory_iterator(); entries.increment(failure)) {
      if (failure) break;
      if (entries->path().extension() == ".so" && !entries->is_directory(failure)) files.push_back(entries->path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) examine(file);
  }
  return {};
}

void Catalog::examine(const fs::path& file) {
  Result<manifest::Manifest> read = manifest::read(file);
  if (!read)
    refused_.push_back({file, {}, read.error()});
  else if (std::optional<Error> other = manifest::check_abi(*read))
    refused_.push_back(
        {file, read->name, base::make_error(other->code, "\"" + file.string() + "\": " + other->message)});
  else
    found_.push_back({file, std::move(*read)});
}

Result<const CatalogPlugin*> Catalog::resolve(std::string_view text) {
  const Result<manifest::PluginReference> reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  std::vector<const Found*> best;
  for (const Found& found : found_) {
    if (!reference->matches(found.manifest.name, found.manifest.version)) continue;
    if (!best.empty() && found.manifest.version < best.front()->manifest.version) continue;
    if (!best.empty() && best.front()->manifest.version < found.manifest.version) best.clear();
    best.push_back(&found);
  }
  if (best.empty()) return missing(text, reference->name);
  return settle(text, best);
}

Error Catalog::missing(std::string_view reference, std::string_view name) const {
  for (const Refused& refused : refused_)
    if (refused.name == name || (refused.name.empty() && file_may_be(refused.file, name)))
      return base::make_error(refused.error.code,
                              "plugin \"" + std::string(reference) + "\": " + refused.error.message);
  std::string message = "no plugin \"" + std::string(reference) + "\" in [plugins] path";
  if (path_.empty()) return base::make_error(ErrorCode::not_found, message + ", which is empty");
  if (found_.empty()) return base::make_error(ErrorCode::not_found, message + describe_empty(path_));
  std::vector<std::string> names;
  std::string list;
  for (const Found& found : found_) {
    names.push_back(found.manifest.name);
    list += (list.empty() ? "" : ", ") + found.manifest.name + "@" + found.manifest.version.to_string();
  }
  for (const fs::path& directory : path_) {
    if (!is_there(directory)) message += "; there is no directory \"" + directory.string() + "\"";
  }
  return base::make_error(ErrorCode::not_found, message + "; there are: " + list + base::did_you_mean(name, names));
}

Result<const CatalogPlugin*> Catalog::settle(std::string_view reference, const std::vector<const Found*>& same) {
  const CatalogPlugin* first = nullptr;
  for (const Found* found : same) {
    Result<const CatalogPlugin*> installed = install(*found);
    if (!installed) return installed;
    if (first && *installed != first)
      return base::make_error(ErrorCode::invalid_argument,
                              "\"" + std::string(reference) + "\" is ambiguous: " + first->source.string() + " and " +
                                  found->file.string() + " are both " + first->reference +
                                  " with different contents; remove one or give it another version");
    first = *installed;
  }
  return first;
}

Result<const CatalogPlugin*> Catalog::adopt(const Found& found, const std::string& digest, const fs::path& installed) {
  if (auto known = by_digest_.find(digest); known != by_digest_.end()) return plugins_[known->second].get();
  // What was scanned may have been replaced since: only the bytes that were copied count.
  Result<manifest::Manifest> manifest = manifest::read(installed);
  if (!manifest || manifest->name != found.manifest.name || !(manifest->version == found.manifest.version))
    return base::make_error(ErrorCode::invalid_argument,
                            "the plugin \"" + found.file.string() + "\" was replaced while it was read; start again");
  auto plugin = std::make_unique<CatalogPlugin>();
  plugin->id = static_cast<DigestId>(plugins_.size());
  plugin->digest = digest;
  plugin->source = found.file;
  plugin->installed = installed;
  plugin->reference = manifest->name + "@" + manifest->version.to_string();
  plugin->manifest = std::move(*manifest);
  by_digest_.emplace(digest, plugin->id);
  plugins_.push_back(std::move(plugin));
  return plugins_.back().get();
}

const CatalogPlugin& Catalog::plugin(DigestId id) const {
  FLAME_ASSERT(id < plugins_.size(), "ids come from this catalog");
  return *plugins_[id];
}

std::optional<DigestId> Catalog::find_digest(std::string_view digest) const {
  auto known = by_digest_.find(digest);
  if (known == by_digest_.end()) return std::nullopt;
  return known->second;
}

}  // namespace flame::pool
