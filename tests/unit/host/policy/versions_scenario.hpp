// Drives one PoolPolicy through changes of its plugin's version.
#pragma once

#include <optional>
#include <vector>

#include "tests/unit/host/policy/pool_scenario.hpp"

namespace flame::pool {

inline constexpr DigestId kOld = PoolScenario::kPlugin;
inline constexpr DigestId kNew = 1;

/// A pool whose plugin is changed.
class Versions : public PoolScenario {
 public:
  using PoolScenario::PoolScenario;

  Versions& prepare(DigestId digest = kNew, DigestId replaces = kOld) {
    feed(event::Prepare{digest, replaces});
    return *this;
  }
  Versions& loaded(RunnerId runner, DigestId digest = kNew, const std::optional<Error>& error = std::nullopt) {
    feed(event::Loaded{runner, digest, error});
    return *this;
  }
  Versions& switch_over(DigestId from = kOld, DigestId to = kNew) {
    feed(event::Switch{from, to});
    return *this;
  }
  Versions& ended(RunnerId runner, DigestId digest = kOld) {
    feed(event::GenerationEnded{runner, digest});
    return *this;
  }
  Versions& call(CallId id, DigestId digest) {
    feed(event::Submit{.call = id, .digest = digest});
    return *this;
  }
  Versions& finish(CallId id) {
    PoolScenario::finish(id);
    return *this;
  }
  /// Says hello with everything that it was asked to have.
  Versions& join(RunnerId runner, const std::vector<DigestId>& digests) {
    std::vector<event::RunnerPlugin> plugins;
    for (const DigestId digest : digests) plugins.push_back({digest, std::nullopt});
    feed(event::RunnerHello{runner, plugins});
    return *this;
  }
  [[nodiscard]] std::vector<RunnerId> loads(DigestId digest = kNew) const {
    std::vector<RunnerId> runners;
    for (const auto& load : all<action::Load>())
      if (load.digest == digest) runners.push_back(load.runner);
    return runners;
  }
  [[nodiscard]] std::vector<RunnerId> ends(DigestId digest = kOld) const {
    std::vector<RunnerId> runners;
    for (const auto& end : all<action::EndGeneration>())
      if (end.digest == digest) runners.push_back(end.runner);
    return runners;
  }
  /// What was reported in the last event; a report of digest kNoDigest: nothing.
  [[nodiscard]] action::Prepared report() const {
    const auto reports = all<action::Prepared>();
    return reports.empty() ? action::Prepared{.digest = kNoDigest} : reports.back();
  }
  [[nodiscard]] bool is_prepared() const {
    const action::Prepared last = report();
    return last.digest != kNoDigest && last.ready && !last.error && last.waits_for.empty();
  }
};

/// `runners` runners that have kOld.
inline Versions pool_of(std::uint32_t runners, std::uint32_t max, std::uint32_t concurrency = 1) {
  Versions pool(pool_config(runners, max, concurrency));
  for (RunnerId runner = 1; runner <= runners; ++runner) pool.hello(runner);
  return pool;
}

}  // namespace flame::pool
