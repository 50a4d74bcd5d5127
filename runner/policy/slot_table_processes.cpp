// SlotTable: processes that are being made, leave service, and end.
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
  // Of a shortage the first slots do not suffer, and the next ones may come when others have gone.
  const bool some_serve = serves(id);
  if (generation.ahead && (some_serve ? generation.failures >= limits::kShortageTries : !waits)) {
    generation.ahead.reset();
    actions_.emplace_back(SlotsAhead{id, some_serve && why == StartFailure::shortage ? 0 : process});
  }
  process_gone(now, process);
}

// A process has all its slots but those that are still starting. The calls may come as late as the host waits for its
// other runners.
void SlotTable::tell_ahead(Instant now, GenerationId id, Generation& generation) {
  const std::uint32_t made = generation.processes * (threads() ? slots_ : 1);
  if (!generation.ahead || made - generation.starting < *generation.ahead) return;
  generation.ahead.reset();
  generation.keep_until = deadline_after(now, start_limit_);
  actions_.emplace_back(SlotsAhead{id});
}

// A start_slot() that does not return would keep the calls that wait for it, and its process.
void SlotTable::watch_start(Instant now, ProcessId id, Process& process) {
  const bool all_ready = std::all_of(process.slots.begin(), process.slots.end(),
                                     [](const Slot& slot) { return slot.ready || slot.given_up; });
  if (all_ready || process.state == ProcessState::retired || process.state == ProcessState::killed) return;
  if (now < process.start_by) return wake_by(process.start_by);
  if (process.state == ProcessState::starting) return kill_process(id, process, true);
  give_up_starting(process);
  tell_ahead(now, process.generation, generations_[process.generation]);
}

// Threads of one process run start_slot() one after the other: those that came through it serve on.
void SlotTable::give_up_starting(Process& process) {
  for (Slot& slot : process.slots) {
    if (slot.ready || slot.given_up) continue;
    slot.given_up = true;
    --generations_[process.generation].starting;
  }
}

// Takes no new calls from here on; ends as soon as nothing runs in it.
void SlotTable::retire(ProcessId id, Process& process, Instant kill_at) {
  if (process.state == ProcessState::killed) return;
  if (process.state != ProcessState::retired) {
    leave_service(process, id);
    process.state = ProcessState::retired;
  }
  process.kill_at = std::min(process.kill_at, kill_at);
  wake_by(process.kill_at);
  kill_if_drained(id, process);
}

void SlotTable::kill_if_drained(ProcessId id, Process& process) {
  const bool innocent_runs = std::any_of(process.slots.begin(), process.slots.end(),
                                         [](const Slot& slot) { return (slot.busy || slot.held) && !slot.must_die; });
  if (process.state == ProcessState::retired && !innocent_runs) kill_process(id, process);
}

void SlotTable::kill_process(ProcessId id, Process& process, bool overdue) {
  if (process.state == ProcessState::killed) return;
  if (process.state != ProcessState::retired) leave_service(process, id);
  process.state = ProcessState::killed;
  const bool blames =
      std::any_of(process.slots.begin(), process.slots.end(), [](const Slot& slot) { return slot.must_die; });
  actions_.emplace_back(KillProcess{id, blames, overdue, process.in_good_order()});
}

// Threads of a process become ready one after the other: those that are still at it end when they are.
bool SlotTable::Process::in_good_order() const {
  const auto at_rest = [](const Slot& slot) { return !slot.busy && !slot.held && !slot.must_die && slot.behind == 0; };
  const auto ready = [](const Slot& slot) { return slot.ready; };
  return !hears_nothing && std::any_of(slots.begin(), slots.end(), ready) &&
         std::all_of(slots.begin(), slots.end(), at_rest);
}

void SlotTable::end_all() {
  for (auto& [id, generation] : generations_) generation.up = false;
  for (auto& [id, process] : processes_) {
    if (process.in_good_order()) kill_process(id, process);
  }
}

void SlotTable::end_generation(GenerationId id) {
  Generation& generation = generations_[id];
  generation.up = false;
  generation.ends = true;
  generation.ahead.reset();
  bool has_processes = false;
  for (auto& [number, process] : processes_) {
    if (process.generation != id) continue;
    has_processes = true;
    retire(number, process, kNever);
  }
  if (!has_processes) generations_.erase(id);
}

void SlotTable::leave_service(Process& process, ProcessId id) {
  Generation& generation = generations_[process.generation];
  --generation.processes;
  for (const Slot& slot : process.slots) generation.starting -= slot.ready || slot.given_up ? 0 : 1;
  std::erase_if(generation.free, [id](const Free& free) { return free.slot.process == id; });
  std::erase_if(generation.pipelines, [id](const SlotRef& slot) { return slot.process == id; });
}

void SlotTable::process_gone(Instant now, ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;
  Process& process = found->second;
  const GenerationId generation = process.generation;
  if (process.state == ProcessState::starting || process.state == ProcessState::serving) leave_service(process, id);
  return_granted(id, generations_[generation]);
  processes_.erase(found);
  if (!generations_[generation].ends) return balance(now, generation);
  const auto is_of_it = [generation](const auto& entry) { return entry.second.generation == generation; };
  if (std::none_of(processes_.begin(), processes_.end(), is_of_it)) generations_.erase(generation);
}

void SlotTable::process_stopped(Instant now, ProcessId id) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.state != ProcessState::serving) return;
  Process& process = found->second;
  Generation& generation = generations_[process.generation];
  std::erase_if(generation.pipelines, [id](const SlotRef& slot) { return slot.process == id; });
  const auto& free = generation.free;
  if (std::none_of(free.begin(), free.end(), [id](const Free& one) { return one.slot.process == id; })) return;
  process.hears_nothing = true;
  retire(id, process, kNever);
  balance(now, process.generation);
}

void SlotTable::stood_still(Instant now, Duration pause) {
  for (auto& [id, process] : processes_) process.start_by = base::put_off(process.start_by, pause, now, start_limit_);
}

}  // namespace flame::runner
