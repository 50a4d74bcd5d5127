// What the loop does when there is news: sockets, commands, timers, sends, until nothing is left.
#include "host/src/loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

// libzmq wakes us when a full pipe drains; this is the safety net.
constexpr Duration kParkedRetry = std::chrono::milliseconds(5);

std::uint64_t random_incarnation() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

Loop::Loop(Parts parts)
    : parts_(std::move(parts)),
      incarnation_(random_incarnation()),
      started_(boot_time()),
      machines_(std::move(parts_.backends), parts_.inbox),
      sessions_(*parts_.router, *this, parts_.log, incarnation_) {
  DriverServices services{.sessions = &sessions_,
                          .machines = &machines_,
                          .router = parts_.router.get(),
                          .history = &history_,
                          .log = parts_.log,
                          .parent = {},
                          .plugin_dir = parts_.plugin_dir,
                          .liveness = parts_.liveness};
  services.parent.incarnation = incarnation_;
  services.parent.host_name = parts_.host_name;
  services.parent.failsafe_ns = parts_.liveness.failsafe.count();
  for (const auto& core : parts_.pools) {
    FLAME_ASSERT(core->parts().index == drivers_.size(), "pools are numbered by position");
    drivers_.push_back(std::make_unique<PoolDriver>(core, services));
    core->set_driver(drivers_.back().get());
  }
  machines_.set_events(
      {.on_boot = [this](RunnerKey key,
                         std::optional<BootFailure> failure) { drivers_[key.first]->on_boot(key.second, failure); },
       .on_exit =
           [this](RunnerKey key, std::string reason) {
             drivers_[key.first]->on(event::MachineExited{key.second, std::move(reason)});
           },
       .on_left =
           [this](RunnerKey key, const std::string& what) {
             parts_.log.warning("a machine may be left",
                                {{"pool", parts_.pools[key.first]->parts().name}, {"what", what}});
           }});
}

Loop::~Loop() {
  if (thread_.joinable()) {
    static_cast<void>(
        parts_.inbox->push(LoopTask([this] { stop_at_ = base::deadline_after(boot_time(), limits::kByeWait); })));
    thread_.join();
  }
}

void Loop::start() {
  // Signals belong to the program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "flame-loop");
}

void Loop::run() {
  LoopSeat& seat = parts_.inbox->seat();
  next_beat_ = boot_time();
  for (const auto& driver : drivers_) {
    driver->on(event::Tick{});
  }
  unsigned number = 0;
  for (const int fd : parts_.router->fds()) {
    seat.watch(fd, number++);
  }
  seat.open(*this);
  seat.wake();
  while (!ended_.load()) {
    seat.turn();
  }
  seat.close();
  finish();
}

void Loop::work(std::uint64_t ready) {
  for (std::size_t i = 0; i < parts_.router->fds().size(); ++i) {
    if ((ready >> i & 1) != 0) {
      parts_.router->readable(i);
    }
  }
  while (turn()) {
  }
  if (done()) {
    ended_.store(true);
    parts_.inbox->seat().wake();  // a caller may have found it
  }
  parts_.inbox->seat().wake_by(next_wakeup());
}

bool Loop::done() const {
  return stop_at_ != kNever && (machines_.count() == 0 || boot_time() >= stop_at_);
}

// True: there is more to do now.
bool Loop::turn() {
  static_cast<void>(sessions_.receive());
  take_commands();
  const Instant now = boot_time();
  keep_time(now);
  flushed_ = sessions_.flush(now);
  sessions_.reap();
  for (const auto& driver : drivers_) {
    driver->reap();
  }
  // libzmq's descriptors are edge-triggered, and sending may have eaten an edge: look once more before sleeping.
  return flushed_ == Session::Flushed::more || sessions_.receive() || !parts_.inbox->prepare_sleep();
}

void Loop::take_commands() {
  parts_.inbox->take_all(commands_);
  for (Command& command : commands_) {
    if (auto* submit = std::get_if<SubmitCommand>(&command)) {
      PoolDriver& driver = *drivers_[submit->call->record.pool];
      driver.submit(std::move(submit->call));
    } else if (auto* cancel = std::get_if<CancelCommand>(&command)) {
      drivers_[cancel->call->record.pool]->on(event::Cancel{cancel->call->id(), wire::CancelReason::cancelled});
    } else {
      std::get<LoopTask>(command)();
    }
  }
  commands_.clear();
}

void Loop::keep_time(Instant now) {
  if (now >= next_beat_) {
    sessions_.beat_all(now, now - next_beat_ > parts_.liveness.beat);
    next_beat_ = now + parts_.liveness.beat;
    for (const auto& driver : drivers_) {
      driver->on(event::Tick{});  // it knows by this that the loop does not stand still
    }
  }
  parts_.router->check(now);
  for (const auto& driver : drivers_) {
    if (driver->next_wakeup() <= now) {
      driver->on(event::Tick{});
    }
  }
}

Instant Loop::next_wakeup() const {
  Instant wake = std::min({next_beat_, stop_at_, parts_.router->next_check()});
  for (const auto& driver : drivers_) {
    wake = std::min(wake, driver->next_wakeup());
  }
  return flushed_ == Session::Flushed::parked ? std::min(wake, boot_time() + kParkedRetry) : wake;
}

// Whoever still waits for this thread gets an answer: first refuse newcomers, then settle what came before.
void Loop::finish() {
  parts_.inbox->close();
  take_commands();
  for (const auto& driver : drivers_) {
    driver->abandon();
  }
  for (const auto& core : parts_.pools) {
    core->set_driver(nullptr);
  }
}

void Loop::on_hello(Session& session, const wire::Hello& hello) {
  driver_of(session).on_hello(session, hello);
}
void Loop::on_notice(Session& session, const wire::Body& body) {
  driver_of(session).on_notice(session, body);
}
void Loop::on_heard(Session& session) {
  driver_of(session).on(event::Heard{session.info().runner});
}
void Loop::on_lost(Session& session, const std::string& reason) {
  driver_of(session).on_lost(session, reason);
}

}  // namespace flame::pool
