// A file system whose n-th operation goes wrong: the process dies there, or the operation fails. It waits for no disk.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/src/plugins/store/file_system.hpp"

namespace flame::store {

/// Does what SystemFiles does, counts operations, and writes down those that change something. Syncing is only written
/// down: a test outlives no loss of power. One thread.
class FaultyFiles final : public FileSystem {
 public:
  static constexpr std::size_t kNever = ~std::size_t{0};

  /// From its `n`-th operation (from 0) on nothing reaches the disk any more, as after kill -9; of a write that dies
  /// the first half has. Whoever made it goes on by its errors alone, and closes its descriptors, as the kernel would.
  void die_at(std::size_t n) { dies_at_ = n; }
  /// Only the operation of that kind ("write", "rename", …) on a path that has `part` in it fails, each time.
  void fail(std::string operation, std::string part, int error) {
    failing_ = std::move(operation);
    part_ = std::move(part);
    error_ = error;
  }
  /// Files whose path ends so belong to that user.
  void give_away(std::string end, uid_t owner) {
    given_away_ = std::move(end);
    owner_ = owner;
  }

  /// `act` is told the path before each operation of that kind: what somebody else does just then.
  void before(std::string operation, std::function<void(const std::string&)> act) {
    awaited_ = std::move(operation);
    act_ = std::move(act);
  }

  [[nodiscard]] std::size_t operations() const noexcept { return operations_; }
  [[nodiscard]] bool died() const noexcept { return operations_ > dies_at_; }
  /// "write PATH", "sync PATH", "rename FROM TO", "unlink PATH", "make_directory PATH", in order.
  [[nodiscard]] const std::vector<std::string>& changes() const noexcept { return changes_; }

  Opened open(const std::string& path, int flags, mode_t mode) override;
  int status(int fd, struct stat& status) override;
  Got read(int fd, std::span<std::byte> into) override;
  int write(int fd, std::span<const std::byte> bytes) override;
  int set_mode(int fd, mode_t mode) override;
  int sync(int fd) override;
  int lock(int fd, Lock how) override;
  int make_directory(const std::string& path) override;
  int rename(const std::string& from, const std::string& to) override;
  int unlink(const std::string& path) override;
  int list(const std::string& directory, std::vector<std::string>& names) override;
  uid_t user() const override { return system_.user(); }

 private:
  [[nodiscard]] int begin(const std::string& operation, const std::string& path);
  int change(const std::string& operation, const std::string& path, const std::function<int()>& act);

  SystemFiles system_;
  std::size_t operations_ = 0;
  std::size_t dies_at_ = kNever;
  std::string failing_;
  std::string part_;
  int error_ = 0;
  std::string given_away_;
  uid_t owner_ = 0;
  std::string awaited_;
  std::function<void(const std::string&)> act_;
  std::map<int, std::string> paths_;  // of descriptors
  std::vector<std::string> changes_;
};

}  // namespace flame::store
