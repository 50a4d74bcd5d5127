// Elastic: arithmetic over counts; the only memory is the hint and the released minimum.
#include "host/src/policy/elastic.hpp"

#include <algorithm>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

namespace {

std::uint64_t runners_for(std::uint64_t calls, std::uint32_t capacity) {
  return calls / capacity + (calls % capacity != 0 ? 1 : 0);
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

}  // namespace

Elastic::Elastic(const Options& options) : options_(options) {
  FLAME_ASSERT(options_.capacity > 0, "checked by check_pool()");
  resize(options_.min, options_.max);
}

Elastic::Plan Elastic::plan(const Counts& counts, Instant now) const noexcept {
  const std::uint64_t room = minus(options_.max, std::uint64_t{counts.runners} + counts.booting);
  const std::uint64_t coming = std::uint64_t{counts.serving} + counts.booting;
  const std::uint64_t lacking = std::min(minus(floor(), coming), room);
  const std::uint64_t growth = std::max(minus(runners_for(counts.waiting, options_.capacity), counts.booting),
                                        runners_for(counts.unhelped, options_.capacity));
  // Calls that wait take what is free or boots before it counts as kept ahead.
  const std::uint64_t spare = counts.free + std::uint64_t{counts.booting} * options_.capacity;
  const std::uint64_t slots_ahead = ahead(now);
  const std::uint64_t short_of = slots_ahead == 0 ? 0 : minus(counts.waiting + slots_ahead, spare);
  const std::uint64_t demand = std::max({growth, runners_for(short_of, options_.capacity), counts.needed});
  const std::uint64_t boots = std::min(std::max(lacking, demand), room);
  return {.boots = static_cast<std::uint32_t>(boots), .for_min = static_cast<std::uint32_t>(minus(lacking, demand))};
}

void Elastic::resize(std::uint32_t min, std::uint32_t max) {
  FLAME_ASSERT(max > 0 && min <= max, "checked by check_pool() and the caller of resize()");
  options_.min = options_.nested ? 0 : min;
  options_.max = max;
  released_ = 0;
}

void Elastic::expect(std::uint64_t calls, Instant until) noexcept {
  expected_ = calls;
  expected_until_ = until;
}

void Elastic::arrived() noexcept {
  released_ = 0;
  expected_ = minus(expected_, 1);
}

std::uint64_t Elastic::ahead(Instant now) const noexcept {
  if (closed_) return 0;
  return (options_.nested ? 0 : options_.warm) + (now < expected_until_ ? expected_ : 0);
}

Duration Elastic::ask_after() const noexcept {
  return std::min(options_.idle, options_.min_idle);
}

bool Elastic::may_retire(const Counts& counts, Duration idle, Instant now) const noexcept {
  const std::uint64_t kept = minus(counts.free, options_.capacity) + std::uint64_t{counts.booting} * options_.capacity;
  if (const std::uint64_t slots_ahead = ahead(now); slots_ahead > 0 && kept < slots_ahead) return false;
  const Duration required = counts.serving > floor() ? options_.idle : options_.min_idle;
  if (required == kForever) return false;
  if (required == ask_after()) return true;  // the runner has measured it already
  // It asks every ask_after(); half of one is the tolerance between its clock and ours.
  return idle >= required - ask_after() / 2;
}

void Elastic::retired(std::uint32_t serving) noexcept {
  if (serving <= floor()) ++released_;
}

std::uint32_t Elastic::floor() const noexcept {
  return closed_ ? 0 : static_cast<std::uint32_t>(minus(options_.min, released_));
}

}  // namespace flame::pool
