// The keys of [pools.NAME], each once, with the bounds it has by itself: flame.toml is read by this list, and what was
// set from C++ is checked by it. What keys are to each other is config_check.cpp's.
#pragma once

#include <cstdint>
#include <limits>

#include <flame/config.hpp>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

enum class Infinite : std::uint8_t { no, yes };

/// Visits `[pools.NAME.limits]`; `keys` as below.
template <class Limits, class Keys>
void visit_limit_keys(Limits& limits, Keys& keys) {
  keys.size("memory", limits.memory, 0, std::numeric_limits<std::uint64_t>::max());
  keys.time("cpu_time", limits.cpu_time);
  keys.any("open_files", limits.open_files);
  keys.any("core", limits.core);
}

/// Visits `pool` in the order in which messages name the keys. `keys` has: any(key, value), of which its type says
/// enough; names(key, value), a list or one of it; number and size(key, value, low, high); duration(key, value, whether
/// it may be kForever), which is more than 0s, and time(key, value), which config_check.cpp sees to; choice(key, names,
/// value); limits(value); environment(key, plain variables, secret ones).
template <class Pool, class Keys>
void visit_pool_keys(Pool& pool, Keys& keys) {
  keys.any("plugins", pool.plugins);
  keys.any("min", pool.min);
  keys.number("max", pool.max, 1, limits::kRunnersCeiling);
  keys.number("max_concurrency", pool.max_concurrency, 1, limits::kMaxConcurrencyCeiling);
  keys.duration("timeout", pool.timeout, Infinite::yes);
  keys.duration("boot_timeout", pool.boot_timeout, Infinite::no);
  keys.time("shutdown_timeout", pool.shutdown_timeout);
  keys.duration("idle_shutdown_after", pool.idle_shutdown_after, Infinite::yes);
  keys.duration("min_idle_shutdown_after", pool.min_idle_shutdown_after, Infinite::yes);
  keys.any("single_use", pool.single_use);
  keys.any("reuse", pool.reuse);
  keys.choice("strategy", {"least_loaded", "pack"}, pool.strategy);
  keys.choice("isolation", {"process", "thread"}, pool.isolation);
  keys.choice("leftover_threads", {"keep", "discard"}, pool.leftover_threads);
  keys.any("max_queue", pool.max_queue);
  keys.size("max_queue_bytes", pool.max_queue_bytes, 0, std::numeric_limits<std::uint64_t>::max());
  keys.size("payload_max", pool.payload_max, 1, limits::kPayloadMaxCeiling);
  keys.names("backend", pool.backend);
  keys.any("size", pool.size);
  keys.duration("queue_timeout", pool.queue_timeout, Infinite::no);
  keys.any("warm", pool.warm);
  keys.number("spare_slots", pool.spare_slots, 0, 64);
  keys.limits(pool.limits);
  keys.environment("env", pool.env, pool.secret_env);
}

}  // namespace flame::pool
