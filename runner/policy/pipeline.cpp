// See pipeline.hpp.
#include "runner/policy/pipeline.hpp"

#include <algorithm>

namespace flame::runner {

void Pipeline::add(Instant now, SlotRef slot, std::uint64_t running, std::uint64_t invocation) {
  std::deque<std::uint64_t>& line = behind_[key(slot)];
  if (line.empty()) patience_.push_back({deadline_after(now, kPatience), {slot, running}});
  line.push_back(invocation);
  slots_[invocation] = slot;
}

std::optional<std::uint64_t> Pipeline::pass_on(Instant now, SlotRef slot) {
  if (behind_.empty()) return std::nullopt;
  const auto line = behind_.find(key(slot));
  if (line == behind_.end()) return std::nullopt;
  const std::uint64_t next = line->second.front();
  line->second.pop_front();
  slots_.erase(next);
  if (line->second.empty()) {
    behind_.erase(line);
  } else {
    patience_.push_back({deadline_after(now, kPatience), {slot, next}});
  }
  return next;
}

void Pipeline::remove(SlotRef slot, const std::vector<std::uint64_t>& invocations) {
  const auto line = behind_.find(key(slot));
  if (line == behind_.end()) return;
  for (const std::uint64_t invocation : invocations) {
    slots_.erase(invocation);
    std::erase(line->second, invocation);
  }
  if (line->second.empty()) behind_.erase(line);
}

std::vector<std::uint64_t> Pipeline::take_all(SlotRef slot) {
  const auto line = behind_.extract(key(slot));
  if (!line) return {};
  for (const std::uint64_t invocation : line.mapped()) slots_.erase(invocation);
  return {line.mapped().begin(), line.mapped().end()};
}

std::optional<SlotRef> Pipeline::slot_of(std::uint64_t invocation) const {
  const auto found = slots_.find(invocation);
  return found == slots_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::uint64_t> Pipeline::all() const {
  std::vector<std::uint64_t> invocations;
  for (const auto& [invocation, slot] : slots_) invocations.push_back(invocation);
  return invocations;
}

std::vector<Pipeline::Slow> Pipeline::take_slow(Instant now) {
  std::vector<Slow> slow;
  for (; !patience_.empty() && now >= patience_.front().due; patience_.pop_front())
    slow.push_back(patience_.front().slow);
  return slow;
}

}  // namespace flame::runner
