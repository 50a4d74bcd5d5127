// See discards.hpp.
#include "runner/policy/discards.hpp"

#include <fmt/format.h>

namespace flame::runner {

std::string remedy_for(DiscardReason reason) {
  switch (reason) {
    case DiscardReason::computing_threads:
      return "Stop or join it before the task returns.";
    case DiscardReason::thread_leak:
      return "Let the task use its threads again, or join them before it returns.";
    case DiscardReason::threads:
      return "Join it before the task returns, start it in start_slot(), or set leftover_threads = \"keep\".";
    case DiscardReason::child_process:
      return "Wait for it before the task returns, or start helpers in start_slot().";
    case DiscardReason::timer:
      return "Delete it before the task returns, or make it in start_slot().";
    case DiscardReason::pending_signal:
      return "Take the signal with sigwait(), or do not block it.";
    case DiscardReason::environment:
    case DiscardReason::locale:
    case DiscardReason::resource_limits:
    case DiscardReason::scheduling:
    case DiscardReason::streams:
      return "Do that in start_slot(), or undo it before the task returns.";
    case DiscardReason::signal_handlers:
      return "Set up what handles signals in start_slot(), or undo it before the task returns.";
    case DiscardReason::identity:
    case DiscardReason::parent_death_signal:
      return "Do that in a child process that the task waits for.";
    case DiscardReason::working_directory:
      return "Keep the directory that the slot was started in.";
    case DiscardReason::allocation_failed:
      return "Raise limits.memory, or let the task use less.";
    case DiscardReason::memory:
      return "Load what is to stay in start() or start_slot(), free the rest, or raise limits.memory.";
    case DiscardReason::descriptors:
      return "Close what the task opens, or raise limits.open_files.";
    case DiscardReason::none:
    case DiscardReason::other:
    case DiscardReason::calls_max:
      break;
  }
  return {};
}

std::optional<std::string> Discards::tell(const SlotDiscard& discard) {
  if (!told_.emplace(discard.task, discard.reason).second) return std::nullopt;
  const std::string remedy = remedy_for(discard.reason);
  std::string line = "the slot is discarded after this call: " + discard.text + ".";
  if (!remedy.empty()) line += " " + remedy;
  return line + fmt::format(" Each time costs a new slot; told once for {}, counted in `flame status` as {}.",
                            discard.task.empty() ? "the runner" : discard.task, to_string(discard.reason));
}

}  // namespace flame::runner
