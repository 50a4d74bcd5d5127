// See blame.hpp.
#include "runner/processes/blame.hpp"

#include <sys/wait.h>

#include <algorithm>

namespace flame::runner {
namespace {

bool may_be_to_blame(const Witness& slot) {
  return slot.runs && slot.begun;
}

// Of a thread that is no slot's.
std::optional<slot::CrashReport> crash_of_helper(const std::vector<Witness>& slots) {
  if (slots.empty() || !slots.front().crash || !slots.front().crash->by_helper) return std::nullopt;
  return slots.front().crash;
}

std::optional<slot::CrashReport> own_crash(const Witness& slot) {
  return slot.runs && slot.crash && !slot.crash->by_helper ? slot.crash : std::nullopt;
}

class Judge {
 public:
  Judge(const std::vector<Witness>& slots, int wait_status)
      : helper_(crash_of_helper(slots)),
        exit_known_(std::any_of(slots.begin(), slots.end(), [](const Witness& slot) { return slot.exited; })),
        exit_unknown_(WIFEXITED(wait_status) && !exit_known_),
        begun_(static_cast<std::uint32_t>(std::count_if(slots.begin(), slots.end(), may_be_to_blame))) {
    for (const Witness& slot : slots) {
      if (const auto own = own_crash(slot); own && signal_ == 0) signal_ = own->signal;
    }
    if (signal_ == 0 && helper_) signal_ = helper_->signal;
  }

  [[nodiscard]] Blame of(const Witness& slot) const {
    Blame blame;
    const bool suspect = may_be_to_blame(slot);
    blame.crash = own_crash(slot);
    if (!blame.crash && helper_ && suspect) blame.crash = helper_;
    if (!blame.crash) blame.crash_of_another = signal_;
    blame.exit_of_another = exit_known_ ? !slot.exited : exit_unknown_ && !suspect;
    if (suspect && begun_ > 1 && (exit_unknown_ || (helper_ && !own_crash(slot)))) blame.suspects = begun_;
    return blame;
  }

 private:
  std::optional<slot::CrashReport> helper_;
  bool exit_known_;
  bool exit_unknown_;
  std::uint32_t begun_;
  int signal_ = 0;
};

}  // namespace

std::vector<Blame> judge(const std::vector<Witness>& slots, int wait_status, bool threads) {
  std::vector<Blame> blames;
  if (!threads) {
    for (const Witness& slot : slots) blames.push_back({.crash = slot.crash});
    return blames;
  }
  const Judge judge(slots, wait_status);
  for (const Witness& slot : slots) blames.push_back(judge.of(slot));
  return blames;
}

}  // namespace flame::runner
