// What the loop does when there is news: sockets, commands, timers, sends, until nothing is left.
#include "host/src/loop/loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <flame/parent.hpp>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/random_number.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::pool {
namespace {

// libzmq wakes us when a full pipe drains; this is the safety net.
constexpr Duration kParkedRetry = std::chrono::milliseconds(5);

std::vector<std::string> names_of(const std::vector<std::shared_ptr<detail::PoolFront>>& pools) {
  std::vector<std::string> names;
  for (const auto& pool : pools) names.push_back(pool->name());
  return names;
}

}  // namespace

Loop::Loop(Parts parts)
    : parts_(std::move(parts)),
      incarnation_(base::random_number()),
      started_(base::boot_time()),
      machines_({.backends = std::move(parts_.backends),
                 .max = std::move(parts_.machines_max),
                 .inbox = parts_.inbox,
                 .identity = parts_.identity,
                 .reaping = std::move(parts_.reaping),
                 .questions = {.host_name = parts_.host_name, .pools = names_of(parts_.pools)},
                 .log = parts_.log}),
      sessions_(*parts_.router, parts_.log, incarnation_),
      lines_(std::move(parts_.lines), {.fronts = parts_.pools, .drivers = drivers_, .catalog = parts_.catalog.get()}) {
  DriverServices services{
      .sessions = &sessions_,
      .machines = &machines_,
      .room = &machines_.room(),
      .listeners = parts_.router.get(),
      .history = &history_,
      .log = parts_.log,
      .parent = {.protocol_major = wire::kProtocolMajor,
                 .protocol_minor = wire::kProtocolMinor,
                 .incarnation = incarnation_,
                 .host_name = parts_.host_name,
                 .failsafe_ns = parts_.liveness.failsafe.count()},
      .advertise = parts_.advertise,
      .liveness = parts_.liveness,
      .nested = Parent::get().has_value(),
      .ends_are_told = true,
      .prepared = [this](std::uint32_t pool, const action::Prepared& report) { lines_.prepared(pool, report); }};
  for (const auto& core : parts_.pools) {
    FLAME_ASSERT(core->parts().index == drivers_.size(), "pools are numbered by position");
    services.seed = base::random_number();  // pools that back off must not do so together
    drivers_.push_back(std::make_unique<PoolDriver>(core, services));
    sessions_.add_pool(*drivers_.back());
  }
  machines_.set_events(
      {.on_boot = [this](RunnerKey key, std::optional<BootFailure> failure,
                         Instant now) { drivers_[key.first]->on_boot(key.second, failure, now); },
       .on_phase =
           [this](RunnerKey key, BootPhase phase, std::string detail, Instant now) {
             drivers_[key.first]->on(event::BootReached{key.second, phase, std::move(detail)}, now);
           },
       .on_exit =
           [this](RunnerKey key, std::string reason, Instant now) {
             drivers_[key.first]->on(event::MachineExited{key.second, std::move(reason)}, now);
           },
       .on_ends =
           [this](RunnerKey key, Duration left, bool fresh, Instant now) {
             drivers_[key.first]->on(event::MachineEnds{key.second, left, fresh}, now);
           },
       .is_connected = [this](RunnerKey key) { return drivers_[key.first]->session_of(key.second) != nullptr; },
       .on_log =
           [this](RunnerKey key, std::string tail, Instant now) {
             drivers_[key.first]->on(event::BootLog{key.second, std::move(tail)}, now);
           },
       .on_left =
           [this](RunnerKey key, const std::string& what) {
             parts_.log.warning("a machine may be left",
                                {{"pool", parts_.pools[key.first]->parts().name}, {"what", what}});
           }});
}

Loop::~Loop() {
  if (thread_.joinable()) {
    static_cast<void>(parts_.inbox->push(command::End{}));
    thread_.join();
  }
  if (failed_) parts_.router->distrust();
}

void Loop::start() {
  // Signals belong to the program's own threads.
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "flame-loop");
}

void Loop::run() noexcept {
  LoopLeader& leader = parts_.inbox->leader();
  try {
    begin();
  } catch (...) {
    fail_by_what_is_thrown();
    ended_.store(true);
  }
  while (!ended_.load()) leader.turn();
  leader.close();
  finish();
}

void Loop::begin() {
  const base::AssertionsThrow ours;
  LoopLeader& leader = parts_.inbox->leader();
  machines_.open();
  next_beat_ = base::boot_time();
  for (const auto& driver : drivers_) driver->on(event::Tick{}, next_beat_);
  unsigned number = 0;
  for (const int fd : parts_.router->fds()) leader.watch(fd, number++);
  leader.open(*this);
  leader.wake();
}

// On a caller's thread as well: nothing may leave it but an answer.
bool Loop::work(std::uint64_t ready, Visit& visit) noexcept {
  if (ended_.load()) return false;
  const base::AssertionsThrow ours;
  bool more = false;
  try {
    more = serve(ready, visit);
  } catch (...) {
    fail_by_what_is_thrown();
  }
  if (failed_ || done()) {
    ended_.store(true);
    parts_.inbox->leader().wake();  // a caller may have found it
  }
  return more;
}

bool Loop::serve(std::uint64_t ready, Visit& visit) {
  for (std::size_t i = 0; i < parts_.router->fds().size(); ++i) {
    if ((ready >> i & 1) != 0) parts_.router->readable(i);
  }
  bool more = true;
  for (bool over = false; more && !over && !done();) {
    more = turn();
    over = visit.over(turned_at_);
  }
  parts_.inbox->leader().wake_by(next_wakeup());
  return more;
}

void Loop::fail(const char* what) noexcept {
  failed_ = true;
  try {
    parts_.log.error("the host has failed: its calls end with shutting_down", {{"what", what}});
    end_reason_ = std::string("the host has failed (") + what + "); make a new one";
  } catch (...) {
    // Short of memory, it may be; the flag says it all.
  }
}

void Loop::fail_by_what_is_thrown() noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    fail(error.what());
  } catch (...) {
    fail("an exception that is no std::exception");
  }
}

bool Loop::done() const {
  return machines_.closed(base::boot_time());
}

// True: there is more to do now.
bool Loop::turn() {
  static_cast<void>(sessions_.receive(base::boot_time()));
  const bool commands_left = take_commands();
  turned_at_ = base::boot_time();
  keep_time(turned_at_);
  lines_.turn(turned_at_);
  flushed_ = sessions_.flush(turned_at_);
  sessions_.reap();
  // libzmq's descriptors are edge-triggered, and sending may have eaten an edge: look once more before sleeping.
  return commands_left || flushed_ == Session::Flushed::more || sessions_.receive(base::boot_time()) ||
         !parts_.inbox->prepare_sleep();
}

// A share of them; true: some are left.
bool Loop::take_commands() {
  if (taken_.next == taken_.commands.size()) {
    parts_.inbox->take_all(taken_.commands);
    taken_.next = 0;
  }
  const std::size_t end = std::min(taken_.commands.size(), taken_.next + limits::kCommandsPerTurn);
  for (; taken_.next < end; ++taken_.next) {
    take(taken_.commands[taken_.next], base::boot_time());  // what the one before took is not off its time
  }
  return taken_.next < taken_.commands.size();
}

// If something is thrown, settle() gets the command next: it finds a call still there unless its driver has it, and of
// anything else nothing, for that must not be done twice.
void Loop::take(Command& command, Instant now) {
  if (auto* const submit = std::get_if<command::Submit>(&command)) return perform(*submit, now);
  Command taken = std::exchange(command, command::None());
  std::visit([&](auto& one) { perform(one, now); }, taken);
}

template <class PoolCommand>
void Loop::perform(PoolCommand& command, Instant now) {
  drivers_[command.pool]->take(std::move(command), now);
}

void Loop::perform(command::None&, Instant) {}

void Loop::perform(command::Submit& submit, Instant now) {
  drivers_[submit.call->record.pool]->submit(std::move(submit.call), now);
}

void Loop::perform(command::Cancel& cancel, Instant now) {
  drivers_[cancel.call->record.pool]->on(event::Cancel{cancel.call->id(), wire::CancelReason::cancelled}, now);
}

void Loop::perform(command::AskHost& ask, Instant now) {
  if (std::holds_alternative<control::MachinesRequest>(ask.question->request)) {
    return machines_.ask(std::move(ask.question), now);
  }
  ask.question->reply(answer(ask.question->request, now));
}

void Loop::perform(command::ChangePlugin& change, Instant now) {
  lines_.take(std::move(change), now);
}

void Loop::perform(command::PluginRecorded& recorded, Instant now) {
  lines_.take(std::move(recorded), now);
}

void Loop::perform(command::EndChanges&, Instant now) {
  lines_.shutdown(now);
}

void Loop::perform(command::BackendSaid& said, Instant now) {
  machines_.on(std::move(said), now);
}

void Loop::perform(command::End&, Instant now) {
  machines_.close(now);
}

void Loop::keep_time(Instant now) {
  if (now >= next_beat_) {
    sessions_.beat_all(now, now - next_beat_ > parts_.liveness.beat);
    next_beat_ = now + parts_.liveness.beat;
    for (const auto& driver : drivers_) {
      driver->on(event::Tick{}, now);  // it knows by this that the loop does not stand still
    }
  }
  parts_.router->check(now);
  machines_.tick(now);
  const bool room_made = machines_.take_room_made();
  for (const auto& driver : drivers_) {
    if (room_made || driver->next_wakeup() <= now) driver->on(event::Tick{}, now);
  }
}

Instant Loop::next_wakeup() const {
  Instant wake = std::min({next_beat_, machines_.next_wakeup(), parts_.router->next_check(), lines_.next_wakeup()});
  for (const auto& driver : drivers_) wake = std::min(wake, driver->next_wakeup());
  return flushed_ == Session::Flushed::parked ? std::min(wake, base::boot_time() + kParkedRetry) : wake;
}

// Whoever still waits for this thread gets an answer: first refuse newcomers, then settle what came before. A loop that
// has failed decides nothing any more. Machines come last, as they are waited for.
void Loop::finish() noexcept {
  const base::AssertionsThrow ours;
  parts_.inbox->close(end_reason_);
  for (; taken_.next < taken_.commands.size(); ++taken_.next) settle(taken_.commands[taken_.next]);
  parts_.inbox->take_all(taken_.commands);
  for (Command& command : taken_.commands) settle(command);
  lines_.abandon(end_reason_);
  for (const auto& driver : drivers_) driver->abandon(end_reason_, base::boot_time());
  try {
    machines_.finish(base::boot_time(), !failed_);
  } catch (...) {
    fail_by_what_is_thrown();
  }
}

// Whatever becomes of it, nothing of it is left: a reply that will never be called is destroyed. A loop that has failed
// does not hear of machines that have booted meanwhile: their backends end them when they are closed.
void Loop::settle(Command& command) noexcept {
  const auto* const submit = std::get_if<command::Submit>(&command);
  if (submit == nullptr || submit->call != nullptr) {  // else its driver has it already
    settle_open(command);
  }
  command = command::None();
}

void Loop::settle_open(Command& command) noexcept {
  try {
    if (!failed_ || std::holds_alternative<command::AskHost>(command)) take(command, base::boot_time());
  } catch (...) {
    fail_by_what_is_thrown();
  }
  const auto* const submit = std::get_if<command::Submit>(&command);
  if (failed_ && submit != nullptr && submit->call != nullptr) {
    drivers_[submit->call->record.pool]->abandon(submit->call, end_reason_);
  }
}

}  // namespace flame::pool
