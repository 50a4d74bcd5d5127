// Search for the flame-runner binary.
#include "backends/local/runner_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace flame::backends {
namespace {

constexpr std::string_view kRunner = "flame-runner";

std::string environment_or_empty(const char* name) {
  const char* value = std::getenv(name);
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

Error not_found(const std::vector<std::string>& tried, const RunnerSearch& search) {
  std::string text = "the flame-runner binary was not found; tried";
  for (const auto& place : tried) text += (&place == &tried.front() ? " " : ", ") + place;
  if (tried.empty()) text += " nothing";
  if (!search.option.empty()) {
    text += ". Correct `runner` in [backends.local]";
  } else if (!search.variable.empty()) {
    text += ". Correct or unset the environment variable FLAME_RUNNER";
  } else {
    text += ". Install FLAME, or set `runner` in [backends.local] or the environment variable FLAME_RUNNER to its path";
  }
  return Error{.code = ErrorCode::boot_failed, .message = text + "."};
}

}  // namespace

RunnerSearch runner_search(std::string option) {
  RunnerSearch search{.option = std::move(option), .variable = environment_or_empty("FLAME_RUNNER")};
  std::error_code ignored;
  search.executable = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  search.builtin = {FLAME_BUILD_BIN_DIR "/flame-runner", FLAME_INSTALL_BIN_DIR "/flame-runner"};
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
  places.insert(places.end(), search.builtin.begin(), search.builtin.end());
  append_path_entries(search.path, places);
  std::vector<std::string> unique;
  for (auto& place : places) {
    if (std::find(unique.begin(), unique.end(), place) == unique.end()) unique.push_back(std::move(place));
  }
  return unique;
}

Result<std::string> find_runner(const RunnerSearch& search) {
  const auto places = runner_candidates(search);
  for (const auto& place : places) {
    if (is_executable_file(place)) return place;
  }
  return not_found(places, search);
}

}  // namespace flame::backends
