// Slot processes that a signal has stopped: by an operator, or by a thread that a task has left.
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "runner/os/log.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {
namespace {

std::string name_of_signal(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

}  // namespace

void SlotPool::stopped(Instant now, pid_t pid, int signal) {
  const auto owner = by_pid_.find(pid);
  if (owner == by_pid_.end()) return;
  const ProcessId id = owner->second;
  Process& process = processes_.at(id);
  process.stopped_by = signal;
  if (signal == 0) return;
  // What it said before is heard first: its call may have ended.
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) {
    while (process.seats[i].slot->open() && read_channel(now, {id, i}) > 0) {
    }
  }
  tell_of_stop(id, process);
  table_.process_stopped(now, id);
  run_actions(now);
}

// Who waits for a call there has no other way to know why it takes so long.
void SlotPool::tell_of_stop(ProcessId number, const Process& process) {
  const std::string how = name_of_signal(process.stopped_by);
  if (!process.kill)
    log(LogLevel::warning, fmt::format("slot process {} (pid {}) was stopped by {}", number, process.pid, how));
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) {
    const Occupancy::Seat& there = occupancy_.at({number, i});
    if (there.empty()) continue;
    const std::uint64_t id = there.invocation != 0 ? there.invocation : there.lease;
    std::string text = fmt::format(
        "the process of this call (pid {}) was stopped by {}, not by FLAME: the call stands still until somebody sends "
        "SIGCONT, or until its deadline",
        process.pid, how);
    report(wire::log_line(id, wire::Level::warning, std::move(text)));
  }
}

Error SlotPool::with_stop(const Process& process, Error error) {
  if (process.stopped_by == 0) return error;
  error.message += fmt::format(" Its process was stopped ({}) and did not go on.", name_of_signal(process.stopped_by));
  return error;
}

}  // namespace flame::runner
