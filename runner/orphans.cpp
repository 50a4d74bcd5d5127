// See orphans.hpp.
#include "runner/orphans.hpp"

#include <algorithm>

namespace flame::runner {

std::vector<pid_t> Orphans::judge(std::span<const pid_t> adopted, const std::set<std::uint64_t>& running) {
  std::erase_if(suspects_, [&](const auto& entry) {
    return std::find(adopted.begin(), adopted.end(), entry.first) == adopted.end();
  });
  std::vector<pid_t> doomed;
  for (const pid_t pid : adopted) {
    std::set<std::uint64_t>& owners = suspects_.try_emplace(pid, running).first->second;
    std::erase_if(owners, [&](std::uint64_t id) { return !running.contains(id); });
    if (owners.empty()) doomed.push_back(pid);
  }
  return doomed;
}

}  // namespace flame::runner
