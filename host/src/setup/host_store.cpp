// See host_store.hpp.
#include "host/src/setup/host_store.hpp"

#include <system_error>
#include <utility>

#include "host/src/plugins/store/layout.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

HostStore::HostStore(std::filesystem::path place, std::string host_name, base::Logger log)
    : place_(std::move(place)), host_name_(std::move(host_name)), log_(std::move(log)), store_(place_, files_) {}

bool HostStore::exists() const {
  std::error_code ignored;
  return !place_.empty() && std::filesystem::is_directory(place_, ignored);
}

Result<std::vector<StoredPlugin>> HostStore::installed() const {
  std::vector<StoredPlugin> plugins;
  if (!exists()) return plugins;
  const auto listing = store_.list();
  if (!listing) return listing.error();
  for (const Error& damaged : listing->damaged) log_.warning(damaged.message);
  const store::Layout layout(place_.string());
  for (const store::Installed& one : listing->plugins) {
    if (one.present) plugins.push_back({one.file, one.digest, layout.signature(one.digest), one.replaced});
  }
  return plugins;
}

Result<std::vector<store::Record>> HostStore::records(std::string_view plugin, std::string_view pool) const {
  if (!exists()) return std::vector<store::Record>();
  const auto records = store_.records(plugin);
  if (!records) return records.error();
  return records->narrowest_first(host_name_, pool);
}

std::optional<Error> HostStore::refuse(std::string_view reference, std::string_view digest) const {
  if (!exists()) return std::nullopt;
  const auto refusal = store_.refusal(digest);
  if (!refusal) return refusal.error();
  if (!*refusal) return std::nullopt;
  const std::string by = (*refusal)->host.empty() ? "" : " by the host " + (*refusal)->host;
  return base::make_error(ErrorCode::incompatible, std::string(reference) + " was refused" + by + ": " +
                                                       (*refusal)->reason + ". Use another version, or force it");
}

Result<void> HostStore::record(std::string_view plugin, const std::vector<PoolRecord>& pools) {
  if (!exists()) return {};
  std::vector<store::NewRecord> records;
  for (const PoolRecord& one : pools) records.push_back({{host_name_, one.pool}, one.digest, one.before});
  const auto written = store_.record(plugin, records, store::Narrower::keep);
  return written ? Result<void>() : Result<void>(written.error());
}

Result<void> HostStore::record(std::string_view plugin, const std::string& digest, const std::string& before) {
  if (!exists()) return {};
  const auto written = store_.record(plugin, {.host = host_name_, .pool = {}}, digest, store::Narrower::erase, before);
  return written ? Result<void>() : Result<void>(written.error());
}

Result<void> HostStore::use(std::vector<std::string> digests) {
  if (!exists()) return {};
  const std::lock_guard lock(mutex_);
  if (announced_) return announced_->use(std::move(digests));
  auto announced = store_.announce(host_name_, std::move(digests));
  if (!announced) return announced.error();
  announced_.emplace(std::move(*announced));
  return {};
}

}  // namespace flame::pool
