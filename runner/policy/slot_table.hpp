// Which slot an invocation gets, when processes are forked, discarded and killed. Pure: events and `now` in, actions
// out; knows neither pids nor descriptors, and of a slot only whether it is taken: Occupancy has who is there.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/clock.hpp"

namespace flame::runner {

using GenerationId = std::uint32_t;
using ProcessId = std::uint64_t;  // ours: 1, 2, 3 …; also the request id towards the zygote

/// One slot: the n-th of its process.
struct SlotRef {
  ProcessId process = 0;
  std::uint32_t index = 0;
  friend bool operator==(const SlotRef&, const SlotRef&) = default;
};

/// Make a process with `slots` slots. Answer with slot_ready() for each, or with start_failed().
struct ForkProcess {
  GenerationId generation;
  ProcessId process;
  std::uint32_t slots;
  bool threads;
};
/// The waiting invocation has got this slot: send it.
struct GrantSlot {
  std::uint64_t invocation;
  SlotRef slot;
};
/// The invocation is brief, and so is what runs in this slot: send it there, behind that.
struct QueueBehind {
  std::uint64_t invocation;
  SlotRef slot;
};
/// SIGKILL it; answer with process_gone() once it is reaped. What still runs in it is lost.
struct KillProcess {
  ProcessId process;
  bool blames = false;         // those that kill() was called for; the others are collateral
  bool overdue = false;        // none of its slots became ready in time
  bool in_good_order = false;  // nothing is left in its slots, which can hear: they may say goodbye first
};
/// Why a process did not start: there were no processes, memory or descriptors for it, or anything else.
enum class StartFailure : std::uint8_t { plugin, shortage };

/// The process was to serve this waiting invocation and could not be started.
struct FailWaiting {
  std::uint64_t invocation;
  ProcessId process;
};
/// The slot has been free for limits::kArenaIdle: give its arena's memory back.
struct TrimSlot {
  SlotRef slot;
};
/// The slots that generation_up() was to make ahead are ready; or the process `failed` could not be started, and no
/// more are made ahead.
struct SlotsAhead {
  GenerationId generation;
  ProcessId failed = 0;
};
using SlotAction = std::variant<ForkProcess, GrantSlot, QueueBehind, KillProcess, FailWaiting, TrimSlot, SlotsAhead>;

class SlotTable {
 public:
  /// `pipelines`: so many slots at once take brief invocations in a row, each behind the other; as many as processors.
  /// 0: every invocation gets a slot of its own.
  explicit SlotTable(const wire::Welcome& welcome, std::uint32_t pipelines = 0);

  // --- generations
  /// The plugin is loaded; processes can be made. `forkable` false: only on demand, because each loads the plugin anew.
  /// `ahead`: so many slots are made that nobody waits for, or as many as the pool wants spares if that is more; at
  /// most limits::kLoadSlotsMax and the pool's slots. SlotsAhead follows, once, unless generation_down() or
  /// end_generation() comes before. What is made so is kept for the start limit at least.
  void generation_up(Instant now, GenerationId generation, bool forkable, std::optional<std::uint32_t> ahead = {});
  /// No processes can be made until generation_up(). What runs and what waits stays.
  void generation_down(GenerationId generation);
  /// No process of it is made any more. Those in which nothing runs or is held end, the others as soon as that is so.
  /// Call take_waiting() before. It is forgotten with its last process. (slot_table_processes.cpp)
  void end_generation(GenerationId generation);

  // --- invocations
  /// Wants a slot: GrantSlot follows, now or later; or QueueBehind, if it is `brief`: not worth waking a slot for.
  void lease(Instant now, GenerationId generation, std::uint64_t invocation, bool brief = false);
  /// Gives a waiting invocation up; what it waited for. nullopt: it does not wait (any more).
  std::optional<GenerationId> withdraw(std::uint64_t invocation);
  /// Takes every invocation that waits for this generation out of the table.
  [[nodiscard]] std::vector<std::uint64_t> take_waiting(GenerationId generation);
  /// What runs or is held there must die. Process isolation: the process is killed. Thread isolation: the process is
  /// retired, a fresh one takes over, and it is killed when its other invocations have ended and its other held slots
  /// are free, or after limits::kRetireGrace. `host_lost`: that is why it must die, and the others may end in the
  /// pool's grace for that, however long it is.
  void kill(Instant now, SlotRef slot, bool host_lost = false);

  // --- pipelines (slot_table_pipelines.cpp)
  /// The slot's invocation has ended, and it goes on with the first one behind it.
  void slot_passed(SlotRef slot);
  /// These were to run behind the slot's invocation and have not begun: they wait again, before all others, each for a
  /// slot of its own; tick() grants those, not before: they may be withdrawn. The slot is no pipeline any more.
  void revoked(SlotRef slot, const std::vector<std::uint64_t>& invocations);

  // --- slots and processes
  /// A new slot said that it is ready. A process whose first slot takes longer than the host allows is killed.
  void slot_ready(Instant now, SlotRef slot);
  /// The slot's invocation has ended. `reusable` false: hygiene or the pool's options end it.
  void slot_freed(Instant now, SlotRef slot, bool reusable);
  /// The slot's invocation has ended, but objects live there: the slot is kept for them, whatever the pool's options
  /// say, and counts as running.
  void slot_held(SlotRef slot);
  /// An invocation begins in a held slot; slot_held() again when it has ended.
  void slot_entered(SlotRef slot);
  /// The last object is gone from a held slot in which nothing runs.
  void slot_released(Instant now, SlotRef slot, bool reusable);
  /// A free slot is to be left alone for a while: invocations prefer others, and a process is made in its place. One at
  /// a time per generation. False: it is not free (any more), or another one is set aside.
  [[nodiscard]] bool set_aside(Instant now, SlotRef slot);
  /// As soon as the slot's invocation has ended the slot is set aside, if no other one is and its generation is
  /// forkable: no invocation gets it then before put_back(), however many wait.
  void set_aside_next(SlotRef slot);
  /// It serves again, before others: what it keeps is warm.
  void put_back(Instant now, SlotRef slot);
  /// A free slot must not serve again.
  void slot_discarded(Instant now, SlotRef slot);
  /// A slot that was ready hears no more: its process gets no further invocation and is killed, at the latest after
  /// limits::kRetireGrace.
  void channel_lost(Instant now, SlotRef slot);
  /// A signal stopped the process: what runs or is held there may go on some time, but no invocation may wait for that.
  /// If some of its slots are free it is killed as soon as nothing runs in the others. (slot_table_processes.cpp)
  void process_stopped(Instant now, ProcessId process);
  /// The process ended before its slots were ready, or could not be made. The next start waits longer than the last,
  /// and a waiting invocation fails if no living slot can serve it; after a shortage only if no other process is being
  /// made, and not before limits::kShortageTries. Processes that were made side by side count as one try.
  void start_failed(Instant now, ProcessId process, StartFailure why = StartFailure::plugin);
  /// A slot of this generation is free, or will be when its invocation has ended.
  [[nodiscard]] bool serves(GenerationId generation) const;
  /// The process has been reaped.
  void process_gone(Instant now, ProcessId process);
  /// The runner leaves: ends the processes in which nothing runs, and makes no more.
  void end_all();

  /// This process stood still for so long, and those that it makes perhaps, too: they get that time anew.
  void stood_still(Instant now, Duration pause);
  /// Time has passed. Call at or after wake_at().
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return wake_at_; }
  /// Actions since the last call, in order.
  [[nodiscard]] std::vector<SlotAction> take_actions();

  [[nodiscard]] std::size_t free_slots(GenerationId generation) const;

 private:
  enum class ProcessState : std::uint8_t { starting, serving, retired, killed };
  struct Slot {
    bool busy = false;         // an invocation has it
    std::uint32_t behind = 0;  // invocations that follow that
    std::uint32_t calls = 0;
    bool ready = false;
    bool given_up = false;    // it did not become ready in time, others of its process did
    bool held = false;        // objects live there
    bool must_die = false;    // what is in it is to die
    bool aside_next = false;  // set_aside_next()
  };
  struct Process {
    /// Nothing is left in its slots, which can hear.
    [[nodiscard]] bool in_good_order() const;
    GenerationId generation = 0;
    ProcessState state = ProcessState::starting;
    bool hears_nothing = false;  // one of its slots has lost its channel, or the process is stopped
    Instant kill_at = kNever;    // retired
    Instant forked_at{};
    Instant start_by = kNever;  // the next of its slots must be ready
    std::vector<Slot> slots;
  };
  struct Free {
    SlotRef slot;
    Instant since;
    bool aside = false;
    bool firm = false;           // aside, and not to be had
    bool before_others = false;  // put back
    bool trimmed = false;
  };
  struct Generation {
    [[nodiscard]] std::uint32_t aside() const;
    /// The one that was put back, else the warmest, of those that are not set aside if there are such; the end if none
    /// may be taken.
    [[nodiscard]] std::vector<Free>::iterator best();
    void end_pipeline(SlotRef slot);
    bool up = false;
    bool ends = false;
    bool was_ready = false;  // one of its slots, since it is up
    bool forkable = true;
    std::vector<Free> free;  // used from the back: the warmest
    std::deque<std::uint64_t> waiting;
    std::vector<SlotRef> pipelines;      // busy with brief invocations only
    std::vector<std::uint64_t> revoked;  // revoked(), until tick()
    std::uint32_t starting = 0;          // slots of processes that are being made
    std::uint32_t processes = 0;         // without retired and killed ones
    std::uint32_t failures = 0;          // starts that failed, since the last that worked
    Instant retry_at{};                  // no start before this
    std::optional<std::uint32_t> ahead;  // slots to make that nobody waits for, until SlotsAhead
    Instant keep_until{};                // no process is trimmed before
  };

  [[nodiscard]] Slot* find(SlotRef slot);
  void vacated(Instant now, SlotRef slot, Slot& entry, bool reusable);
  [[nodiscard]] bool threads() const { return isolation_ == wire::Isolation::thread; }
  [[nodiscard]] std::uint32_t spares(const Generation& generation) const;
  void tell_ahead(Instant now, GenerationId id, Generation& generation);
  [[nodiscard]] Free* find_free(SlotRef slot);
  SlotRef grant(Generation& generation, std::uint64_t invocation);
  [[nodiscard]] bool queue_behind(Generation& generation, std::uint64_t invocation);
  void wait_again(Generation& generation, const std::vector<std::uint64_t>& invocations);
  void return_granted(ProcessId id, Generation& generation);
  void serve_revoked(Generation& generation);
  void balance(Instant now, GenerationId id);
  void fork(Instant now, GenerationId id, Generation& generation);
  void serve_waiting(Generation& generation);
  void make_free(Instant now, Process& process, SlotRef slot);
  void retire(ProcessId id, Process& process, Instant kill_at);
  void kill_process(ProcessId id, Process& process, bool overdue = false);
  void watch_start(Instant now, ProcessId id, Process& process);
  void give_up_starting(Process& process);
  void kill_if_drained(ProcessId id, Process& process);
  void leave_service(Process& process, ProcessId id);
  void trim(Instant now, Generation& generation);
  void trim_arenas(Instant now, Generation& generation);
  void wake_by(Instant at) { wake_at_ = at < wake_at_ ? at : wake_at_; }

  wire::Isolation isolation_;
  std::uint32_t slots_;
  std::uint32_t spare_slots_;
  bool reuse_;
  std::uint32_t pipelines_max_;
  Duration start_limit_;
  Duration shutdown_grace_;
  Duration kill_grace_;
  std::map<GenerationId, Generation> generations_;
  std::unordered_map<ProcessId, Process> processes_;
  ProcessId last_process_ = 0;
  Instant wake_at_ = kNever;
  std::vector<SlotAction> actions_;
};

}  // namespace flame::runner
