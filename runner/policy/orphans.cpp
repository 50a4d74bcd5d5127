// See orphans.hpp.
#include "runner/policy/orphans.hpp"

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {

std::vector<pid_t> Orphans::judge(Instant now, std::span<const pid_t> adopted, const std::set<std::uint64_t>& running,
                                  bool making) {
  std::erase_if(suspects_, [&](const auto& entry) {
    return std::find(adopted.begin(), adopted.end(), entry.first) == adopted.end();
  });
  std::vector<pid_t> doomed;
  for (const pid_t pid : adopted) {
    Suspect& suspect = suspects_.try_emplace(pid, Suspect{now, false, running}).first->second;
    suspect.known = suspect.known || !making || now >= deadline_after(suspect.seen, limits::kForkAnswerMax);
    std::erase_if(suspect.owners, [&](std::uint64_t id) { return !running.contains(id); });
    if (suspect.known && suspect.owners.empty()) doomed.push_back(pid);
  }
  return doomed;
}

}  // namespace flame::runner
