// Options of a task (given once, where it is registered) and of one call. Both only grow at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include <flame/detail/saturated.hpp>

namespace flame {

using Duration = std::chrono::nanoseconds;

/// Options of a task: `p.task<F>({.timeout = 60s, .retries = 2, .idempotent = true})`. In the manifest; the host reads
/// them there. Order of members is API.
struct TaskOptions {
  TimeLimit timeout = Duration::zero();  ///< one budget for queue, boot, run and retries; zero: the pool's limits apply
  std::uint32_t retries = 0;             ///< further attempts after runner_lost and crashed; needs idempotent
  bool idempotent = false;               ///< running it twice does no harm
};

/// Options of one call: `pool.with({.timeout = 5min, .link = false})`. They win over TaskOptions. Order is API.
struct CallOptions {
  std::optional<TimeLimit> timeout = std::nullopt;      ///< one budget for queue, boot, run and retries
  std::optional<std::uint32_t> retries = std::nullopt;  ///< ignored unless the task is idempotent
  bool link = true;                                     ///< dropping the Future (or the host's death) cancels the work
  std::stop_token stop = {};                            ///< cancels the call when stop is requested
};

}  // namespace flame
