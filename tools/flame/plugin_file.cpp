// Reading of one plugin file.
#include "tools/flame/plugin_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/base/units.hpp"
#include "plugin_sdk/manifest/cpu.hpp"
#include "plugin_sdk/manifest/elf_note.hpp"

namespace flame::cli {
namespace {

Error cannot_open(const std::string& path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return Error{.code = missing ? ErrorCode::not_found : ErrorCode::invalid_argument,
               .message = path + ": " + std::strerror(error) + "."};
}

Check abi_check(const manifest::Manifest& manifest) {
  const auto problem = manifest::check_abi(manifest);
  return {"abi", !problem, problem ? problem->message : "this version of FLAME can load it"};
}

Check cpu_check(const manifest::Manifest& manifest) {
  const auto problem = manifest::check_cpu(manifest);
  return {"cpu", !problem, problem ? problem->message : "this machine's can run it"};
}

Check size_check(std::uint64_t bytes) {
  const bool ok = bytes <= limits::kPluginBytesMax;
  return {"size", ok, ok ? "within the limit" : "over the limit of " + base::approximate_size(limits::kPluginBytesMax)};
}

Check permission_check(const struct stat& status) {
  const bool ok = (status.st_mode & S_IWOTH) == 0;
  return {"permissions", ok, ok ? "not writable by everybody" : "everybody may change it: chmod o-w"};
}

Check task_check(const manifest::Manifest& manifest) {
  const bool ok = !manifest.tasks.empty();
  return {"tasks", ok, ok ? "has tasks" : "registers no task: add p.task<function>() to FLAME_PLUGIN"};
}

}  // namespace

bool PluginFile::loadable() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.ok; });
}

Result<PluginFile> read_plugin_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return cannot_open(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return cannot_open(path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{.code = ErrorCode::invalid_argument, .message = path + ": this is no file. Name a plugin's .so."};
  }
  const auto note = manifest::read_note(fd.get(), path);
  if (!note) return note.error();
  auto manifest = manifest::read(fd.get(), path);
  if (!manifest) return std::move(manifest).error();
  const auto digest = base::hash_fd(fd.get(), limits::kPluginBytesMax);
  if (!digest) return digest.error();

  PluginFile file{.path = std::filesystem::absolute(path).lexically_normal().string(),
                  .bytes = static_cast<std::uint64_t>(status.st_size),
                  .note_bytes = note->size(),
                  .digest = digest->hex(),
                  .manifest = std::move(*manifest)};
  file.checks = {abi_check(file.manifest), cpu_check(file.manifest), size_check(file.bytes), permission_check(status),
                 task_check(file.manifest)};
  return file;
}

}  // namespace flame::cli
