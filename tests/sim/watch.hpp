// Holds the pool's policy to its rules after every event: counts against the world's, growth against demand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/src/policy/pool_policy.hpp"
#include "tests/sim/context.hpp"

namespace flame::sim {

/// What the host has done on behalf of the policy.
struct HostCounts {
  std::uint64_t machines = 0;  ///< asked for and not destroyed
  std::uint64_t leases = 0;
  std::uint64_t serving = 0;      ///< runners that may be given calls
  std::uint64_t free = 0;         ///< their slots
  std::uint64_t idle_silent = 0;  ///< runners that would serve, have no lease and say nothing
  std::uint64_t changing = 0;  ///< runners that serve and load some version, or end one, which makes room for another
};

class PolicyWatch {
 public:
  explicit PolicyWatch(Context& sim);

  void before(const pool::PoolPolicy& policy) { before_ = policy.stats(); }
  void after(const pool::Event& event, const pool::Actions& actions, const pool::PoolPolicy& policy,
             const HostCounts& world);

  [[nodiscard]] std::uint32_t min() const noexcept { return min_; }
  [[nodiscard]] std::uint32_t max() const noexcept { return max_; }

 private:
  void remember(const pool::Event& event, const pool::PolicyStats& stats);
  void remember_trouble(const pool::Event& event, const pool::Actions& actions);
  [[nodiscard]] bool may_wait() const;
  void check_counts(const pool::PolicyStats& stats, const HostCounts& world);
  void check_back_off(const pool::PolicyStats& stats, Instant until);
  void check_boots(const pool::PolicyStats& stats, const HostCounts& world);
  void check_growth(const pool::PolicyStats& stats, const HostCounts& world);
  void check_permanent_failure(const pool::Event& event, const pool::PolicyStats& stats, const HostCounts& world);
  [[nodiscard]] std::uint64_t unhelped(const pool::PolicyStats& stats, const HostCounts& world) const;
  void check_minimum(const pool::Event& event, const pool::PolicyStats& stats);
  [[nodiscard]] std::uint64_t runners_for(std::uint64_t calls) const;
  [[nodiscard]] std::uint64_t most(const HostCounts& world) const;

  Context& sim_;
  std::uint32_t capacity_;
  std::uint32_t min_;
  std::uint32_t max_;
  pool::PolicyStats before_;
  struct Runner {
    pool::BackendIndex backend;
    bool admitted = false;
  };
  std::map<RunnerId, Runner> runners_;  // that are not destroyed
  std::vector<Instant> in_trouble_;     // by backend: when something went wrong there last
  bool had_reason_ = false;             // to put boots off: no room, or machines that are ended
  Instant backing_off_until_{};         // as the pool says
  Instant no_boot_before_{};            // at the earliest, after the first failure
  bool failing_ = false;
  std::uint64_t expected_ = 0;  // at most
  Instant expected_until_{};
  bool changing_ = false;  // a version is to be prepared
  bool draining_ = false;
};

}  // namespace flame::sim
