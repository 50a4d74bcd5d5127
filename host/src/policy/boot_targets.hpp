// Which backend each boot of one step goes to, by whom it is for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/src/policy/elastic.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

class CallTable;
class Lifetimes;
class Placement;
class Scheduler;

/// Those that have waited longest are helped first. Whom no backend can serve that may be asked now lets those behind
/// pass, and no machine is booted for it. For the time of one step: it looks at what it is given. Pure; not
/// thread-safe.
class BootTargets {
 public:
  struct Pool {
    const Scheduler& scheduler;
    const CallTable& calls;
    const Elastic& elastic;
    const Lifetimes& lifetimes;
  };
  BootTargets(const Pool& pool, const Elastic::Counts& counts, Placement& placement, Instant now);

  [[nodiscard]] const Elastic::Plan& plan() const noexcept { return plan_; }
  /// For the next boot of the plan; nullopt: no backend can take it now, or nobody would be helped.
  [[nodiscard]] std::optional<BackendIndex> next();
  /// Whether next() would say one of somebody who waits, if an idle machine of this backend made room.
  [[nodiscard]] bool helps_to_leave(BackendIndex backend) const;

 private:
  [[nodiscard]] std::uint32_t for_waiters(const Elastic::Counts& counts) const;
  [[nodiscard]] std::optional<BackendIndex> next_for(Duration limit);

  const Lifetimes& lifetimes_;
  Placement& placement_;
  Instant now_;
  Elastic::Plan plan_;
  std::uint32_t anyway_ = 0;  // so many more of the plan may be for nobody in particular
  std::uint32_t capacity_;
  bool endless_come_ = false;
  std::vector<Duration> limits_;  // of those that wait and that no boot under way is for, by age
  std::size_t place_ = 0;         // in limits_
  bool passed_over_ = false;      // no machine suits one of them
};

}  // namespace flame::pool
