// PoolVersions: small sets of digests.
#include "host/src/policy/pool_versions.hpp"

#include <algorithm>
#include <utility>

namespace flame::pool {

PoolVersions::PoolVersions(std::vector<DigestId> active) : active_(std::move(active)) {}

void PoolVersions::prepare(DigestId digest, DigestId replaces) {
  if (replaces != kNoDigest) plugins_[digest] = plugin(replaces);
  superseded_.erase(digest);
  if (!is_active(digest) && !is_candidate(digest)) candidates_.push_back(digest);
}

void PoolVersions::activate(DigestId from, DigestId to) {
  prepare(to, from);
  std::erase(candidates_, to);
  if (from == to || is_active(to)) return;
  const auto place = std::ranges::find(active_, from);
  if (place == active_.end()) {
    active_.push_back(to);
    return;
  }
  *place = to;
  superseded_.insert(from);
}

bool PoolVersions::abandon(DigestId digest) {
  if (std::erase(candidates_, digest) == 0) return false;
  superseded_.insert(digest);
  return true;
}

bool PoolVersions::is_active(DigestId digest) const {
  return std::ranges::find(active_, digest) != active_.end();
}

bool PoolVersions::is_candidate(DigestId digest) const {
  return std::ranges::find(candidates_, digest) != candidates_.end();
}

std::size_t PoolVersions::count(std::span<const DigestId> digests, DigestId digest) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(digests, [&](DigestId other) { return same_plugin(other, digest); }));
}

DigestId PoolVersions::plugin(DigestId digest) const {
  const auto found = plugins_.find(digest);
  return found == plugins_.end() ? digest : found->second;
}

}  // namespace flame::pool
