// See faulty_files.hpp.
#include "tests/unit/host/plugins/store/faulty_files.hpp"

#include <cerrno>
#include <utility>

namespace flame::store {

int FaultyFiles::begin(const std::string& operation, const std::string& path) {
  if (operations_++ >= dies_at_) return EIO;
  if (operation == awaited_) act_(path);
  const bool fails = operation == failing_ && path.find(part_) != std::string::npos;
  return fails ? error_ : 0;
}

int FaultyFiles::change(const std::string& operation, const std::string& path, const std::function<int()>& act) {
  if (const int error = begin(operation, path)) return error;
  const int error = act();
  if (error == 0) changes_.push_back(operation + " " + path);
  return error;
}

Opened FaultyFiles::open(const std::string& path, int flags, mode_t mode) {
  Opened opened;
  opened.error = begin("open", path);
  if (opened.error != 0) return opened;
  opened = system_.open(path, flags, mode);
  if (opened.fd) paths_[opened.fd.get()] = path;
  return opened;
}

int FaultyFiles::status(int fd, struct stat& status) {
  int error = begin("status", paths_[fd]);
  if (error == 0) error = system_.status(fd, status);
  if (!given_away_.empty() && paths_[fd].ends_with(given_away_)) status.st_uid = owner_;
  return error;
}

Got FaultyFiles::read(int fd, std::span<std::byte> into) {
  if (const int error = begin("read", paths_[fd])) return {0, error};
  return system_.read(fd, into);
}

int FaultyFiles::write(int fd, std::span<const std::byte> bytes) {
  if (operations_ == dies_at_) static_cast<void>(system_.write(fd, bytes.first(bytes.size() / 2)));
  return change("write", paths_[fd], [&] { return system_.write(fd, bytes); });
}

int FaultyFiles::set_mode(int fd, mode_t mode) {
  return change("set_mode", paths_[fd], [&] { return system_.set_mode(fd, mode); });
}

int FaultyFiles::sync(int fd) {
  return change("sync", paths_[fd], [] { return 0; });
}

int FaultyFiles::lock(int fd, Lock how) {
  const int error = begin("lock", paths_[fd]);
  return error != 0 ? error : system_.lock(fd, how);
}

int FaultyFiles::make_directory(const std::string& path) {
  return change("make_directory", path, [&] { return system_.make_directory(path); });
}

int FaultyFiles::rename(const std::string& from, const std::string& to) {
  return change("rename", from + " " + to, [&] { return system_.rename(from, to); });
}

int FaultyFiles::unlink(const std::string& path) {
  return change("unlink", path, [&] { return system_.unlink(path); });
}

int FaultyFiles::list(const std::string& directory, std::vector<std::string>& names) {
  const int error = begin("list", directory);
  return error != 0 ? error : system_.list(directory, names);
}

}  // namespace flame::store
