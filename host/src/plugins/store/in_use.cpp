// See in_use.hpp.
#include "host/src/plugins/store/in_use.hpp"

namespace flame::store {

InUse in_use(const std::vector<Records>& records, const std::vector<HostUse>& hosts) {
  InUse used;
  const auto add = [&](const std::string& digest, const std::string& reason) {
    std::string& reasons = used[digest];
    reasons += (reasons.empty() ? "" : ", ") + reason;
  };
  for (const Records& plugin : records) {
    for (const Record& record : plugin.all()) {
      add(record.digest, "is active in " + record.scope.to_string());
      if (!record.previous.empty()) add(record.previous, "was active before in " + record.scope.to_string());
    }
  }
  for (const HostUse& host : hosts) {
    for (const std::string& digest : host.digests) {
      add(digest, "is used by the host " + host.name + " (process " + std::to_string(host.pid) + ")");
    }
  }
  return used;
}

}  // namespace flame::store
