// Copies of plugins and of the libraries beside them.
#include "host/src/plugins/plugin_copies.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "host/src/plugins/origin_libraries.hpp"
#include "host/src/plugins/private_dir.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/manifest/elf_file.hpp"

namespace flame::pool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 64 * limits::MiB;

Error failed(const std::string& what, int error) {
  return base::make_error(ErrorCode::invalid_argument,
                          "cannot " + what + ": " + std::generic_category().message(error));
}

// The runtime directory, which `what` names, is what lacks something, not the plugin.
Error cannot_write(const std::string& what, int error) {
  Error problem = failed(what, error);
  problem.code = ErrorCode::boot_failed;
  if (error == ENOSPC || error == EDQUOT) {
    problem.message += ". Free space there, or set XDG_RUNTIME_DIR to a private directory with room for the plugins";
  }
  return problem;
}

// Why nothing more can be written to `fd`; 0: it can.
int write_problem(int fd) {
  return ::write(fd, "", 1) < 0 ? errno : 0;
}

// All of `from`, whatever its offset is, into a new file that appears at `target` when it is complete.
Result<base::UniqueFd> copy_to(const base::UniqueFd& from, const fs::path& target) {
  std::error_code ignored;
  fs::create_directories(target.parent_path(), ignored);
  fs::permissions(target.parent_path(), fs::perms::owner_all,
                  ignored);  // runners load from nowhere that others may write
  std::string part = (target.parent_path() / ".partXXXXXX").string();
  base::UniqueFd to(::mkostemp(part.data(), O_CLOEXEC));
  if (!to) return cannot_write("write to \"" + target.parent_path().string() + "\"", errno);
  off_t at = 0;
  ssize_t sent = 0;
  while ((sent = ::sendfile(to.get(), from.get(), &at, kPiece)) > 0 || (sent < 0 && errno == EINTR)) continue;
  if (sent == 0 && ::fchmod(to.get(), 0444) == 0 && ::rename(part.c_str(), target.c_str()) == 0) return to;
  const int error = errno;
  ::unlink(part.c_str());
  return cannot_write("write \"" + target.string() + "\"", error);
}

std::uint64_t size_of(const base::UniqueFd& file) {
  struct stat info {};
  return ::fstat(file.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

// A library that was copied half; the plugin itself was looked at when its note was read.
std::optional<Error> find_damage(const base::UniqueFd& file) {
  const manifest::ElfSource source(file.get(), size_of(file));
  const auto header = manifest::read_elf_header(source);
  if (header) return manifest::find_cut(source, *header);
  if (header.error().code != ErrorCode::invalid_argument) return std::nullopt;  // the loader passes it over
  return manifest::damaged_elf("it does not begin as one");
}

bool stands_at(const base::UniqueFd& file, const fs::path& path) {
  struct stat there {};
  return ::lstat(path.c_str(), &there) == 0 && S_ISREG(there.st_mode) &&
         static_cast<std::uint64_t>(there.st_size) == size_of(file);
}

}  // namespace

Result<PluginCopies::Made> PluginCopies::make(const fs::path& file) {
  const base::UniqueFd from(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!from || ::fstat(from.get(), &info) != 0) return failed("read the plugin \"" + file.string() + "\"", errno);
  if (const auto known = hashed_.find(file, info)) {
    if (const auto copies = need(*known)) return Made{*known, copies->front().path};
  }
  std::error_code ignored;
  fs::create_directories(directory_, ignored);
  std::string part = (directory_ / ".partXXXXXX").string();
  const base::UniqueFd to(::mkostemp(part.data(), O_CLOEXEC));
  if (!to) return cannot_write("write to \"" + directory_.string() + "\"", errno);
  const Result<base::Digest> digest = base::hash_while_copying(from.get(), to.get(), limits::kPluginBytesMax);
  if (!digest) {
    const int problem = write_problem(to.get());
    ::unlink(part.c_str());
    if (problem != 0) {
      return cannot_write("copy the plugin \"" + file.string() + "\" to \"" + directory_.string() + "\"", problem);
    }
    return base::make_error(digest.error().code,
                            "cannot install the plugin \"" + file.string() + "\": " + digest.error().message);
  }
  const std::string hex = digest->hex();
  hashed_.add(file, info, hex);
  if (const auto copies = need(hex)) {
    ::unlink(part.c_str());
    return Made{hex, copies->front().path};
  }
  const fs::path source = fs::weakly_canonical(file.parent_path(), ignored) / file.filename();
  auto made = copy_all(source, hex, part);
  ::unlink(part.c_str());
  if (!made) return made.error();
  const auto copies = std::make_shared<const std::vector<Copy>>(std::move(*made));
  const std::lock_guard lock(mutex_);
  kept_[hex] = {copies, ++needs_};
  return Made{hex, copies->front().path};
}

// Gives the copy at `part` its place, and the libraries that `source` finds beside it theirs.
Result<std::vector<PluginCopies::Copy>> PluginCopies::copy_all(const fs::path& source, const std::string& digest,
                                                               const fs::path& part) const {
  std::vector<fs::path> files = origin_libraries(source);
  const bool alone = files.empty();
  files.insert(files.begin(), source);
  const fs::path common = common_directory(files);
  std::vector<Copy> copies;
  std::uint64_t bytes = 0;
  for (const fs::path& file : files) {
    const bool own = file == source;
    const base::UniqueFd from(::open(own ? part.c_str() : file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!from) return failed("read \"" + file.string() + "\", which \"" + source.string() + "\" needs", errno);
    if (const auto damage = own ? std::nullopt : find_damage(from)) {
      return base::make_error(damage->code,
                              "\"" + file.string() + "\", which \"" + source.string() + "\" needs, " + damage->message);
    }
    bytes += size_of(from);
    if (bytes > limits::kPluginBytesMax) {
      return base::make_error(
          ErrorCode::too_large,
          "the plugin \"" + source.string() +
              "\" and the libraries that it finds through $ORIGIN exceed 1 GiB; give it an absolute "
              "path to the large ones (INSTALL_RPATH)");
    }
    const fs::path directory = alone ? directory_ : directory_ / digest / file.parent_path().lexically_relative(common);
    const fs::path target = (directory / (own ? fs::path(digest + ".so") : file.filename())).lexically_normal();
    auto copy = copy_to(from, target);
    if (!copy) return copy.error();
    copies.push_back({target, base::UniqueFd(::open(target.c_str(), O_RDONLY | O_CLOEXEC))});
    if (!copies.back().file) return failed("read \"" + target.string() + "\"", errno);
  }
  return copies;
}

PluginCopies::CopiesOfOne PluginCopies::need(std::string_view digest) {
  const std::lock_guard lock(mutex_);
  const auto known = kept_.find(digest);
  if (known == kept_.end()) return nullptr;
  known->second.needed = ++needs_;
  return known->second.copies;
}

Result<void> PluginCopies::restore(const CatalogPlugin& plugin) {
  if (directory_.empty()) return {};
  if (const auto copies = need(plugin.digest)) return put_back(*copies);
  const auto made = make(plugin.source);
  if (!made) return made.error();
  if (made->digest != plugin.digest)
    return base::make_error(ErrorCode::not_found, "the bytes of " + plugin.reference + " are gone: \"" +
                                                      plugin.source.string() +
                                                      "\" has others now; install that build again");
  return {};
}

Result<void> PluginCopies::restore_kept() const {
  std::vector<CopiesOfOne> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [digest, kept] : kept_) all.push_back(kept.copies);
  }
  for (const CopiesOfOne& copies : all) {
    if (auto back = put_back(*copies); back.has_error()) return back;
  }
  return {};
}

Result<void> PluginCopies::put_back(const std::vector<Copy>& copies) const {
  for (const fs::path& directory : {directory_.parent_path(), directory_}) {
    if (auto ours = make_private(directory); ours.has_error()) return ours;
  }
  for (const Copy& copy : copies) {
    if (stands_at(copy.file, copy.path)) continue;
    if (auto made = copy_to(copy.file, copy.path); !made) return made.error();
  }
  return {};
}

void PluginCopies::trim(std::span<const std::string> used) {
  const std::lock_guard lock(mutex_);
  std::map<std::uint64_t, std::string> spare;  // the oldest need first
  for (const auto& [digest, kept] : kept_)
    if (std::ranges::find(used, digest) == used.end()) spare.emplace(kept.needed, digest);
  for (; spare.size() > kSpareMax; spare.erase(spare.begin())) {
    const std::string& digest = spare.begin()->second;
    std::error_code ignored;
    for (const Copy& copy : *kept_.at(digest).copies) fs::remove(copy.path, ignored);
    fs::remove_all(directory_ / digest, ignored);
    kept_.erase(digest);
  }
}

std::string PluginCopies::directory_of(const CatalogPlugin& plugin) const {
  return (use_ == Copies::loaded ? plugin.installed : fs::absolute(plugin.source)).parent_path().string();
}

}  // namespace flame::pool
