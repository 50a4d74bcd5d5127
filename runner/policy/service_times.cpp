// See service_times.hpp.
#include "runner/policy/service_times.hpp"

#include <algorithm>

namespace flame::runner {

void ServiceTimes::ran(std::uint64_t task, const Ran& call) {
  if (call.first) return;
  if (tasks_.size() >= kTasksMax && !tasks_.contains(task)) tasks_.clear();
  Task& entry = tasks_[task];
  // Slots measure themselves and may say anything.
  if (!call.quiet || call.time > kLong || call.time < Duration::zero()) {
    entry = {};
    return;
  }
  entry.mean = entry.trusted == 0 ? call.time : entry.mean + (call.time - entry.mean) / 8;
  entry.trusted = std::min(entry.trusted + 1, kCallsToTrust);
}

bool ServiceTimes::brief(std::uint64_t task) const {
  const auto found = tasks_.find(task);
  return found != tasks_.end() && found->second.trusted == kCallsToTrust && found->second.mean <= kBrief;
}

}  // namespace flame::runner
