// Search for the flame-runner binary.
#include "backends/local/runner_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace flame::backends {
namespace {

constexpr std::string_view kRunner = "flame-runner";

std::string environment_or_empty(const char* name) {
  const char* value = ::secure_getenv(name);
  return value != nullptr ? value : "";
}

void append_path_entries(std::string_view path, std::vector<std::string>& out) {
  while (!path.empty()) {
    const auto colon = path.find(':');
    const auto entry = path.substr(0, colon);
    // An empty or relative entry means the current directory: a runner must not depend on where the host was started.
    if (!entry.empty() && entry.front() == '/') out.push_back((std::filesystem::path(entry) / kRunner).string());
    path = colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
  }
}

bool is_executable_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// Why a file that was found by searching is not to be run; empty: it may.
std::string distrust(const std::string& path, const std::string& executable) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::strerror(errno);
  if ((status.st_mode & S_IWOTH) != 0) return "everybody may write to it (chmod o-w)";
  struct stat program {};
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid() ||
                    (::stat(executable.c_str(), &program) == 0 && status.st_uid == program.st_uid);
  return ours ? "" : "it belongs to user " + std::to_string(status.st_uid);
}

Error not_found(const std::vector<std::string>& tried, const RunnerSearch& search) {
  std::string text = "the flame-runner binary was not found. ";  // the remedy first: PATH may be long
  if (!search.option.empty()) {
    text += "Correct `runner` in [backends.local]";
  } else if (!search.variable.empty()) {
    text += "Correct or unset the environment variable FLAME_RUNNER";
  } else {
    text += "Install FLAME, or set `runner` in [backends.local] or the environment variable FLAME_RUNNER to its path";
  }
  text += ". Tried:";
  for (const auto& place : tried) text += (&place == &tried.front() ? " " : ", ") + place;
  if (tried.empty()) text += " nothing";
  return Error{.code = ErrorCode::boot_failed, .message = text + "."};
}

}  // namespace

RunnerSearch runner_search(std::string option) {
  RunnerSearch search{.option = std::move(option), .variable = environment_or_empty("FLAME_RUNNER")};
  std::error_code ignored;
  search.executable = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  search.installed = FLAME_INSTALL_BIN_DIR "/flame-runner";
  search.path = environment_or_empty("PATH");
  return search;
}

std::vector<std::string> runner_candidates(const RunnerSearch& search) {
  if (!search.option.empty()) return {search.option};
  if (!search.variable.empty()) return {search.variable};
  std::vector<std::string> places;
  if (!search.executable.empty()) {
    const auto directory = std::filesystem::path(search.executable).parent_path();
    places.push_back((directory / kRunner).string());
    places.push_back((directory.parent_path() / "bin" / kRunner).string());
  }
  if (!search.installed.empty()) places.push_back(search.installed);
  append_path_entries(search.path, places);
  std::vector<std::string> unique;
  for (auto& place : places) {
    if (std::find(unique.begin(), unique.end(), place) == unique.end()) unique.push_back(std::move(place));
  }
  return unique;
}

Result<std::string> find_runner(const RunnerSearch& search) {
  auto places = runner_candidates(search);
  const bool named = !search.option.empty() || !search.variable.empty();
  for (auto& place : places) {
    if (!is_executable_file(place)) continue;
    const std::string why = named ? "" : distrust(place, search.executable);
    if (why.empty()) return place;
    place += " (not run, because " + why + ")";
  }
  return not_found(places, search);
}

}  // namespace flame::backends
