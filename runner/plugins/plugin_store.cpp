// See plugin_store.hpp.
#include "runner/plugins/plugin_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/manifest/cpu.hpp"

namespace flame::runner {
namespace {

namespace fs = std::filesystem;

bool trusted_owner(const struct stat& info) {
  return info.st_uid == 0 || info.st_uid == ::geteuid();
}

// Whoever can write the file or swap it in its directory decides what code runs here.
std::optional<std::string> distrust(const fs::path& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return "is no regular file";
  if (!trusted_owner(file)) return "belongs to another user";
  if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "is writable by others than its owner (chmod go-w)";
  for (fs::path dir = path.parent_path();; dir = dir.parent_path()) {
    struct stat info {};
    if (::stat(dir.c_str(), &info) != 0) return fmt::format("lies in {}: {}", dir.string(), std::strerror(errno));
    const bool own_directory = dir == path.parent_path();
    if (own_directory && !trusted_owner(info)) return "lies in a directory of another user";
    const mode_t open_to = own_directory ? S_IWGRP | S_IWOTH : S_IWOTH;
    if ((info.st_mode & open_to) != 0 && (info.st_mode & S_ISVTX) == 0) {
      return fmt::format("lies in {}, which others may write to (chmod go-w)", dir.string());
    }
    if (dir == dir.root_path()) return std::nullopt;
  }
}

Result<std::string> digest_of(const fs::path& path, const base::UniqueFd& fd, const struct stat& info,
                              base::HashedFiles& hashed) {
  if (auto known = hashed.find(path, info)) return std::move(*known);
  // hash_fd() has the same limit, and finds it after reading so much.
  if (static_cast<std::uint64_t>(info.st_size) > limits::kPluginBytesMax) {
    return base::make_error(ErrorCode::too_large,
                            fmt::format("{}: more than {} bytes", path.string(), limits::kPluginBytesMax));
  }
  const auto digest = base::hash_fd(fd.get(), limits::kPluginBytesMax);
  if (!digest)
    return base::make_error(digest.error().code, fmt::format("{}: {}", path.string(), digest.error().message));
  std::string hex = digest->hex();
  hashed.add(path, info, hex);
  return hex;
}

Result<StoredPlugin> verify(const fs::path& path, const wire::PluginRef& wanted, base::HashedFiles& hashed) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) {
    return base::make_error(ErrorCode::not_found, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  if (const auto why = distrust(path, info)) {
    return base::make_error(ErrorCode::not_found, fmt::format("{} {}", path.string(), *why));
  }
  const auto digest = digest_of(path, fd, info, hashed);
  if (!digest) return digest.error();
  if (*digest != wanted.digest) {
    return base::make_error(ErrorCode::not_found, fmt::format("{} has digest {}", path.string(), *digest));
  }
  auto manifest = manifest::read(fd.get(), path.string());
  if (!manifest) return manifest.error();
  if (manifest->name != wanted.name || manifest->version.to_string() != wanted.version) {
    return base::make_error(ErrorCode::invalid_argument,
                            fmt::format("{} is {}@{}, not {}@{}", path.string(), manifest->name,
                                        manifest->version.to_string(), wanted.name, wanted.version));
  }
  if (auto problem = manifest::check_abi(*manifest)) return *problem;
  if (auto problem = manifest::check_cpu(*manifest)) return *problem;
  return StoredPlugin{path.string(), wanted, std::make_shared<const manifest::Manifest>(std::move(*manifest))};
}

// Files of this directory whose note says that they are the wanted name and version.
std::vector<fs::path> candidates_by_note(const fs::path& directory, const wire::PluginRef& wanted) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator it(directory, ignored), end; !ignored && it != end; it.increment(ignored)) {
    if (it->path().extension() != ".so") continue;
    const auto manifest = manifest::read(it->path());
    if (manifest && manifest->name == wanted.name && manifest->version.to_string() == wanted.version) {
      found.push_back(it->path());
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> plugin_directories() {
  std::vector<std::string> directories;
  if (const char* value = std::getenv("FLAME_PLUGIN_PATH")) {
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t colon = std::min(rest.find(':'), rest.size());
      if (colon > 0) directories.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  directories.emplace_back("/usr/lib/flame/plugins");
  directories.emplace_back("/opt/flame/plugins");
  return directories;
}

Result<StoredPlugin> find_plugin(std::span<const std::string> directories, const wire::PluginRef& wanted,
                                 base::HashedFiles& hashed) {
  if (!base::Digest::is_hex(wanted.digest)) {  // it becomes part of a path
    return base::make_error(ErrorCode::invalid_argument, fmt::format("\"{}\" is no SHA-256 digest", wanted.digest));
  }
  std::string reasons;
  const auto attempt = [&](const fs::path& path) -> std::optional<Result<StoredPlugin>> {
    auto plugin = verify(path, wanted, hashed);
    if (plugin || plugin.error().code != ErrorCode::not_found) return plugin;
    reasons += "; " + plugin.error().message;
    return std::nullopt;
  };
  std::vector<fs::path> roots;
  for (const std::string& directory : directories) {
    std::error_code missing;
    fs::path root = fs::canonical(directory, missing);
    if (!missing) roots.push_back(std::move(root));
  }
  for (const fs::path& root : roots) {
    const fs::path path = root / (wanted.digest + ".so");
    if (::access(path.c_str(), F_OK) != 0) continue;
    if (auto plugin = attempt(path)) return *plugin;
  }
  for (const fs::path& root : roots) {
    for (const fs::path& path : candidates_by_note(root, wanted)) {
      if (auto plugin = attempt(path)) return *plugin;
    }
  }
  return base::make_error(
      ErrorCode::not_found,
      fmt::format("plugin {}@{} with digest {} is not on this machine: looked in {} (FLAME_PLUGIN_PATH){}", wanted.name,
                  wanted.version, wanted.digest, fmt::join(directories, ", "), reasons));
}

}  // namespace flame::runner
