// Which digests of its plugins a pool should have: what is active, what is prepared, what served before. Knows no
// runner.
#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// *Targets* are what every runner should have: what is active, one digest a plugin, and candidates. What was a target
/// and is none any more is *superseded*. Digests that were never a target are plugins of their own. Pure; not
/// thread-safe.
class PoolVersions {
 public:
  /// `active`: each a plugin of its own.
  explicit PoolVersions(std::vector<DigestId> active);

  /// `digest` becomes a candidate, of the plugin of `replaces` (kNoDigest: of its own).
  void prepare(DigestId digest, DigestId replaces);
  /// `to` becomes active, in the place of `from` (which may be kNoDigest), and no candidate any more.
  void activate(DigestId from, DigestId to);
  /// No candidate any more. False if it was none.
  bool abandon(DigestId digest);

  /// In order of preference.
  [[nodiscard]] const std::vector<DigestId>& active() const noexcept { return active_; }
  [[nodiscard]] const std::vector<DigestId>& candidates() const noexcept { return candidates_; }
  [[nodiscard]] bool is_active(DigestId digest) const;
  [[nodiscard]] bool is_candidate(DigestId digest) const;
  [[nodiscard]] bool is_superseded(DigestId digest) const { return superseded_.contains(digest); }
  /// Both are versions of one plugin.
  [[nodiscard]] bool same_plugin(DigestId one, DigestId other) const { return plugin(one) == plugin(other); }
  /// How many of `digests` are versions of the plugin that `digest` is one of.
  [[nodiscard]] std::size_t count(std::span<const DigestId> digests, DigestId digest) const;

 private:
  [[nodiscard]] DigestId plugin(DigestId digest) const;

  std::vector<DigestId> active_;
  std::vector<DigestId> candidates_;
  std::map<DigestId, DigestId> plugins_;  // by the first digest that was known of it
  std::set<DigestId> superseded_;
};

}  // namespace flame::pool
