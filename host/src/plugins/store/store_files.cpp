// See store_files.hpp.
#include "host/src/plugins/store/store_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "host/src/plugins/store/store_errors.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/random_number.hpp"

namespace flame::store {
namespace {

constexpr int kReadFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;  // a pipe is not waited for
constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthers = 077;

Error unusable(const std::string& root, const std::string& why) {
  return base::make_error(ErrorCode::invalid_argument, "the plugin store \"" + root + "\" " + why);
}

std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

StagedFile::StagedFile(FileSystem& files, std::string path, base::UniqueFd fd)
    : files_(&files), path_(std::move(path)), fd_(std::move(fd)) {}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : files_(other.files_), path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

StagedFile::~StagedFile() {
  if (!path_.empty()) static_cast<void>(files_->unlink(path_));  // else it is swept away later
}

base::UniqueFd StagedFile::release() noexcept {
  path_.clear();
  return std::move(fd_);
}

Result<bool> StoreFiles::exists() const {
  const std::string& root = layout_.root();
  const Opened directory = files_->open(root, O_RDONLY | O_DIRECTORY, 0);
  if (directory.error == ENOENT) return false;
  struct stat info {};
  const int error = directory.error != 0 ? directory.error : files_->status(directory.fd.get(), info);
  if (error != 0) return disk_error("open the plugin store", root, error);
  if (info.st_uid != files_->user()) {
    return unusable(root,
                    "belongs to another user (uid " + std::to_string(info.st_uid) +
                        "); run this as that user, or name a directory of your own by [plugins] store or --store");
  }
  if ((info.st_mode & kOthers) != 0) {
    return unusable(root,
                    "can be used by others, and what lies in it is run; make it private: chmod 0700 \"" + root + "\"");
  }
  return true;
}

Result<std::optional<std::string>> StoreFiles::read(const std::string& path, std::size_t limit) const {
  const Opened file = files_->open(path, kReadFlags, 0);
  if (file.error == ENOENT) return std::optional<std::string>();
  if (file.error != 0) return disk_error("read", path, file.error);
  std::string contents;
  std::array<std::byte, 4096> piece{};
  while (contents.size() <= limit) {
    const Got got = files_->read(file.fd.get(), piece);
    if (got.error != 0) return disk_error("read", path, got.error);
    if (got.bytes == 0) break;
    contents.append(reinterpret_cast<const char*>(piece.data()), got.bytes);
  }
  contents.resize(std::min(contents.size(), limit + 1));
  return std::optional(std::move(contents));
}

Result<std::vector<std::string>> StoreFiles::list(const std::string& directory) const {
  std::vector<std::string> names;
  const int error = files_->list(directory, names);
  if (error != 0 && error != ENOENT) return disk_error("read the directory", directory, error);
  std::ranges::sort(names);
  return names;
}

Result<base::UniqueFd> StoreFiles::lock() const {
  auto there = exists();
  if (!there) return there.error();
  if (!*there) {
    if (auto made = make_root(layout_.root()); !made) return made.error();
    there = exists();  // somebody else may have made it
    if (!there) return there.error();
  }
  for (const std::string& directory : layout_.directories()) {
    if (auto made = make_directory(directory); !made) return made.error();
  }
  Opened file = files_->open(layout_.lock(), O_RDWR | O_CREAT | O_NOFOLLOW, kOwnerOnly);
  const int error = file.error != 0 ? file.error : files_->lock(file.fd.get(), Lock::wait_alone);
  if (error != 0) return disk_error("lock the plugin store by", layout_.lock(), error);
  sweep(layout_.staging());
  sweep(layout_.hosts());
  return std::move(file.fd);
}

Result<void> StoreFiles::make_root(const std::string& path) const {
  const Opened there = files_->open(path, O_RDONLY | O_DIRECTORY, 0);
  if (there.error != ENOENT || path == parent_of(path)) return {};  // what else is wrong, its use will tell
  if (auto made = make_root(parent_of(path)); !made) return made;
  return make_directory(path);
}

Result<void> StoreFiles::make_directory(const std::string& path) const {
  const int error = files_->make_directory(path);
  if (error == EEXIST) return {};
  if (error != 0) return disk_error("make the directory", path, error);
  return sync_directory(parent_of(path));
}

Result<void> StoreFiles::sync_directory(const std::string& path) const {
  const Opened directory = files_->open(path, O_RDONLY | O_DIRECTORY, 0);
  const int error = directory.error != 0 ? directory.error : files_->sync(directory.fd.get());
  // Some file systems cannot sync directories, and need not.
  if (error != 0 && error != EINVAL) return disk_error("write to the directory", path, error);
  return {};
}

// Removes files that nobody has locked. Shared, so that two who look at one file do not take each other for its owner.
void StoreFiles::sweep(const std::string& directory) const {
  std::vector<std::string> names;
  static_cast<void>(files_->list(directory, names));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    const Opened file = files_->open(path, kReadFlags, 0);
    if (file.error == 0 && files_->lock(file.fd.get(), Lock::try_shared) != 0) continue;
    static_cast<void>(files_->unlink(path));
  }
}

Result<StagedFile> StoreFiles::stage() const {
  const std::string path = layout_.staging() + "/" + std::to_string(base::random_number());
  Opened file = files_->open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, kOwnerOnly);
  if (file.error != 0) return disk_error("write to", path, file.error);
  StagedFile staged(*files_, path, std::move(file.fd));
  if (const int error = files_->lock(staged.fd(), Lock::try_alone)) return disk_error("lock", path, error);
  return staged;
}

Result<StagedFile> StoreFiles::write_new(std::string_view contents) const {
  if (contents.size() > limits::kStoreFileMax) {
    return base::make_error(ErrorCode::too_large, "the plugin store \"" + layout_.root() +
                                                      "\" keeps at most 1 MiB of builds of a version, of records of a "
                                                      "plugin, or of digests of a host");
  }
  auto staged = stage();
  if (!staged) return staged;
  const auto bytes = std::as_bytes(std::span(contents.data(), contents.size()));
  if (const int error = files_->write(staged->fd(), bytes)) return disk_error("write to", staged->path(), error);
  return staged;
}

Result<void> StoreFiles::replace(const std::string& path, std::string_view contents) const {
  auto staged = write_new(contents);
  if (!staged) return staged.error();
  return publish(std::move(*staged), path, kOwnerOnly);
}

Result<base::UniqueFd> StoreFiles::replace_locked(const std::string& path, std::string_view contents) const {
  auto staged = write_new(contents);
  if (!staged) return staged.error();
  if (const int error = files_->rename(staged->path(), path)) return disk_error("write", path, error);
  return staged->release();
}

Result<void> StoreFiles::publish(StagedFile staged, const std::string& path, mode_t mode) const {
  int error = files_->set_mode(staged.fd(), mode);
  if (error == 0) error = files_->sync(staged.fd());
  if (error == 0) error = files_->rename(staged.path(), path);
  if (error != 0) return disk_error("write", path, error);
  const base::UniqueFd published = staged.release();
  return sync_directory(parent_of(path));
}

Result<void> StoreFiles::erase(const std::string& path) const {
  const int error = files_->unlink(path);
  if (error == ENOENT) return {};
  if (error != 0) return disk_error("remove", path, error);
  return sync_directory(parent_of(path));
}

}  // namespace flame::store
