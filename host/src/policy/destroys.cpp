// Which machine is asked for when.
#include "host/src/policy/destroys.hpp"

#include <algorithm>
#include <iterator>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

Destroys::One* Destroys::find(const MachineName& name) {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? nullptr : &ones_.at(found->second);
}

void Destroys::enter(One& one, One::State state) {
  one.state = state;
  one.new_state = true;
  one.at = kNever;
}

void Destroys::asked(const MachineName& name) {
  if (One* const known = find(name)) return enter(*known, One::State::asked);
  numbers_[name] = ++last_;
  ones_[last_].name = name;
}

void Destroys::failed(const MachineName& name) {
  if (One* const known = find(name)) enter(*known, One::State::left);
}

void Destroys::gone(const MachineName& name) {
  if (One* const known = find(name)) enter(*known, One::State::gone);
}

void Destroys::forget(const MachineName& name) {
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) return;
  ones_.erase(found->second);
  numbers_.erase(found);
}

void Destroys::plan(One& one, Instant now) {
  one.new_state = false;
  if (one.state == One::State::asked) {
    one.at = base::deadline_after(now, limits::kDestroyAnswerMax);
  } else if (one.state == One::State::left) {
    one.back_off.failed(now, random_());
    one.at = one.back_off.until();
  }
}

std::vector<MachineName> Destroys::due(Instant now) {
  std::vector<MachineName> due;
  for (auto& [number, one] : ones_) {
    if (one.new_state) plan(one, now);
    if (one.at <= now) due.push_back(one.name);
  }
  return due;
}

Instant Destroys::next_wakeup() const {
  Instant wake = kNever;
  for (const auto& [number, one] : ones_) wake = std::min(wake, one.at);
  return wake;
}

std::optional<MachineName> Destroys::surplus() const {
  if (ones_.size() <= limits::kDestroysKept) return std::nullopt;
  const auto not_left = [](const auto& one) { return one.second.state != One::State::left; };
  const auto newest = std::prev(ones_.end());  // its caller is not done with it
  const auto found = std::find_if(ones_.begin(), newest, not_left);
  return (found == newest ? ones_.begin() : found)->second.name;
}

}  // namespace flame::pool
