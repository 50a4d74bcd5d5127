// See hashed_files.hpp.
#include "plugin_sdk/base/hashed_files.hpp"

#include <ctime>
#include <utility>

namespace flame::base {

HashedFiles::Stamp HashedFiles::stamp(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

void HashedFiles::add(const std::filesystem::path& file, const struct stat& before, std::string digest) {
  const bool settled = std::time(nullptr) - before.st_ctim.tv_sec > kSettled_s;
  const std::lock_guard lock(mutex_);
  if (settled) {
    if (files_.size() >= kFilesMax) files_.clear();
    files_.insert_or_assign(file, Hashed{stamp(before), std::move(digest)});
  } else {
    files_.erase(file);
  }
}

std::optional<std::string> HashedFiles::find(const std::filesystem::path& file, const struct stat& now) const {
  const std::lock_guard lock(mutex_);
  const auto known = files_.find(file);
  if (known == files_.end() || !(known->second.stamp == stamp(now))) return std::nullopt;
  return known->second.digest;
}

}  // namespace flame::base
