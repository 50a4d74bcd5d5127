// Parses and prints numbers with units.
#include "plugin_sdk/base/units.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

namespace flame::base {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t value;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 7> kDurationUnits{{{"d", 86'400 * kSecond},
                                              {"h", 3'600 * kSecond},
                                              {"min", 60 * kSecond},
                                              {"s", kSecond},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};
constexpr std::array<Unit, 5> kBinaryUnits{
    {{"TiB", 1ull << 40}, {"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}, {"B", 1}}};
constexpr std::array<Unit, 9> kSizeUnits{{{"TiB", 1ull << 40},
                                          {"TB", 1'000'000'000'000},
                                          {"GiB", 1ull << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", 1ull << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", 1ull << 10},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr std::uint64_t kFractionMax = 1'000'000;  // six decimal places

// What is parsed, for error messages.
struct Kind {
  std::string_view noun;
  std::string_view example;
  std::string_view units;
};
constexpr Kind kDuration{"duration", "\"30s\", \"250ms\", \"1h30min\" or \"infinite\"", "ns, us, ms, s, min, h, d"};
constexpr Kind kSize{"size", "\"512MiB\" or \"1GiB\"", "B, KiB, MiB, GiB, TiB, KB, MB, GB, TB"};

Error invalid(const Kind& kind, std::string_view text, std::string_view problem) {
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = "\"" + std::string(text.substr(0, 80)) + "\" is not a " + std::string(kind.noun) + ": " +
                  std::string(problem) + "; write for example " + std::string(kind.example);
  return error;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& rest, bool digits) {
  std::size_t n = 0;
  while (n < rest.size() && rest[n] != '.' && rest[n] != ' ' && is_digit(rest[n]) == digits) ++n;
  const auto taken = rest.substr(0, n);
  rest.remove_prefix(n);
  return taken;
}

std::optional<std::uint64_t> to_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits) {
    if (__builtin_mul_overflow(value, 10u, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const auto& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// One "1.5GiB" off the front of `rest`. `limit`: the largest unit that may still follow.
Result<std::uint64_t> take_quantity(const Kind& kind, std::span<const Unit> units, std::string_view text,
                                    std::string_view& rest, std::uint64_t& limit) {
  if (rest.front() == '-') return invalid(kind, text, "it is negative");
  const auto whole_digits = take_while(rest, true);
  if (whole_digits.empty()) return invalid(kind, text, "a number is missing");
  std::string_view fraction_digits;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction_digits = take_while(rest, true);
    if (fraction_digits.empty()) return invalid(kind, text, "digits are missing after the point");
    if (fraction_digits.size() > 6) return invalid(kind, text, "more than six decimal places");
  }
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto unit_name = take_while(rest, false);
  if (unit_name.empty()) return invalid(kind, text, "a unit is missing (" + std::string(kind.units) + ")");
  const Unit* unit = find_unit(units, unit_name);
  if (unit == nullptr) {
    return invalid(kind, text, "unknown unit \"" + std::string(unit_name) + "\" (" + std::string(kind.units) + ")");
  }
  if (unit->value >= limit) return invalid(kind, text, "the units must get smaller from left to right");
  limit = unit->value;

  const auto whole = to_number(whole_digits);
  std::uint64_t value = 0;
  if (!whole || __builtin_mul_overflow(*whole, unit->value, &value)) return invalid(kind, text, "it is too large");
  std::uint64_t fraction = *to_number(fraction_digits);
  for (std::size_t i = fraction_digits.size(); i < 6; ++i) fraction *= 10;
  // Split so that a day times 10^6 does not overflow.
  const std::uint64_t part =
      fraction * (unit->value / kFractionMax) + fraction * (unit->value % kFractionMax) / kFractionMax;
  if (__builtin_add_overflow(value, part, &value)) return invalid(kind, text, "it is too large");
  return value;
}

std::string print(std::uint64_t value, std::span<const Unit> units, bool single_unit) {
  std::string text;
  for (const auto& unit : units) {
    const bool fits = single_unit ? value % unit.value == 0 : value >= unit.value;
    if (value == 0 || !fits) continue;
    text += std::to_string(value / unit.value) + std::string(unit.name);
    value %= unit.value;
  }
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "infinite") return kInfinite;
  if (text.empty()) return invalid(kDuration, text, "it is empty");
  std::uint64_t sum = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  for (std::string_view rest = text; !rest.empty();) {
    const auto part = take_quantity(kDuration, kDurationUnits, text, rest, limit);
    if (!part) return part.error();
    // The largest value itself means infinite.
    if (__builtin_add_overflow(sum, *part, &sum) || sum >= static_cast<std::uint64_t>(kInfinite.count())) {
      return invalid(kDuration, text, "it is too large (at most 292 years)");
    }
  }
  return Duration(static_cast<std::int64_t>(sum));
}

std::string format_duration(Duration duration) {
  if (duration == kInfinite) return "infinite";
  if (duration == Duration::zero()) return "0s";
  const bool negative = duration < Duration::zero();
  auto count = static_cast<std::uint64_t>(duration.count());
  if (negative) count = 0 - count;
  return (negative ? "-" : "") + print(count, kDurationUnits, false);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return invalid(kSize, text, "it is empty");
  std::string_view rest = text;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  auto size = take_quantity(kSize, kSizeUnits, text, rest, limit);
  if (size && !rest.empty()) return invalid(kSize, text, "more text follows the unit");
  return size;
}

std::string format_size(std::uint64_t bytes) {
  return bytes == 0 ? "0B" : print(bytes, kBinaryUnits, true);
}

std::string approximate_size(std::uint64_t bytes) {
  for (const auto& unit : kBinaryUnits) {
    if (bytes < unit.value || unit.value == 1) continue;
    const std::uint64_t whole = bytes / unit.value;
    const std::uint64_t tenth = (bytes % unit.value) * 10 / unit.value;
    return std::to_string(whole) + (whole < 100 ? "." + std::to_string(tenth) : "") + " " + std::string(unit.name);
  }
  return std::to_string(bytes) + " B";
}

}  // namespace flame::base
