// Scanning, and choosing by name, version and digest.
#include "host/src/plugins/found_plugins.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "host/src/plugins/key_file.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

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

// Empty: it cannot be read (any more).
std::string digest_of(const fs::path& file) {
  const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  const auto digest = base::hash_fd(fd.get(), limits::kPluginBytesMax);
  return digest ? digest->hex() : std::string();
}

}  // namespace

Result<void> FoundPlugins::scan(std::span<const StoredPlugin> stored) {
  found_.clear();
  refused_.clear();
  for (const StoredPlugin& plugin : stored)
    examine({plugin.file, {}, plugin.digest, plugin.signature, plugin.replaced});
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
    for (const fs::path& file : files) examine({file, {}, {}, signature_file_of(file.string()), false});
  }
  return {};
}

void FoundPlugins::examine(FoundPlugin found) {
  Result<manifest::Manifest> read = manifest::read(found.file);
  if (!read) {
    refused_.push_back({found.file, {}, read.error()});
  } else if (std::optional<Error> other = manifest::check_abi(*read)) {
    refused_.push_back(
        {found.file, read->name, base::make_error(other->code, "\"" + found.file.string() + "\": " + other->message)});
  } else {
    found.manifest = std::move(*read);
    found_.push_back(std::move(found));
  }
}

Result<std::vector<FoundPlugins::SameVersion>> FoundPlugins::matching(const manifest::PluginReference& reference) {
  if (!reference.digest.empty()) return by_digest(reference);
  std::vector<SameVersion> versions;
  for (const FoundPlugin& found : found_) {
    if (found.replaced || !reference.matches(found.manifest.name, found.manifest.version)) continue;
    const auto same = std::ranges::find_if(
        versions, [&](const SameVersion& one) { return one.front()->manifest.version == found.manifest.version; });
    same == versions.end() ? versions.push_back({&found}) : same->push_back(&found);
  }
  std::ranges::sort(versions, [](const SameVersion& one, const SameVersion& other) {
    return other.front()->manifest.version < one.front()->manifest.version;
  });
  return versions;
}

Result<std::vector<FoundPlugins::SameVersion>> FoundPlugins::by_digest(const manifest::PluginReference& reference) {
  std::map<std::string, SameVersion> builds;
  for (FoundPlugin& found : found_) {
    if (found.manifest.name != reference.name) continue;
    if (found.digest.empty()) found.digest = digest_of(found.file);
    if (reference.matches_digest(found.manifest.name, found.digest)) builds[found.digest].push_back(&found);
  }
  if (builds.size() < 2) {
    return builds.empty() ? std::vector<SameVersion>() : std::vector<SameVersion>{builds.begin()->second};
  }
  std::string all;
  for (const auto& [digest, files] : builds)
    all += (all.empty() ? "" : ", ") + ("sha256:" + digest) + " (" + files.front()->file.string() + ")";
  return base::make_error(ErrorCode::invalid_argument, "\"" + reference.to_string() +
                                                           "\" is the beginning of several "
                                                           "digests: " +
                                                           all + "; write more digits");
}

Error FoundPlugins::missing(const manifest::PluginReference& wanted) const {
  const std::string reference = wanted.to_string();
  const std::string& name = wanted.name;
  for (const Refused& refused : refused_)
    if (refused.name == name || (refused.name.empty() && file_may_be(refused.file, name)))
      return base::make_error(refused.error.code, "plugin \"" + reference + "\": " + refused.error.message);
  std::string message = "no plugin \"" + reference + "\" in [plugins] path or store";
  if (path_.empty()) return base::make_error(ErrorCode::not_found, message + ", which is empty");
  if (found_.empty()) return base::make_error(ErrorCode::not_found, message + describe_empty(path_));
  std::vector<std::string> names;
  std::string list;
  for (const FoundPlugin& found : found_) {
    names.push_back(found.manifest.name);
    list += (list.empty() ? "" : ", ") + found.manifest.name + "@" + found.manifest.version.to_string();
  }
  for (const fs::path& directory : path_) {
    if (!is_there(directory)) message += "; there is no directory \"" + directory.string() + "\"";
  }
  return base::make_error(ErrorCode::not_found, message + "; there are: " + list + base::did_you_mean(name, names));
}

}  // namespace flame::pool
