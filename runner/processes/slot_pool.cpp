// The processes of SlotPool: making, killing, reaping. What their slots say is in slot_pool_events.cpp.
#include "runner/processes/slot_pool.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "runner/os/log.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// A process that dies closes its channel before it can be reaped: so long it may take to turn up.
constexpr Duration kReapWait = 200ms;
// A crash handler that does not come to its end (pitfalls B15).
constexpr Duration kCrashWait = 2s;
constexpr Duration kCoreWait = 60s;  // or one that writes gigabytes, and may do so into a pipe
constexpr Duration kCrashPoll = 500ms;

}  // namespace

SlotPool::SlotPool(Instant now, const wire::Welcome& welcome, std::uint32_t pipelines, SlotSystem& system,
                   SlotListener& listener, SlotReports& reports)
    : table_(welcome, pipelines),
      held_(base::from_wire(std::max<std::int64_t>(welcome.kill_grace_ns, 0))),
      system_(system),
      listeners_(listener),
      reports_(reports),
      start_limit_(welcome.start_limit_ns > 0 ? Duration(welcome.start_limit_ns) : limits::kStartLimitDefault),
      kill_grace_(base::from_wire(std::max<std::int64_t>(welcome.kill_grace_ns, 0))),
      crash_wait_(welcome.core_dumps ? kCoreWait : kCrashWait),
      oom_watch_(now, system.oom_kills()) {}

SlotPool::~SlotPool() = default;

void SlotPool::generation_up(Instant now, GenerationId generation, bool forkable, std::optional<std::uint32_t> ahead) {
  table_.generation_up(now, generation, forkable, ahead);
}

void SlotPool::generation_down(Instant now, GenerationId generation) {
  table_.generation_down(generation);
  for (auto it = processes_.begin(); it != processes_.end();) {
    const bool being_made = it->second.generation == generation && it->second.pid == 0;
    if (being_made) table_.process_gone(now, it->first);
    it = being_made ? processes_.erase(it) : std::next(it);
  }
}

void SlotPool::fail_waiting(Instant now, GenerationId generation, const Error& error) {
  for (auto& [id, process] : processes_) {
    if (process.generation == generation) revoke_all(now, id, process);
  }
  for (const std::uint64_t id : table_.take_waiting(generation)) listeners_.died(now, id, error);
}

void SlotPool::lease(Instant now, GenerationId generation, std::uint64_t id, bool brief) {
  table_.lease(now, generation, id, brief);
  run_actions(now);
}

void SlotPool::lease_for(SlotListener& listener, Instant now, GenerationId generation, std::uint64_t id) {
  listeners_.set(id, listener);
  lease(now, generation, id);
}

void SlotPool::kill(Instant now, std::uint64_t id, StopCause cause) {
  unpipeline(now, id);
  const auto waited_for = table_.withdraw(id);
  if (waited_for || held_.withdraw(id)) {
    Death death;
    death.cause = cause;
    death.started = Started::no;
    if (waited_for) death.waited_for = waits_for(now, *waited_for);
    return listeners_.died(now, id, describe_death(death));
  }
  Seat* const seat = seat_of(id);
  if (seat == nullptr) return;
  const SlotRef slot = *occupancy_.find(id);
  (occupancy_.at(slot).lease == id ? seat->held.stopped_for : seat->cause) = cause;
  seat->slot->request_stop();  // a thread lives on beside innocent ones; it may not have been asked yet
  table_.kill(now, slot, cause == StopCause::host_lost);
  run_actions(now);
}

slot::Slot* SlotPool::slot_of(std::uint64_t id) {
  Seat* seat = seat_of(id);
  return seat == nullptr ? nullptr : seat->slot.get();
}

SlotPool::Seat* SlotPool::seat_of(std::uint64_t invocation) {
  const auto slot = occupancy_.find(invocation);
  return !slot || occupancy_.is_behind(invocation) ? nullptr : seat_at(*slot);
}

SlotPool::Seat* SlotPool::seat_at(SlotRef slot) {
  const auto process = processes_.find(slot.process);
  if (process == processes_.end() || slot.index >= process->second.seats.size()) return nullptr;
  return &process->second.seats[slot.index];
}

void SlotPool::run_actions(Instant now) {
  if (acting_) return;  // an action caused this; the loop below goes on
  acting_ = true;
  for (auto actions = table_.take_actions(); !actions.empty() || run_held_actions(now);
       actions = table_.take_actions()) {
    for (const SlotAction& action : actions) {
      if (const auto* make = std::get_if<ForkProcess>(&action)) {
        fork(now, *make);
      } else if (const auto* granted = std::get_if<GrantSlot>(&action)) {
        grant(now, *granted);
      } else if (const auto* queued = std::get_if<QueueBehind>(&action)) {
        queue_behind(now, *queued);
      } else if (const auto* doomed = std::get_if<KillProcess>(&action)) {
        kill_process(now, *doomed);
      } else if (const auto* failed = std::get_if<FailWaiting>(&action)) {
        listeners_.died(now, failed->invocation, start_errors_[failed->process]);
      } else if (const auto* idle = std::get_if<TrimSlot>(&action)) {
        trim_slot(idle->slot);
      } else if (const auto* ahead = std::get_if<SlotsAhead>(&action)) {
        ahead_.push_back({ahead->generation, ahead->failed == 0 ? Error() : start_errors_[ahead->failed]});
      }
    }
  }
  start_errors_.clear();
  acting_ = false;
}

void SlotPool::fork(Instant now, const ForkProcess& action) {
  auto made = system_.make(now, action);
  if (!made) return made_none(now, action.generation, action.process, std::move(made).error());
  Process process;
  process.generation = action.generation;
  process.threads = action.threads;
  for (auto& slot : made->slots) process.seats.emplace_back().slot = std::move(slot);
  processes_.emplace(action.process, std::move(process));
  if (made->pid != 0) spawned(now, action.process, made->pid);
}

void SlotPool::grant(Instant now, const GrantSlot& action) {
  Process& process = processes_.at(action.slot.process);
  Seat& seat = process.seats[action.slot.index];
  occupancy_.enter(action.slot, action.invocation);
  begin(now, process, seat, action.invocation);
  listeners_.of(action.invocation).on_granted(now, action.invocation, *seat.slot);
  wake_at_ = std::min(wake_at_, deadline_after(now, kCrashPoll));
}

void SlotPool::begin(Instant now, Process& process, Seat& seat, std::uint64_t invocation) {
  seat.cause = StopCause::none;
  if (seat.threads.keeps_threads()) seat.threads.interrupt(now);
  if (!process.threads) seat.output.start(invocation);
}

void SlotPool::spawned(Instant now, ProcessId id, pid_t pid) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.pid != 0 || pid <= 0) return;
  found->second.pid = pid;
  by_pid_[pid] = id;
  const auto remains =
      std::find_if(unclaimed_.rbegin(), unclaimed_.rend(), [pid](const auto& entry) { return entry.first == pid; });
  if (remains != unclaimed_.rend()) {
    const Remains kept = remains->second;
    unclaimed_.erase(std::next(remains).base());
    by_pid_.erase(pid);
    return finish(now, found, kept);
  }
  if (found->second.kill) kill_now(found->second);
}

void SlotPool::kill_process(Instant now, const KillProcess& action) {
  const auto found = processes_.find(action.process);
  if (found == processes_.end()) return;
  found->second.blames_others = action.blames;
  found->second.overdue = action.overdue;
  const bool says_goodbye = action.in_good_order && system_.stops_slots(found->second.generation);
  return says_goodbye ? end(now, found->second) : kill_now(found->second);
}

void SlotPool::kill_now(Process& process) {
  process.kill = true;
  if (process.pid > 0) system_.kill(process.pid);
}

bool SlotPool::reaped(Instant now, pid_t pid, int status, const rusage& usage) {
  const auto owner = by_pid_.find(pid);
  if (owner == by_pid_.end()) {
    if (making_processes()) {
      if (unclaimed_.size() >= limits::kUnclaimedMax) unclaimed_.pop_front();
      unclaimed_.emplace_back(pid, Remains{status, usage});
    } else {
      unclaimed_.clear();  // orphans; their pids may come again
    }
    return false;
  }
  const ProcessId id = owner->second;
  by_pid_.erase(owner);
  finish(now, processes_.find(id), {status, usage});
  return true;
}

// What the process said before it died is heard first: a result may be among it.
void SlotPool::finish(Instant now, Processes::iterator entry, Remains remains) {
  const ProcessId id = entry->first;
  revoke_all(now, id, entry->second);
  const bool foreign_kill = WIFSIGNALED(remains.status) && WTERMSIG(remains.status) == SIGKILL && !entry->second.kill;
  remains.oom_killed = foreign_kill && oom_watch_.explains_death(system_.oom_kills());
  bool was_ready = false;
  for (std::uint32_t i = 0; i < entry->second.seats.size(); ++i) {
    while (entry->second.seats[i].slot->open() && read_channel(now, {id, i}) > 0) {
    }
    was_ready = was_ready || entry->second.seats[i].ready;
  }
  if (entry->second.end_by != kNever) report_end(entry->second, remains);
  std::vector<Blame> blames = judge_seats(id, entry->second, remains.status);
  for (std::uint32_t i = 0; i < blames.size(); ++i)
    bury_seat(now, {id, i}, entry->second, remains, std::move(blames[i]));
  if (was_ready || entry->second.unwanted) {
    processes_.erase(entry);
    return table_.process_gone(now, id);
  }
  slot::MakeFailure failure;
  failure.shortage = entry->second.start_shortage;
  failure.error = describe_start(entry->second, remains);
  const GenerationId generation = entry->second.generation;
  processes_.erase(entry);
  made_none(now, generation, id, std::move(failure));
}

std::vector<Blame> SlotPool::judge_seats(ProcessId id, const Process& process, int wait_status) const {
  std::vector<Witness> witnesses;
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) {
    const Occupancy::Seat& there = occupancy_.at({id, i});
    const bool held = there.lease != 0;
    slot::PostMortem left = process.seats[i].slot->post_mortem();
    witnesses.push_back(
        {.runs = !there.empty(), .begun = held || left.begun, .exited = left.exited, .crash = std::move(left.crash)});
  }
  return judge(witnesses, wait_status, process.threads);
}

void SlotPool::bury_seat(Instant now, SlotRef slot, Process& process, const Remains& remains, Blame blame) {
  Seat& seat = process.seats[slot.index];
  drain_output(process, seat);
  if (occupancy_.at(slot).empty()) return;
  seat.output.finish(outputs_);
  deliver(outputs_);
  Death death;
  death.wait_status = remains.status;
  death.cause = seat.cause;
  death.crash = std::move(blame.crash);
  death.crash_of_another = blame.crash_of_another;
  death.exit_of_another = blame.exit_of_another;
  death.suspects = blame.suspects;
  const slot::PostMortem left = seat.slot->post_mortem();
  const bool killed_for_another = process.threads && process.kill && process.blames_others;
  death.collateral = (killed_for_another || death.crash_of_another != 0 || death.exit_of_another) &&
                     seat.cause == StopCause::none && seat.held.stopped_for == StopCause::none;
  if (process.kill && !process.blames_others) death.channel_lost = process.channel_lost;
  death.allocation_failed = left.allocation_failed;
  death.memory_kept = left.memory_kept;
  death.oom_killed = remains.oom_killed;
  if (death.crash) death.where = system_.name_frames(process.generation, std::move(death.crash->frames));
  death.started = left.begun ? Started::yes : Started::no;
  death.log_tail = seat.output.log_tail();
  if (left.begun) death.usage = usage_until_death(left.usage_at_begin, remains.usage, now, process.threads);
  bury_pipelined(now, slot, death);
  if (occupancy_.at(slot).lease != 0) return bury_held(now, slot, seat, death);
  listeners_.died(now, occupancy_.leave(slot), with_stop(process, describe_death(death)));
}

// By the word of a slot that lied they have begun, too.
void SlotPool::bury_pipelined(Instant now, SlotRef slot, Death death) {
  death.cause = StopCause::none;
  death.started = Started::yes;
  death.usage = {};
  for (const std::uint64_t lost : occupancy_.take_behind(slot)) listeners_.died(now, lost, describe_death(death));
}

void SlotPool::tick(Instant now) {
  if (oom_watch_.due(now)) oom_watch_.sample(now, system_.oom_kills());
  revoke_from_slow(now);
  revoke_for_looks(now);
  table_.tick(now);
  held_.tick(now);
  if (now >= wake_at_) {
    wake_at_ = kNever;
    for (auto& [id, process] : processes_) watch_process(id, process, now);
  }
  run_actions(now);
}

// Ends a process that lost its channel but lives on, and one that hangs in its crash handler.
void SlotPool::watch_process(ProcessId id, Process& process, Instant now) {
  watch_end(process, now);
  if (process.channel_lost_at != kNever && !process.kill && process.end_by == kNever) {
    const Instant due = deadline_after(process.channel_lost_at, kReapWait);
    if (now >= due) {
      log(LogLevel::warning, fmt::format("slot process {} (pid {}): {}", id, process.pid, process.channel_lost));
      kill_now(process);
    } else {
      wake_at_ = std::min(wake_at_, due);
    }
  }
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) {
    Seat& seat = process.seats[i];
    look_at_threads(now, {id, i}, process, seat);
    const Occupancy::Seat& there = occupancy_.at({id, i});
    const bool runs = there.invocation != 0 || (there.lease != 0 && (!seat.slot->idle() || seat.slot->has_child()));
    if (!runs) continue;
    wake_at_ = std::min(wake_at_, deadline_after(now, kCrashPoll));
    if (process.crash_seen_at == kNever && seat.slot->crash_announced()) process.crash_seen_at = now;
  }
  if (process.crash_seen_at != kNever && now >= deadline_after(process.crash_seen_at, crash_wait_)) kill_now(process);
}

Instant SlotPool::wake_at() const {
  return std::min({table_.wake_at(), held_.wake_at(), pipeline_.wake_at(), wake_at_});
}

std::set<std::uint64_t> SlotPool::running() const {
  const std::vector<std::uint64_t> ids = occupancy_.all();
  return {ids.begin(), ids.end()};
}

void SlotPool::append_pids(std::vector<pid_t>& pids) const {
  for (const auto& [pid, process] : by_pid_) pids.push_back(pid);
}

bool SlotPool::making_processes() const {
  return std::any_of(processes_.begin(), processes_.end(), [](const auto& entry) { return entry.second.pid == 0; });
}

}  // namespace flame::runner
