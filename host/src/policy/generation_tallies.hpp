// What live runners do with each digest, counted.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Of a digest on a runner. booted: a candidate that is to be asked.
enum class GenerationState : std::uint8_t { absent, booted, loading, ready, ending };

/// Pure; not thread-safe.
class GenerationTallies {
 public:
  struct Tally {
    std::set<RunnerId> loading;
    std::set<RunnerId> broken;
    std::set<RunnerId> ending;
    std::uint32_t ready = 0;
  };

  void add(RunnerId runner, DigestId digest, GenerationState state, bool broken) {
    count(runner, digest, state, broken, true);
  }
  /// The opposite, with what was added.
  void remove(RunnerId runner, DigestId digest, GenerationState state, bool broken) {
    count(runner, digest, state, broken, false);
  }

  /// Empty: nobody does anything with it. Valid until the next change.
  [[nodiscard]] const Tally& of(DigestId digest) const {
    static const Tally kNone;
    const auto found = tallies_.find(digest);
    return found == tallies_.end() ? kNone : found->second;
  }
  /// Those that are not empty.
  [[nodiscard]] const std::map<DigestId, Tally>& all() const noexcept { return tallies_; }
  /// Runners that load or end something, each once.
  [[nodiscard]] std::uint64_t changing() const {
    std::set<RunnerId> runners;
    for (const auto& [digest, tally] : tallies_) {
      runners.insert(tally.loading.begin(), tally.loading.end());
      runners.insert(tally.ending.begin(), tally.ending.end());
    }
    return runners.size();
  }

 private:
  void count(RunnerId runner, DigestId digest, GenerationState state, bool broken, bool counts) {
    Tally& tally = tallies_[digest];
    const auto list = [&](std::set<RunnerId>& runners, bool listed) {
      if (listed && counts) runners.insert(runner);
      if (listed && !counts) runners.erase(runner);
    };
    list(tally.loading, state == GenerationState::loading);
    list(tally.broken, broken);
    list(tally.ending, state == GenerationState::ending);
    const bool ready = state == GenerationState::ready;
    if (ready && counts) ++tally.ready;
    if (ready && !counts) --tally.ready;
    if (tally.loading.empty() && tally.broken.empty() && tally.ending.empty() && tally.ready == 0)
      tallies_.erase(digest);
  }

  std::map<DigestId, Tally> tallies_;
};

}  // namespace flame::pool
