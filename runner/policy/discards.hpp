// Slots that serve no further call: what is said about it, once per task and reason. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "plugin_sdk/base/discard_reason.hpp"

namespace flame::runner {

/// A slot's last invocation has ended.
struct SlotDiscard {
  std::uint64_t invocation = 0;
  std::string task;  // empty: of the runner's own
  DiscardReason reason = DiscardReason::none;
  std::string text;  // by the slot's word: "the task left a thread running"
};

class Discards {
 public:
  /// The line for the log, with what to do about it; nullopt: this task's slots were discarded for this before.
  [[nodiscard]] std::optional<std::string> tell(const SlotDiscard& discard);

 private:
  std::set<std::pair<std::string, DiscardReason>> told_;  // as many as tasks, times reasons
};

/// What to do so that it does not happen again; empty: it is as it should be.
[[nodiscard]] std::string remedy_for(DiscardReason reason);

}  // namespace flame::runner
