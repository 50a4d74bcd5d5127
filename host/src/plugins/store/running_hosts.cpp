// See running_hosts.hpp.
#include "host/src/plugins/store/running_hosts.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <tuple>
#include <utility>

#include "host/src/plugins/store/store_errors.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/random_number.hpp"

namespace flame::store {
namespace {

/// Somebody may look so often in vain while a host replaces its file; a host does so once per change of its plugins.
constexpr int kLooksMax = 16;

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

// Whether a host lives whose file this is. A lock that is free proves nothing if another file has that name by now.
Result<bool> is_alive(FileSystem& system, const std::string& path) {
  for (int look = 0; look < kLooksMax; ++look) {
    const Opened file = system.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (file.error == ENOENT) return false;
    if (file.error != 0) return disk_error("read", path, file.error);
    const int locked = system.lock(file.fd.get(), Lock::try_shared);
    if (locked == EWOULDBLOCK) return true;
    if (locked != 0) return disk_error("lock", path, locked);
    const Opened again = system.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    struct stat before {};
    struct stat now {};
    if (again.error == 0 && system.status(file.fd.get(), before) == 0 && system.status(again.fd.get(), now) == 0 &&
        is_same_file(before, now)) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<RunningHost> RunningHost::announce(const StoreFiles& files, std::string name, std::vector<std::string> digests) {
  RunningHost host(files, std::move(name));
  if (auto used = host.use(std::move(digests)); !used) return used.error();
  return host;
}

RunningHost::RunningHost(StoreFiles files, std::string name)
    : files_(std::move(files)),
      name_(cut(name)),
      path_(files_.layout().hosts() + "/" + std::to_string(base::random_number())),
      maker_(::getpid()) {}

RunningHost::~RunningHost() {
  if (lock_ && ::getpid() == maker_) static_cast<void>(files_.system().unlink(path_));
}

Result<void> RunningHost::use(std::vector<std::string> digests) {
  std::ranges::sort(digests);
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  const auto lock = files_.lock();
  if (!lock) return lock.error();
  auto written = files_.replace_locked(path_, print(HostUse{name_, ::getpid(), std::move(digests)}));
  if (!written) return written.error();
  lock_ = std::move(*written);
  return {};
}

Result<std::vector<HostUse>> running_hosts(const StoreFiles& files) {
  const auto names = files.list(files.layout().hosts());
  if (!names) return names.error();
  std::vector<HostUse> hosts;
  for (const std::string& name : *names) {
    const std::string path = files.layout().hosts() + "/" + name;
    const auto alive = is_alive(files.system(), path);
    if (!alive) return alive.error();
    if (!*alive) continue;
    const auto text = files.read(path, limits::kStoreFileMax);
    if (!text) return text.error();
    if (!*text) continue;  // it has ended just now
    auto host = parse_host(**text);
    if (!host) return file_error(path, host.error(), "restart the host that runs with it");
    hosts.push_back(std::move(*host));
  }
  std::ranges::sort(hosts, {}, [](const HostUse& host) { return std::tie(host.name, host.pid); });
  return hosts;
}

}  // namespace flame::store
