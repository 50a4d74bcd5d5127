// Lifetimes: comparisons of what a call may take with what is left of machines.
#include "host/src/policy/lifetimes.hpp"

#include <algorithm>

#include "host/src/policy/placement.hpp"
#include "host/src/policy/seconds.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Duration left_after(Duration startup, Duration lifetime) {
  return lifetime == kForever ? kForever : std::max(lifetime - startup, Duration::zero());
}

void remember(std::vector<Duration>& last, Duration one) {
  if (last.size() == Lifetimes::kInARow) last.erase(last.begin());
  last.push_back(one);
}

}  // namespace

Duration Lifetimes::Backend::lifetime() const {
  return std::ranges::max(lifetimes);
}

Duration Lifetimes::Backend::offer() const {
  return left_after(startups.empty() ? Duration::zero() : std::ranges::min(startups), lifetime());
}

std::optional<Error> Lifetimes::booted(BackendIndex backend, Duration ends_in) {
  Backend& its = backends_.at(backend);
  remember(its.lifetimes, ends_in);
  if (ends_in == kForever) return std::nullopt;
  any_ = true;
  news_ = true;
  if (ends_in > shutdown_) return std::nullopt;
  return no_time_left(ends_in);
}

std::optional<Error> Lifetimes::served(BackendIndex backend, Duration after) {
  Backend& its = backends_.at(backend);
  if (its.lifetimes.empty() || its.lifetimes.back() == kForever) return std::nullopt;
  remember(its.startups, after);
  news_ = true;
  const Duration left = left_after(after, its.lifetimes.back());
  if (left > shutdown_) {
    its.late = 0;
    return std::nullopt;
  }
  ++its.late;
  return no_time_left(left);
}

bool Lifetimes::awaits_end(BackendIndex backend) const {
  const Backend& its = backends_.at(backend);
  return told_ && (its.lifetimes.empty() || its.lifetimes.back() != kForever);
}

bool Lifetimes::is_useless(BackendIndex backend) const {
  const Backend& its = backends_.at(backend);
  return !its.may_be_endless() && (its.lifetime() <= shutdown_ || its.late >= kInARow);
}

bool Lifetimes::endless_come(const Placement& placement) const {
  for (BackendIndex backend = 0; backend < backends_.size(); ++backend) {
    const Backend& its = backends_[backend];
    if (its.may_be_endless() && (its.machines > 0 || placement.gives(backend))) return true;
  }
  return false;
}

bool Lifetimes::suits(BackendIndex backend, Duration limit, bool endless_come) const {
  if (is_useless(backend)) return false;
  const Backend& its = backends_.at(backend);
  if (its.may_be_endless()) return true;
  return limit == kForever ? !endless_come : limit <= its.offer();
}

std::optional<Error> Lifetimes::outlives_all(Duration limit) const {
  if (std::ranges::any_of(backends_, &Backend::may_be_endless)) return std::nullopt;
  Duration longest{};
  bool useful = false;
  for (BackendIndex backend = 0; backend < backends_.size(); ++backend) {
    if (is_useless(backend)) continue;
    longest = std::max(longest, backends_[backend].offer());
    useful = true;
  }
  if (!useful) return no_time_left(backends_.back().offer());
  if (limit == kForever || limit <= longest) return std::nullopt;
  return base::make_error(ErrorCode::invalid_argument,
                          "the call may take " + seconds(limit) + ", and every machine of its pool ends after " +
                              seconds(longest) +
                              " at the latest; give it a shorter timeout, or the pool a backend "
                              "whose machines live longer");
}

Error Lifetimes::no_time_left(Duration offer) const {
  return base::make_error(ErrorCode::boot_failed,
                          "its machines end " + seconds(offer) + " after they have come up, and shutdown_timeout is " +
                              seconds(shutdown_) +
                              ": no time is left for calls. Lower shutdown_timeout, or let the machines live longer");
}

}  // namespace flame::pool
