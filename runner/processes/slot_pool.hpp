// The runner's slot processes: makes them, listens to them, reaps and kills them, as SlotTable decides. Tells a
// listener what became of each invocation.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/held_objects.hpp"
#include "runner/policy/occupancy.hpp"
#include "runner/policy/oom_watch.hpp"
#include "runner/policy/output_collector.hpp"
#include "runner/policy/pipeline.hpp"
#include "runner/policy/slot_table.hpp"
#include "runner/policy/thread_watch.hpp"
#include "runner/processes/blame.hpp"
#include "runner/processes/crash_report.hpp"
#include "runner/processes/slot_listener.hpp"
#include "runner/processes/slot_system.hpp"
#include "runner/slots/slot.hpp"

namespace flame::runner {

class SlotPool {
 public:
  /// `pipelines`: see SlotTable. `system` outlives this object; its destructor uses neither
  /// `listener` nor `reports`.
  SlotPool(Instant now, const wire::Welcome& welcome, std::uint32_t pipelines, SlotSystem& system,
           SlotListener& listener, SlotReports& reports);
  ~SlotPool();
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // --- generations
  /// See SlotTable. If `ahead` is given, take_ahead() tells what became of it.
  void generation_up(Instant now, GenerationId generation, bool forkable, std::optional<std::uint32_t> ahead = {});
  /// No process can be made for now; those that were being made are given up.
  void generation_down(Instant now, GenerationId generation);
  /// Ends what waits for this generation with `error`, and its slots as they come to rest. None is made any more.
  /// (slot_pool_end.cpp)
  void end_generation(Instant now, GenerationId generation, const Error& error);
  /// Ends what waits for this generation with `error`.
  void fail_waiting(Instant now, GenerationId generation, const Error& error);
  /// The pid comes from the zygote, from exec or from the kernel's credentials, whichever is first.
  void spawned(Instant now, ProcessId process, pid_t pid);
  void spawn_failed(Instant now, ProcessId process, slot::MakeFailure failure);
  /// A living slot of it is free, or will be.
  [[nodiscard]] bool serves(GenerationId generation) const { return table_.serves(generation); }
  /// What there is of a generation now.
  struct Census {
    std::uint32_t processes = 0;
    std::uint32_t being_made = 0;  // of those: their pid is not known yet
    std::uint32_t in_use = 0;      // slots that run something or are held
  };
  [[nodiscard]] Census census(GenerationId generation) const;
  /// The slots that generation_up() was to make ahead are ready (code none), or why not.
  struct Ahead {
    GenerationId generation;
    Error error;
  };
  [[nodiscard]] std::vector<Ahead> take_ahead() { return std::exchange(ahead_, {}); }

  // --- invocations
  /// `brief`: it may share a slot with others, see SlotTable::lease().
  void lease(Instant now, GenerationId generation, std::uint64_t id, bool brief = false);
  /// The same for an invocation of the runner's own, of which `listener` hears instead: it lives until that has ended.
  void lease_for(SlotListener& listener, Instant now, GenerationId generation, std::uint64_t id);
  /// The slot that was granted never saw the invocation; on_freed() follows.
  void give_back(Instant now, std::uint64_t id);
  /// Ends it now: a waiting one at once, a running one by killing its process. on_died() follows.
  void kill(Instant now, std::uint64_t id, StopCause cause);
  /// Whatever is behind this invocation in its slot, or this one if it is behind others, is revoked unless it has
  /// begun, and what has ended before it is heard. Afterwards slot_of() tells whether it is in a slot, alone; what was
  /// revoked is served by the next tick(). (_pipeline.cpp)
  void unpipeline(Instant now, std::uint64_t id);
  /// The slot that runs the invocation, or null: it waits, or is behind another.
  [[nodiscard]] slot::Slot* slot_of(std::uint64_t id);

  // --- held slots (slot_pool_held.cpp); `lease` is the invocation that left objects there
  /// Runs an invocation in the slot of a lease, when its turn comes; see HeldObjects::enter().
  [[nodiscard]] HeldObjects::Turn enter(Instant now, LeaseId lease, std::uint64_t id);
  /// The host has let go of these objects.
  void release(Instant now, LeaseId lease, std::span<const std::uint64_t> objects);
  /// Asks all that is in the slot to stop and destroys its objects; on_let_go() follows, or kill() what does not end.
  void stop_held(Instant now, LeaseId lease, StopCause cause);

  // --- the loop
  /// The slot has said something. Those of processes that are gone are none of our business.
  void on_channel(Instant now, SlotRef slot);
  void on_writable(SlotRef slot);
  /// The slot, or a process that it has started, has printed something.
  void on_output(Instant now, SlotRef slot);
  /// Whether `pid` is or was one of ours is known for sure only once no process is being made.
  bool reaped(Instant now, pid_t pid, int status, const rusage& usage);
  /// A child was stopped by `signal`; 0: it goes on. Others than ours are none of our business. (slot_pool_stops.cpp)
  void stopped(Instant now, pid_t pid, int signal);
  /// See SlotTable::stood_still().
  void stood_still(Instant now, Duration pause) { table_.stood_still(now, pause); }
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const;
  /// Carries out what the table has decided. Call after each turn of the loop.
  void run_actions(Instant now);

  /// The runner leaves: slots at rest of plugins with a stop_slot() say goodbye, for kill_grace at most. Nothing new is
  /// made from here on. (slot_pool_end.cpp)
  void end_all(Instant now);
  /// Some are still at it.
  [[nodiscard]] bool ending() const;

  [[nodiscard]] bool making_processes() const;
  /// The invocations that are in slots now.
  [[nodiscard]] std::set<std::uint64_t> running() const;
  [[nodiscard]] bool owns(pid_t pid) const { return by_pid_.contains(pid); }
  void append_pids(std::vector<pid_t>& pids) const;

 private:
  struct Held {
    StopCause stopped_for = StopCause::none;  // stop_held(), or kill() of the lease
    Error end;                                // how the child ended, or why the slot is killed
    slot::SlotReady verdict;                  // the last one on the slot
  };
  struct Last {
    std::uint64_t invocation = 0;
    std::string task;
  };
  struct Seat {
    std::unique_ptr<slot::Slot> slot;
    OutputCollector output;
    StopCause cause = StopCause::none;
    bool ready = false;
    bool answered = false;  // a call, at least once
    Held held;
    ThreadWatch threads;
    Last last;  // that left threads
  };
  struct Process {
    GenerationId generation = 0;
    pid_t pid = 0;
    bool threads = false;
    bool kill = false;           // as soon as the pid is known
    bool blames_others = false;  // killed for invocations that are marked by their cause
    bool overdue = false;        // killed because no slot of it became ready
    bool unwanted = false;       // its generation has ended
    bool start_shortage = false;
    Error start_error;         // what a slot of it said before it was ready
    std::string channel_lost;  // why the channel ended
    Instant channel_lost_at = kNever;
    Instant crash_seen_at = kNever;
    int stopped_by = 0;       // a signal, and it has not gone on since
    Instant end_by = kNever;  // its slots run stop_slot(); killed then
    std::vector<Seat> seats;
  };
  struct Remains {
    int status = 0;
    rusage usage{};
    bool oom_killed = false;
  };
  using Processes = std::unordered_map<ProcessId, Process>;

  void fork(Instant now, const ForkProcess& action);
  void grant(Instant now, const GrantSlot& action);
  void kill_process(Instant now, const KillProcess& action);
  void queue_behind(Instant now, const QueueBehind& action);
  void begin(Instant now, Process& process, Seat& seat, std::uint64_t invocation);
  [[nodiscard]] bool pass_on(Instant now, SlotRef slot, Process& process, Seat& seat);
  void revoke(Instant now, SlotRef slot, Seat& seat);
  void revoke_all(Instant now, ProcessId id, Process& process);
  void note_revoked(SlotRef slot, const std::vector<std::uint64_t>& ids);
  void revoke_from_slow(Instant now);
  void made_none(Instant now, GenerationId generation, ProcessId process, slot::MakeFailure failure);
  void trim_slot(SlotRef slot);
  [[nodiscard]] std::string waits_for(Instant now, GenerationId generation) const;
  [[nodiscard]] Error describe_start(Process& process, const Remains& remains);
  void kill_now(Process& process);
  void end(Instant now, Process& process);
  void watch_end(Process& process, Instant now);
  void report_end(Process& process, const Remains& remains);
  void tell_of_stop(ProcessId number, const Process& process);
  [[nodiscard]] static Error with_stop(const Process& process, Error error);
  void finish(Instant now, Processes::iterator process, Remains remains);
  [[nodiscard]] std::vector<Blame> judge_seats(ProcessId id, const Process& process, int wait_status) const;
  void bury_pipelined(Instant now, SlotRef slot, Death death);
  void bury_seat(Instant now, SlotRef slot, Process& process, const Remains& remains, Blame blame);
  std::size_t read_channel(Instant now, SlotRef slot);
  void dispatch(Instant now, SlotRef slot, slot::SlotEvent& event);
  void on_slot_ready(Instant now, SlotRef slot, const slot::SlotReady& ready);
  void on_slot_result(Instant now, Process& process, Seat& seat, slot::SlotResult result);
  [[nodiscard]] bool hold(SlotRef slot, Process& process, Seat& seat, const slot::SlotResult& result);
  void on_held_ready(Instant now, SlotRef slot, Process& process, Seat& seat, const slot::SlotReady& ready);
  void on_child_ended(Instant now, SlotRef slot, Seat& seat, slot::SlotChildEnded ended);
  bool run_held_actions(Instant now);
  void enter_held(Instant now, const EnterHeld& action);
  void destroy_held(Instant now, const DestroyHeld& action);
  void kill_held(Instant now, const KillHeld& action);
  void free_held(Instant now, const FreeHeld& action);
  void bury_held(Instant now, SlotRef slot, Seat& seat, const Death& death);
  void begin_look(Instant now, SlotRef slot, Process& process, Seat& seat);
  void look_at_threads(Instant now, SlotRef slot, Process& process, Seat& seat);
  void discard(const slot::SlotReady& ready, std::uint64_t invocation);
  void revoke_for_looks(Instant now);
  void drain_output(Process& process, Seat& seat);
  void deliver(std::vector<wire::Output>& outputs);
  void report(wire::Output output);
  void watch_process(ProcessId id, Process& process, Instant now);
  [[nodiscard]] Seat* seat_of(std::uint64_t invocation);
  [[nodiscard]] Seat* seat_at(SlotRef slot);

  SlotTable table_;
  HeldObjects held_;
  SlotSystem& system_;
  SlotListeners listeners_;
  SlotReports& reports_;
  Processes processes_;
  std::unordered_map<pid_t, ProcessId> by_pid_;
  std::deque<std::pair<pid_t, Remains>> unclaimed_;  // reaped before we heard whose they are; the newest last
  std::unordered_map<GenerationId, std::string>
      start_problems_;  // what slots cannot be made for, since the last one that was
  Occupancy occupancy_;
  Pipeline pipeline_;
  std::vector<SlotRef> to_look_at_;
  std::unordered_map<ProcessId, Error> start_errors_;  // until what followed has been carried out
  std::vector<Ahead> ahead_;
  Duration start_limit_;
  Duration kill_grace_;
  Duration crash_wait_;
  OomWatch oom_watch_;
  Instant wake_at_ = kNever;
  bool acting_ = false;
  std::vector<slot::SlotEvent> events_;
  std::vector<wire::Output> outputs_;
  std::string text_;
};

}  // namespace flame::runner
