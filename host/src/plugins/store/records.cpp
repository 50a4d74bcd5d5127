// See records.hpp.
#include "host/src/plugins/store/records.hpp"

#include <algorithm>

namespace flame::store {

bool Records::set(const Scope& scope, const std::string& digest, Narrower narrower, const std::string& before) {
  const bool erased = narrower == Narrower::erase && erase_narrower(scope);
  const auto at = std::ranges::lower_bound(records_, scope, {}, &Record::scope);
  if (at == records_.end() || at->scope != scope) {
    records_.insert(at, {scope, digest, before == digest ? std::string() : before});
    return true;
  }
  if (at->digest == digest) return erased;
  const std::string recorded = std::exchange(at->digest, digest);
  at->previous = before.empty() || before == digest ? recorded : before;
  return true;
}

bool Records::erase_narrower(const Scope& scope) {
  return std::erase_if(records_, [&](const Record& record) { return record.scope.is_narrower_than(scope); }) > 0;
}

// By scope, the broader one is always the first.
std::vector<Record> Records::narrowest_first(std::string_view host, std::string_view pool) const {
  std::vector<Record> found;
  for (const Record& record : records_) {
    if (record.scope.holds_for(host, pool)) found.insert(found.begin(), record);
  }
  return found;
}

}  // namespace flame::store
