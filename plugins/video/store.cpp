// Names and pending files of the store.
#include "plugins/video/store.hpp"

#include <filesystem>
#include <stdexcept>

#include <unistd.h>

namespace video {
namespace fs = std::filesystem;

std::string store_directory(const std::string& source, const std::string& store) {
  if (source.empty()) throw std::invalid_argument("path is empty: name the video file");
  const fs::path directory = store.empty() ? fs::absolute(source).parent_path() : fs::absolute(store);
  fs::create_directories(directory);
  return directory.string();
}

std::string stem(const std::string& source) {
  return fs::path(source).stem().string();
}

// The process id keeps two attempts at the same video apart.
PendingFile::PendingFile(std::string path)
    : path_(std::move(path)), temporary_(path_ + "." + std::to_string(getpid()) + ".part") {}

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
