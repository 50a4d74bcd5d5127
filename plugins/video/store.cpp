// Names and pending files of the store.
#include "plugins/video/store.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include <unistd.h>

namespace video {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPart = ".part";

// Machines may share a store, and a process id means nothing on another one.
std::string machine() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// The process that "clip-480p.mp4.MACHINE-PID.part" belongs to, if it was of this machine; else 0.
pid_t owner(std::string_view file) {
  if (!file.ends_with(kPart)) return 0;
  file.remove_suffix(kPart.size());
  const auto dash = file.rfind('-');
  if (dash == std::string_view::npos || !file.substr(0, dash).ends_with("." + machine())) return 0;
  pid_t pid = 0;
  const auto [end, failed] = std::from_chars(file.data() + dash + 1, file.data() + file.size(), pid);
  return failed == std::errc() && end == file.data() + file.size() && pid > 0 ? pid : 0;
}

// A killed task cannot remove what it had begun to write: the next one does.
void remove_leftovers(const fs::path& directory) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const pid_t pid = owner(entry.path().filename().string());
    if (pid != 0 && kill(pid, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

std::string store_directory(const std::string& source, const std::string& store) {
  if (source.empty()) throw std::invalid_argument("path is empty: name the video file");
  const fs::path directory = store.empty() ? fs::absolute(source).parent_path() : fs::absolute(store);
  fs::create_directories(directory);
  remove_leftovers(directory);
  return directory.string();
}

std::string stem(const std::string& source) {
  return fs::path(source).stem().string();
}

// Machine and process keep two attempts at the same video apart.
PendingFile::PendingFile(std::string path)
    : path_(std::move(path)),
      temporary_(path_ + "." + machine() + "-" + std::to_string(getpid()) + std::string(kPart)) {}

PendingFile::~PendingFile() {
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

std::int64_t PendingFile::keep() {
  const auto size = fs::file_size(temporary_);
  fs::rename(temporary_, path_);
  return static_cast<std::int64_t>(size);
}

}  // namespace video
