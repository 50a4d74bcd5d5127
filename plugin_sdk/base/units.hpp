// Durations and sizes as people write them in configuration and on command lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <flame/result.hpp>

#include "plugin_sdk/base/clock.hpp"

namespace flame::base {

/// "30s", "250ms", "1.5s", "1h30min", "0s"; units ns, us, ms, s, min, h, d; "infinite" gives kInfinite.
/// Errors (invalid_argument) quote the text and show a right one: no unit, unknown unit, not a number, negative, units
/// not in falling order, larger than 292 years. [any thread]
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The shortest text that parses back to the same value: "1h30min", "250ms", "infinite". Negative: "-5s".
[[nodiscard]] std::string format_duration(Duration duration);

/// Bytes: "1GiB", "512MiB", "1.5GiB" (powers of 1024), "64KB", "2GB" (powers of 1000), "100B", "0B".
/// Same error rule; larger than 2^64 - 1 is an error. [any thread]
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact text: "1GiB", "1536B".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// For people, rounded: "1.5 GiB", "730 B".
[[nodiscard]] std::string approximate_size(std::uint64_t bytes);

}  // namespace flame::base
