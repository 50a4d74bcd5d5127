// Words that all pure classes of a pool share: ids and instants.
#pragma once

#include <cstdint>
#include <utility>

#include <flame/config.hpp>
#include <flame/options.hpp>

#include "plugin_sdk/base/clock.hpp"

namespace flame::pool {

/// One invocation; chosen by the host, unique in it, never 0, never reused.
using CallId = std::uint64_t;
/// One runner of one pool; chosen by PoolPolicy from 1 upwards, never reused within the pool.
using RunnerId = std::uint64_t;
/// A runner across pools: its pool's position in the host, its own number.
using RunnerKey = std::pair<std::uint32_t, RunnerId>;
/// One plugin digest; chosen by Catalog, dense from 0.
using DigestId = std::uint32_t;
inline constexpr DigestId kNoDigest = ~DigestId{0};
/// One backend of one pool: its position in PoolConfig::backend.
using BackendIndex = std::uint32_t;

using base::Instant;
using base::kNever;

}  // namespace flame::pool
