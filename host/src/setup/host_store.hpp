// The plugin store as a running host uses it: read where there is one, never made.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/found_plugins.hpp"
#include "host/src/plugins/store/store.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// Where there is no store, queries find nothing and changes do nothing; one that appears later is used from then on.
/// Any thread. Errors: those of store::Store.
class HostStore {
 public:
  /// `place`: [plugins] store, as a directory; empty: there is none.
  HostStore(std::filesystem::path place, std::string host_name, base::Logger log);
  HostStore(const HostStore&) = delete;
  HostStore& operator=(const HostStore&) = delete;

  [[nodiscard]] bool exists() const;
  [[nodiscard]] const std::filesystem::path& place() const noexcept { return place_; }
  /// What can be used. Damaged files are logged.
  [[nodiscard]] Result<std::vector<StoredPlugin>> installed() const;
  /// The narrowest first.
  [[nodiscard]] Result<std::vector<store::Record>> records(std::string_view plugin, std::string_view pool) const;
  /// Why no line takes the digest, or why the store cannot be asked; nullopt: it may.
  [[nodiscard]] std::optional<Error> refuse(std::string_view reference, std::string_view digest) const;
  /// `digest` is active in `pool` of this host, where `before` was.
  struct PoolRecord {
    std::string pool;
    std::string digest;
    std::string before;
  };
  /// All of them or none.
  [[nodiscard]] Result<void> record(std::string_view plugin, const std::vector<PoolRecord>& pools);
  /// The same of all pools; what was written for some is gone.
  [[nodiscard]] Result<void> record(std::string_view plugin, const std::string& digest, const std::string& before);
  /// From now on these are in use by this host.
  [[nodiscard]] Result<void> use(std::vector<std::string> digests);

 private:
  std::filesystem::path place_;  // empty: none
  std::string host_name_;
  base::Logger log_;
  store::SystemFiles files_;
  mutable store::Store store_;
  std::mutex mutex_;
  std::optional<store::RunningHost> announced_;
};

}  // namespace flame::pool
