// See supervisor.hpp.
#include "runner/supervisor.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/cgroup.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/standstill.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "runner/calls/calls.hpp"
#include "runner/calls/idle_checks.hpp"
#include "runner/link/host_link.hpp"
#include "runner/os/facts.hpp"
#include "runner/os/log.hpp"
#include "runner/os/poller.hpp"
#include "runner/os/process.hpp"
#include "runner/plugins/generations.hpp"
#include "runner/plugins/zygote_slots.hpp"
#include "runner/policy/orphans.hpp"
#include "runner/policy/terminator.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr int kStatusUnusable = 2;
constexpr Duration kSweepInterval = 1s;
// A busy machine may need a moment to end what took longer than kill_grace for its stop_slot(), and to tell of it.
constexpr Duration kEndWait = limits::kKillGrace + 2s;

wire::Hello make_hello(const wire::Parent& parent, const Generations& generations) {
  return {.protocol_major = wire::kProtocolMajor,
          .protocol_minor = wire::kProtocolMinor,
          .incarnation = parent.incarnation,
          .runner = parent.runner,
          .nonce = parent.nonce,
          .plugins = generations.states(),
          .facts = machine_facts()};
}

class Supervisor final : public HostListener {
 public:
  Supervisor(wire::Parent& parent, std::uint64_t open_files)
      : signals_(open_signal_fd({SIGCHLD, SIGTERM, SIGINT, SIGHUP})),
        guardian_(::getppid()),
        generations_(parent.plugins, {parent.host_name, parent.pool, parent.runner, parent.backend}, poller_,
                     open_files, std::move(parent.secrets)),
        terminator_(base::boot_time(),
                    parent.failsafe_ns > 0 ? Duration(parent.failsafe_ns) : Duration(limits::kFailsafe)),
        link_(parent, make_hello(parent, generations_), poller_, *this),
        runner_(parent.runner) {
    poller_.add(signals_.get(), {Source::signals, 0, 0});
  }

  int run() {
    while (!left_) turn();
    log(LogLevel::info, left_->reason);
    if (serving_) end_slots(base::boot_time());
    // The host takes our goodbye for the end of all that runs here.
    if (serving_ && !serving_->pool.running().empty()) end_all_descendants();
    link_.send(wire::Bye{.reason = left_->reason});
    link_.close(link_.open() ? Duration(limits::kByeWait) : Duration::zero());
    end_all_descendants();
    if (::getppid() != guardian_) base::abandon_cgroup(guardian_);
    return left_->status;
  }

 private:
  // What Welcome brings into being.
  struct Serving {
    Serving(Supervisor& runner, Instant now, const wire::Welcome& welcome)
        : machine(runner.poller_, runner.generations_, welcome.payload_max),
          calls(runner.runner_, welcome, {runner.link_, runner.terminator_, runner.generations_, pool}),
          pool(now, welcome, std::max(std::thread::hardware_concurrency(), 1u), machine, calls, calls),
          idle_checks(pool, [&runner](Instant then, bool may_go) { runner.terminator_.idle_checked(then, may_go); }) {}

    void tick(Instant now) {
      calls.tick(now);
      idle_checks.tick(now);
      pool.tick(now);
    }
    [[nodiscard]] Instant wake_at() const { return std::min({calls.wake_at(), idle_checks.wake_at(), pool.wake_at()}); }

    ZygoteSlots machine;
    Calls calls;
    SlotPool pool;
    IdleChecks idle_checks;
  };

  // Those that run something have had their time.
  void end_slots(Instant now) {
    serving_->pool.end_all(now);
    const Instant until = base::deadline_after(now, kEndWait);
    while (serving_->pool.ending() && base::boot_time() < until) turn();
  }

  void turn() {
    const Instant before = base::boot_time();
    // What is routed or received may take its time: none of it is older than it says.
    for (const Poller::Ready& ready : poller_.wait(before, link_.more() ? before : wake_at())) {
      route(base::boot_time(), ready);
    }
    link_.pump(base::boot_time());
    if (serving_) serving_->calls.pump(base::boot_time());
    const Instant now = base::boot_time();
    if (wake_at() <= now) read_what_came(now);
    if (const Duration pause = standstill_.seen(now); pause > Duration::zero()) stood_still(now, pause);
    link_.tick(now);
    generations_.tick(now);
    if (serving_) serving_->tick(now);
    generations_.settle(now);
    if (const auto lost = generations_.take_lost()) terminator_.plugin_lost(now, *lost);
    terminator_.tick(now);
    obey_terminator(now);
    if (now >= sweep_at_) sweep_orphans(now);
    // What this turn has sent may have taken in messages whose descriptor will not report them again.
    link_.pump(base::boot_time());
    obey_terminator(base::boot_time());
  }

  // What is over by `now` is judged by what had come by then: this process may have been stopped, which also interrupts
  // the wait, while a slot went on and answered.
  void read_what_came(Instant now) {
    for (const Poller::Ready& ready : poller_.wait(now, now)) route(base::boot_time(), ready);
    link_.pump(base::boot_time());
  }

  void stood_still(Instant now, Duration pause) {
    generations_.stood_still(now, pause);
    if (serving_) serving_->pool.stood_still(now, pause);
  }

  [[nodiscard]] Instant wake_at() const {
    Instant at = std::min({link_.wake_at(), generations_.wake_at(), terminator_.wake_at()});
    return serving_ ? std::min({at, serving_->wake_at(), sweep_at_}) : at;
  }

  void route(Instant now, const Poller::Ready& ready) {
    switch (ready.key.source) {
      case Source::signals:
        return read_signals(now);
      case Source::control:
      case Source::bulk:
      case Source::control_monitor:
      case Source::bulk_monitor:
        return link_.on_ready(now, ready);
      case Source::plugin_found:
      case Source::zygote_channel:
      case Source::zygote_output:
        return generations_.on_ready(now, ready);
      case Source::slot_channel:
      case Source::slot_out:
      case Source::slot_err:
        if (serving_) route_slot(now, ready);
    }
  }

  void route_slot(Instant now, const Poller::Ready& ready) {
    const SlotRef slot{ready.key.id, ready.key.index};
    if (ready.key.source != Source::slot_channel) return serving_->pool.on_output(now, slot);
    if (ready.writable) serving_->pool.on_writable(slot);
    if (ready.readable) serving_->pool.on_channel(now, slot);
  }

  void read_signals(Instant now) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) terminator_.sigterm(now, link_.greeted());
      if (info.ssi_signo == SIGHUP && ::getppid() != guardian_) left_ = Leave{1, "the guardian was killed"};
    }
    reap();
  }

  // Telling how one has ended takes time.
  void reap() {
    int status = 0;
    rusage usage{};
    pid_t pid = 0;
    while ((pid = ::wait4(-1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL, &usage)) > 0) {
      if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
        if (serving_) serving_->pool.stopped(base::boot_time(), pid, WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
      } else {
        reaped(base::boot_time(), pid, status, usage);
      }
    }
    if (pid == 0 || errno != ECHILD) return;
    // No child is left at all: those that we still know have ended, and nobody can tell how.
    std::vector<pid_t> lost = generations_.pids();
    if (serving_) serving_->pool.append_pids(lost);
    for (const pid_t gone : lost) reaped(base::boot_time(), gone, SIGKILL, {});
  }

  void reaped(Instant now, pid_t pid, int status, const rusage& usage) {
    if (!generations_.reaped(now, pid, status) && serving_) serving_->pool.reaped(now, pid, status, usage);
    sweep_at_ = Instant{};
  }

  // A process in the session of a slot belongs to what runs there; the slot's own hygiene deals with it.
  void sweep_orphans(Instant now) {
    sweep_at_ = deadline_after(now, kSweepInterval);
    if (!serving_) return;
    const SlotPool& pool = serving_->pool;
    std::vector<pid_t> adopted = children();
    const std::vector<pid_t> zygotes = generations_.pids();
    std::erase_if(adopted, [&](pid_t pid) {
      return std::find(zygotes.begin(), zygotes.end(), pid) != zygotes.end() || pool.owns(pid) ||
             pool.owns(::getsid(pid));
    });
    if (adopted.empty() && !orphans_.waiting()) return;
    for (const pid_t pid : orphans_.judge(now, adopted, pool.running(), pool.making_processes())) {
      log(LogLevel::info, fmt::format("killing process {}, which a task left behind", pid));
      ::kill(pid, SIGKILL);
    }
  }

  void obey_terminator(Instant now) {
    for (auto actions = terminator_.take_actions(); !actions.empty(); actions = terminator_.take_actions()) {
      for (const TerminatorAction& action : actions) obey(now, action);
    }
  }

  void obey(Instant now, const TerminatorAction& action) {
    FLAME_ASSERT(serving_ || std::holds_alternative<Leave>(action), "nothing ends or idles before the Welcome");
    if (const auto* stop = std::get_if<StopTask>(&action)) {
      serving_->calls.stop(now, stop->id, stop->cause);
    } else if (const auto* kill = std::get_if<KillTask>(&action)) {
      serving_->calls.kill(now, kill->id, kill->cause);
    } else if (const auto* retire = std::get_if<AskRetire>(&action)) {
      leaving_ = leaving_ || retire->must;
      link_.send(wire::Retire{.last_seq = retire->last_seq, .must = retire->must, .reason = retire->reason});
    } else if (std::holds_alternative<CheckIdle>(action)) {
      serving_->idle_checks.start(now, generations_.checking_idle());
    } else if (std::holds_alternative<DropIdleCheck>(action)) {
      serving_->idle_checks.drop(now);
    } else if (const auto* leave = std::get_if<Leave>(&action)) {
      left_ = *leave;
    }
  }

  // --- HostListener
  void on_welcome(Instant now, const wire::Welcome& welcome) override {
    serving_.emplace(*this, now, welcome);
    // Even if no plugin wants to be asked: one that is loaded later may.
    terminator_.welcomed(now, welcome, true, link_.host_patience());
    generations_.open(now, welcome, serving_->pool, link_);
    sweep_at_ = now;
  }

  void on_message(Instant now, wire::Body& body, Frame& payload) override {
    if (auto* invoke = std::get_if<wire::Invoke>(&body)) {
      serving_->calls.invoke(now, *invoke, payload);
    } else if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
      serving_->calls.chunk(now, *chunk, payload);
    } else if (const auto* credit = std::get_if<wire::Credit>(&body)) {
      serving_->calls.credit(now, *credit);
    } else if (const auto* cancel = std::get_if<wire::Cancel>(&body)) {
      terminator_.cancelled(now, cancel->id, cancel->reason);
    } else if (const auto* abort = std::get_if<wire::Abort>(&body)) {
      serving_->calls.abort(now, *abort);
    } else if (const auto* release = std::get_if<wire::Release>(&body)) {
      serving_->calls.release(now, *release);
    } else if (const auto* reply = std::get_if<wire::RetireReply>(&body)) {
      terminator_.retire_answered(now, reply->granted);
    } else if (auto* load = std::get_if<wire::Load>(&body)) {
      load_plugin(now, std::move(*load));
    } else if (const auto* end = std::get_if<wire::EndGeneration>(&body)) {
      generations_.end_generation(now, end->digest);
    } else if (const auto* drain = std::get_if<wire::Drain>(&body)) {
      leaving_ = true;
      terminator_.host_drains(now, base::from_wire(drain->grace_ns));
    } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
      terminator_.host_lost(now, "it said goodbye: " + bye->reason);
    } else if (const auto* newer = std::get_if<wire::Undecoded>(&body); newer != nullptr && newer->answer.id != 0) {
      link_.send(newer->answer);
    }
    obey_terminator(now);
  }

  // What is being loaded does not keep the runner.
  void load_plugin(Instant now, wire::Load load) {
    if (!leaving_) return generations_.load(now, std::move(load));
    link_.send(wire::make_loaded(load.plugin.digest, base::refusal(ErrorCode::shutting_down,
                                                                   "The runner is ending and loads no more plugins.")));
  }

  void on_host_lost(Instant now, const std::string& why) override {
    log(LogLevel::warning, "the host is lost: " + why);
    terminator_.host_lost(now, why);
  }

  Poller poller_;
  base::UniqueFd signals_;
  pid_t guardian_;
  Generations generations_;
  Terminator terminator_;
  HostLink link_;
  std::string runner_;
  std::optional<Serving> serving_;
  std::optional<Leave> left_;
  bool leaving_ = false;  // it drains
  Orphans orphans_;
  Instant sweep_at_ = kNever;
  base::Standstill standstill_{2 * kSweepInterval};
};

int supervise_or_throw(std::string parent_bytes) {
  auto parent = wire::decode_parent(parent_bytes);
  sodium_memzero(parent_bytes.data(), parent_bytes.size());
  if (!parent) {
    log(LogLevel::error, "FLAME_PARENT is unusable: " + parent.error().message);
    return kStatusUnusable;
  }
  if (parent->control.empty()) {
    log(LogLevel::error, "FLAME_PARENT names no endpoint to dial");
    return kStatusUnusable;
  }
  const std::uint64_t open_files = raise_descriptor_limit();  // every slot costs some
  return Supervisor(*parent, open_files).run();
}

}  // namespace

int supervise(std::string parent_bytes) {
  const BackgroundLog background;
  try {
    return supervise_or_throw(std::move(parent_bytes));
  } catch (const std::exception& error) {
    log(LogLevel::error, fmt::format("the supervisor fails: {}", error.what()));
    return 1;
  }
}

}  // namespace flame::runner
