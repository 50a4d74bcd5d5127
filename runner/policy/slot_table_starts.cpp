// Processes that are being made: see slot_table.hpp.
#include <algorithm>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstBackOff = 20ms;
constexpr Duration kLastBackOff = 2s;

Duration back_off(std::uint32_t failures) {
  return std::min<Duration>(kLastBackOff, kFirstBackOff * (1LL << std::min(failures, 10u)));
}

}  // namespace

void SlotTable::fork(Instant now, GenerationId id, Generation& generation) {
  const std::uint32_t count = threads() ? slots_ : 1;
  Process process;
  process.generation = id;
  process.slots.resize(count);
  process.forked_at = now;
  process.start_by = deadline_after(now, start_limit_);
  wake_by(process.start_by);
  processes_.emplace(++last_process_, std::move(process));
  ++generation.processes;
  generation.starting += count;
  actions_.emplace_back(ForkProcess{id, last_process_, count, threads()});
}

void SlotTable::start_failed(Instant now, ProcessId process, StartFailure why) {
  const auto found = processes_.find(process);
  if (found == processes_.end()) return;
  const GenerationId id = found->second.generation;
  Generation& generation = generations_[id];
  // Starts that failed side by side are one try.
  if (found->second.forked_at >= generation.retry_at)
    generation.retry_at = deadline_after(now, back_off(generation.failures++));
  const bool is_counted = found->second.state == ProcessState::starting;
  const bool another_tries = generation.starting > (is_counted ? found->second.slots.size() : 0);
  const bool shortage_may_pass = another_tries || generation.failures < limits::kShortageTries;
  const bool waits = serves(id) || (why == StartFailure::shortage && shortage_may_pass);
  if (!generation.waiting.empty() && !waits) {
    actions_.emplace_back(FailWaiting{generation.waiting.front(), process});
    generation.waiting.pop_front();
  }
  process_gone(now, process);
}

// A start_slot() that does not return would keep the calls that wait for it, and its process.
void SlotTable::watch_start(Instant now, ProcessId id, Process& process) {
  const bool all_ready = std::all_of(process.slots.begin(), process.slots.end(),
                                     [](const Slot& slot) { return slot.ready || slot.given_up; });
  if (all_ready || process.state == ProcessState::retired || process.state == ProcessState::killed) return;
  if (now < process.start_by) return wake_by(process.start_by);
  if (process.state == ProcessState::starting) return kill_process(id, process, true);
  give_up_starting(process);
}

// Threads of one process run start_slot() one after the other: those that came through it serve on.
void SlotTable::give_up_starting(Process& process) {
  for (Slot& slot : process.slots) {
    if (slot.ready || slot.given_up) continue;
    slot.given_up = true;
    --generations_[process.generation].starting;
  }
}

void SlotTable::stood_still(Instant now, Duration pause) {
  for (auto& [id, process] : processes_) process.start_by = base::put_off(process.start_by, pause, now, start_limit_);
}

}  // namespace flame::runner
