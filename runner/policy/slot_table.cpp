// See slot_table.hpp.
#include "runner/policy/slot_table.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// A burst leaves as many idle processes as it was wide; those beyond the spares go after this long.
constexpr Duration kIdleSlotAge = 10s;

}  // namespace

SlotTable::SlotTable(const wire::Welcome& welcome, std::uint32_t pipelines)
    : isolation_(welcome.isolation),
      slots_(std::clamp<std::uint32_t>(welcome.slots, 1, limits::kMaxConcurrencyCeiling)),
      spare_slots_(std::min(welcome.spare_slots, slots_)),
      reuse_(welcome.reuse && !welcome.single_use),
      pipelines_max_(reuse_ ? pipelines : 0),
      start_limit_(welcome.start_limit_ns > 0 ? Duration(welcome.start_limit_ns) : limits::kStartLimitDefault),
      shutdown_grace_(base::from_wire(welcome.shutdown_grace_ns)),
      kill_grace_(base::from_wire(std::max<std::int64_t>(welcome.kill_grace_ns, 0))) {}

// Threads of one process are spares of each other, and a second process of that size would cost too much to stand by.
std::uint32_t SlotTable::spares(const Generation& generation) const {
  return generation.forkable ? spare_slots_ : 0;
}

SlotTable::Slot* SlotTable::find(SlotRef slot) {
  const auto found = processes_.find(slot.process);
  if (found == processes_.end() || slot.index >= found->second.slots.size()) return nullptr;
  return &found->second.slots[slot.index];
}

void SlotTable::generation_up(Instant now, GenerationId generation, bool forkable, std::optional<std::uint32_t> ahead) {
  Generation& entry = generations_[generation];
  entry.up = true;
  entry.was_ready = false;
  entry.forkable = forkable;
  entry.ahead = ahead;
  if (ahead) entry.ahead = std::min({std::max(*ahead, spares(entry)), limits::kLoadSlotsMax, slots_});
  tell_ahead(now, generation, entry);
  balance(now, generation);
}

void SlotTable::generation_down(GenerationId generation) {
  const auto found = generations_.find(generation);  // of one that is forgotten no entry is made anew
  if (found != generations_.end()) found->second.up = false;
}

void SlotTable::lease(Instant now, GenerationId generation, std::uint64_t invocation, bool brief) {
  Generation& entry = generations_[generation];
  if (brief && queue_behind(entry, invocation)) return;
  if (entry.best() != entry.free.end() && entry.waiting.empty()) {
    const SlotRef slot = grant(entry, invocation);
    if (brief && entry.pipelines.size() < pipelines_max_) entry.pipelines.push_back(slot);
  } else {
    entry.waiting.push_back(invocation);
  }
  balance(now, generation);
}

std::uint32_t SlotTable::Generation::aside() const {
  return static_cast<std::uint32_t>(std::count_if(free.begin(), free.end(), [](const Free& one) { return one.aside; }));
}

std::vector<SlotTable::Free>::iterator SlotTable::Generation::best() {
  const auto last = [this](auto suits) {
    const auto found = std::find_if(free.rbegin(), free.rend(), suits);
    return found == free.rend() ? free.end() : std::prev(found.base());
  };
  auto found = last([](const Free& one) { return one.before_others; });
  if (found == free.end()) found = last([](const Free& one) { return !one.aside; });
  return found != free.end() ? found : last([](const Free& one) { return !one.firm; });
}

SlotTable::Free* SlotTable::find_free(SlotRef slot) {
  const auto process = processes_.find(slot.process);
  if (process == processes_.end()) return nullptr;
  auto& free = generations_[process->second.generation].free;
  const auto found = std::find_if(free.begin(), free.end(), [&](const Free& one) { return one.slot == slot; });
  return found == free.end() ? nullptr : &*found;
}

bool SlotTable::set_aside(Instant now, SlotRef slot) {
  Free* const free = find_free(slot);
  if (free == nullptr) return false;
  if (free->firm) return true;
  const GenerationId generation = processes_.at(slot.process).generation;
  if (generations_[generation].aside() > 0) return false;
  free->aside = true;
  free->before_others = false;
  balance(now, generation);
  return true;
}

void SlotTable::set_aside_next(SlotRef slot) {
  if (Slot* const entry = find(slot)) entry->aside_next = true;
}

void SlotTable::put_back(Instant now, SlotRef slot) {
  if (find_free(slot) == nullptr) return;
  const GenerationId id = processes_.at(slot.process).generation;
  auto& free = generations_[id].free;
  std::erase_if(free, [&](const Free& one) { return one.slot == slot; });
  free.push_back({.slot = slot, .since = now, .before_others = true});
  serve_waiting(generations_[id]);
  balance(now, id);
}

void SlotTable::slot_discarded(Instant now, SlotRef slot) {
  if (find_free(slot) == nullptr) return;
  Process& process = processes_.at(slot.process);
  retire(slot.process, process, kNever);
  balance(now, process.generation);
}

SlotRef SlotTable::grant(Generation& generation, std::uint64_t invocation) {
  const auto taken = generation.best();
  FLAME_ASSERT(taken != generation.free.end(), "a slot is granted when there is one");
  const SlotRef slot = taken->slot;
  generation.free.erase(taken);
  Slot* entry = find(slot);
  FLAME_ASSERT(entry != nullptr && !entry->busy, "a free slot is in the table and free");
  entry->busy = true;
  ++entry->calls;
  actions_.emplace_back(GrantSlot{invocation, slot});
  return slot;
}

std::optional<GenerationId> SlotTable::withdraw(std::uint64_t invocation) {
  for (auto& [id, generation] : generations_) {
    if (std::erase(generation.revoked, invocation) > 0) return id;
    const auto found = std::find(generation.waiting.begin(), generation.waiting.end(), invocation);
    if (found == generation.waiting.end()) continue;
    generation.waiting.erase(found);
    return id;
  }
  return std::nullopt;
}

std::vector<std::uint64_t> SlotTable::take_waiting(GenerationId generation) {
  Generation& entry = generations_[generation];
  std::vector<std::uint64_t> waiting = std::exchange(entry.revoked, {});
  waiting.insert(waiting.end(), entry.waiting.begin(), entry.waiting.end());
  entry.waiting.clear();
  return waiting;
}

void SlotTable::kill(Instant now, SlotRef slot, bool host_lost) {
  Slot* entry = find(slot);
  if (entry == nullptr || (!entry->busy && !entry->held)) return;
  entry->must_die = true;
  Process& process = processes_.at(slot.process);
  if (threads()) {
    const Instant grace_ends = deadline_after(deadline_after(now, shutdown_grace_), kill_grace_);
    retire(slot.process, process, host_lost ? grace_ends : deadline_after(now, limits::kRetireGrace));
  } else {
    kill_process(slot.process, process);
  }
  balance(now, process.generation);
}

void SlotTable::slot_ready(Instant now, SlotRef slot) {
  Slot* entry = find(slot);
  if (entry == nullptr || entry->ready) return;
  entry->ready = true;
  Process& process = processes_.at(slot.process);
  if (process.state == ProcessState::killed || process.state == ProcessState::retired) return;
  Generation& generation = generations_[process.generation];
  if (!entry->given_up) --generation.starting;
  process.start_by = deadline_after(now, start_limit_);
  generation.failures = 0;
  generation.was_ready = true;
  process.state = ProcessState::serving;
  make_free(now, process, slot);
  tell_ahead(now, process.generation, generation);
  balance(now, process.generation);
}

void SlotTable::make_free(Instant now, Process& process, SlotRef slot) {
  Generation& generation = generations_[process.generation];
  Slot& entry = *find(slot);
  // Another copy of a plugin that cannot be forked would cost more than the thread that is looked for.
  const bool firm = std::exchange(entry.aside_next, false) && generation.forkable && generation.aside() == 0;
  generation.free.push_back({.slot = slot, .since = now, .aside = firm, .firm = firm, .trimmed = entry.calls == 0});
  wake_by(deadline_after(now, limits::kArenaIdle));
  serve_waiting(generation);
}

void SlotTable::serve_waiting(Generation& generation) {
  while (!generation.waiting.empty() && generation.best() != generation.free.end()) {
    const std::uint64_t next = generation.waiting.front();
    generation.waiting.pop_front();
    grant(generation, next);
  }
}

void SlotTable::slot_freed(Instant now, SlotRef slot, bool reusable) {
  Slot* entry = find(slot);
  if (entry == nullptr || !entry->busy) return;
  vacated(now, slot, *entry, reusable);
}

void SlotTable::slot_held(SlotRef slot) {
  Slot* entry = find(slot);
  if (entry == nullptr || !entry->busy) return;
  entry->busy = false;
  entry->held = true;
  generations_[processes_.at(slot.process).generation].end_pipeline(slot);
}

void SlotTable::slot_entered(SlotRef slot) {
  Slot* entry = find(slot);
  FLAME_ASSERT(entry != nullptr && entry->held && !entry->busy, "only an idle held slot is entered");
  entry->busy = true;
  ++entry->calls;
}

void SlotTable::slot_released(Instant now, SlotRef slot, bool reusable) {
  Slot* entry = find(slot);
  if (entry == nullptr || !entry->held || entry->busy) return;
  vacated(now, slot, *entry, reusable);
}

void SlotTable::vacated(Instant now, SlotRef slot, Slot& entry, bool reusable) {
  FLAME_ASSERT(entry.behind == 0, "a slot with calls behind its own is not free");
  entry.busy = false;
  entry.held = false;
  entry.must_die = false;
  Process& process = processes_.at(slot.process);
  generations_[process.generation].end_pipeline(slot);
  if (process.state != ProcessState::serving) return kill_if_drained(slot.process, process);
  if (!reusable || !reuse_ || entry.calls >= limits::kSlotCallsMax) {
    retire(slot.process, process, kNever);  // the innocent in it end in their own time
  } else {
    make_free(now, process, slot);
  }
  balance(now, process.generation);
}

void SlotTable::channel_lost(Instant now, SlotRef slot) {
  const Slot* entry = find(slot);
  if (entry == nullptr || !entry->ready) return;
  Process& process = processes_.at(slot.process);
  process.hears_nothing = true;
  return_granted(slot.process, generations_[process.generation]);
  retire(slot.process, process, deadline_after(now, limits::kRetireGrace));
  balance(now, process.generation);
}

bool SlotTable::serves(GenerationId generation) const {
  return std::any_of(processes_.begin(), processes_.end(), [generation](const auto& entry) {
    const Process& process = entry.second;
    if (process.generation != generation || process.state != ProcessState::serving) return false;
    return std::any_of(process.slots.begin(), process.slots.end(),
                       [](const Slot& slot) { return slot.ready && !slot.held; });
  });
}

// Level-triggered: brings the number of processes to what waiting calls and spares need.
void SlotTable::balance(Instant now, GenerationId id) {
  Generation& generation = generations_[id];
  trim(now, generation);
  if (!generation.up) return;
  const std::uint32_t aside = generation.aside();
  const std::uint32_t standing_by = std::max(spares(generation), generation.forkable ? aside : 0);
  const std::uint32_t most = threads() ? 1 : slots_ + spares(generation) + aside;
  const std::uint32_t ahead = generation.ahead.value_or(0);
  for (;;) {
    const auto waiting = static_cast<std::uint32_t>(std::min<std::size_t>(generation.waiting.size(), slots_));
    // Making a spare beside the very first process would delay whoever waits for that.
    const bool spare_can_wait = (!generation.was_ready && waiting > 0) || (threads() && generation.processes > 0);
    const std::uint32_t wanted = waiting + (spare_can_wait ? 0 : standing_by);
    const auto have = static_cast<std::uint32_t>(generation.free.size()) - aside + generation.starting;
    if ((have >= wanted && generation.processes >= ahead) || generation.processes >= most) return;
    if (now < generation.retry_at) return wake_by(generation.retry_at);
    fork(now, id, generation);
  }
}

// The oldest free slots are at the front.
void SlotTable::trim(Instant now, Generation& generation) {
  if (threads() || generation.ahead) return;
  // One more than the spares: the slot of calls that come one after the other, and the spare behind it.
  while (generation.free.size() > spare_slots_ + 1) {
    const Free oldest = generation.free.front();
    const Instant due = std::max(deadline_after(oldest.since, kIdleSlotAge), generation.keep_until);
    if (now < due) return wake_by(due);
    kill_process(oldest.slot.process, processes_.at(oldest.slot.process));
  }
}

// Only when time has passed, and not for each call.
void SlotTable::trim_arenas(Instant now, Generation& generation) {
  for (Free& free : generation.free) {
    if (free.trimmed) continue;
    const Instant due = deadline_after(free.since, limits::kArenaIdle);
    if (now < due) {
      wake_by(due);
      continue;
    }
    free.trimmed = true;
    actions_.emplace_back(TrimSlot{free.slot});
  }
}

void SlotTable::tick(Instant now) {
  if (now < wake_at_) return;
  wake_at_ = kNever;
  for (auto& [id, process] : processes_) {
    watch_start(now, id, process);
    if (process.state != ProcessState::retired) continue;
    if (now >= process.kill_at) {
      kill_process(id, process);
    } else {
      wake_by(process.kill_at);
    }
  }
  for (auto& [id, generation] : generations_) {
    serve_revoked(generation);
    balance(now, id);
    trim_arenas(now, generation);
  }
}

std::size_t SlotTable::free_slots(GenerationId generation) const {
  const auto found = generations_.find(generation);
  return found == generations_.end() ? 0 : found->second.free.size();
}

std::vector<SlotAction> SlotTable::take_actions() {
  return std::exchange(actions_, {});
}

}  // namespace flame::runner
