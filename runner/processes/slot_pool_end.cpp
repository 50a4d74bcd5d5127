// How SlotPool ends slots in good order: they run stop_slot(), for kill_grace at most. All of them, or a generation's.
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>

#include "plugin_sdk/base/units.hpp"
#include "runner/os/log.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {

void SlotPool::end_all(Instant now) {
  table_.end_all();
  run_actions(now);
}

void SlotPool::end_generation(Instant now, GenerationId generation, const Error& error) {
  run_actions(now);  // who has been given a slot in this turn runs there
  fail_waiting(now, generation, error);
  for (auto& [id, process] : processes_) {
    if (process.generation == generation) process.unwanted = true;
  }
  start_problems_.erase(generation);
  table_.end_generation(generation);
  run_actions(now);
}

SlotPool::Census SlotPool::census(GenerationId generation) const {
  Census census;
  for (const auto& [id, process] : processes_) {
    if (process.generation != generation) continue;
    ++census.processes;
    if (process.pid == 0) ++census.being_made;
    for (std::uint32_t i = 0; i < process.seats.size(); ++i) census.in_use += occupancy_.at({id, i}).empty() ? 0 : 1;
  }
  return census;
}

bool SlotPool::ending() const {
  return std::any_of(processes_.begin(), processes_.end(), [](const auto& p) { return p.second.end_by != kNever; });
}

void SlotPool::end(Instant now, Process& process) {
  for (Seat& seat : process.seats) {
    if (!seat.slot->open()) return kill_now(process);  // its channel has ended, and we have not heard of it yet
  }
  for (std::uint32_t i = 0; i < process.seats.size(); ++i) process.seats[i].slot->end();
  process.end_by = deadline_after(now, kill_grace_);
  wake_at_ = std::min(wake_at_, process.end_by);
}

void SlotPool::watch_end(Process& process, Instant now) {
  if (process.end_by == kNever || process.kill) return;
  if (now >= process.end_by) return kill_now(process);
  wake_at_ = std::min(wake_at_, process.end_by);
}

// Nobody waits for it, so all there is to do is to tell.
void SlotPool::report_end(Process& process, const Remains& remains) {
  const bool by_exit = std::any_of(process.seats.begin(), process.seats.end(),
                                   [](const Seat& seat) { return seat.slot->post_mortem().exited; });
  if (WIFEXITED(remains.status) && WEXITSTATUS(remains.status) == 0 && !by_exit) return;
  std::string fate = fmt::format("ended its process with exit code {}", WEXITSTATUS(remains.status));
  if (process.kill) {
    fate = fmt::format("did not return within {} and was killed", base::format_duration(kill_grace_));
  } else if (WIFSIGNALED(remains.status)) {
    fate = "crashed: " + signal_text(WTERMSIG(remains.status));
  }
  std::string text = fmt::format("{}: the plugin's stop_slot() {}", system_.plugin_name(process.generation), fate);
  for (const Seat& seat : process.seats) {
    auto report = seat.slot->post_mortem().crash;
    if (!report) continue;
    for (const std::string& frame : system_.name_frames(process.generation, std::move(report->frames)))
      text += "\n  " + frame;
    break;
  }
  log(LogLevel::warning, text);
  report(wire::log_line(0, wire::Level::warning, std::move(text)));
}

}  // namespace flame::runner
