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
#include <utility>

#include "plugin_sdk/base/cgroup.hpp"
#include "plugin_sdk/base/limits.hpp"
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
#include "runner/policy/orphans.hpp"
#include "runner/policy/terminator.hpp"
#include "runner/slots/slot_pool.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr int kStatusUnusable = 2;
constexpr Duration kSweepInterval = 1s;
// A busy machine may need a moment to end what took longer than kill_grace for its stop_slot(), and to tell of it.
constexpr Duration kEndWait = limits::kKillGrace + 2s;

wire::Hello make_hello(const wire::Parent& parent, const Generations& generations) {
  wire::Hello hello;
  hello.incarnation = parent.incarnation;
  hello.runner = parent.runner;
  hello.nonce = parent.nonce;
  hello.plugins = generations.states();
  hello.facts = machine_facts();
  return hello;
}

class Supervisor final : public HostListener {
 public:
  Supervisor(wire::Parent& parent, std::uint64_t open_files)
      : signals_(open_signal_fd({SIGCHLD, SIGTERM, SIGINT, SIGHUP})),
        guardian_(::getppid()),
        generations_(parent.plugins, {parent.host_name, parent.pool, parent.runner, parent.backend}, poller_,
                     open_files),
        terminator_(clock_.now(), parent.failsafe_ns > 0 ? Duration(parent.failsafe_ns) : Duration(limits::kFailsafe)),
        link_(parent, make_hello(parent, generations_), poller_, *this, clock_),
        calls_(parent.runner, link_, terminator_, generations_),
        idle_checks_(calls_, [this](Instant now, bool may_go) { terminator_.idle_checked(now, may_go); }) {
    poller_.add(signals_.get(), {Source::signals, 0, 0});
  }

  int run() {
    while (!left_) turn();
    log(LogLevel::info, left_->reason);
    if (pool_) end_slots(clock_.now());
    // The host takes our goodbye for the end of all that runs here.
    if (pool_ && !pool_->running().empty()) end_all_descendants();
    link_.send(wire::Bye{left_->reason});
    link_.close(link_.open() ? Duration(limits::kByeWait) : Duration::zero());
    end_all_descendants();
    if (::getppid() != guardian_) base::abandon_cgroup(guardian_);
    return left_->status;
  }

 private:
  // Those that run something have had their time.
  void end_slots(Instant now) {
    pool_->end_all(now);
    const Instant until = base::deadline_after(now, kEndWait);
    while (pool_->ending() && clock_.now() < until) turn();
  }

  void turn() {
    const Instant before = clock_.now();
    // What is routed or received may take its time: none of it is older than it says.
    for (const Poller::Ready& ready : poller_.wait(before, link_.more() ? before : wake_at())) {
      route(clock_.now(), ready);
    }
    link_.pump(clock_.now());
    calls_.pump(clock_.now());
    const Instant now = clock_.now();
    if (const Duration pause = standstill_.seen(now); pause > Duration::zero()) stood_still(now, pause);
    link_.tick(now);
    generations_.tick(now);
    if (pool_) {
      calls_.tick(now);
      idle_checks_.tick(now);
      pool_->tick(now);
    }
    if (const auto lost = generations_.take_lost()) terminator_.plugin_lost(now, *lost);
    terminator_.tick(now);
    obey_terminator(now);
    if (now >= sweep_at_) sweep_orphans(now);
    // What this turn has sent may have taken in messages whose descriptor will not report them again.
    link_.pump(clock_.now());
    obey_terminator(clock_.now());
  }

  void stood_still(Instant now, Duration pause) {
    generations_.stood_still(now, pause);
    if (pool_) pool_->stood_still(now, pause);
  }

  [[nodiscard]] Instant wake_at() const {
    Instant at = std::min({link_.wake_at(), generations_.wake_at(), terminator_.wake_at()});
    if (pool_) at = std::min({at, calls_.wake_at(), idle_checks_.wake_at(), pool_->wake_at(), sweep_at_});
    return at;
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
      case Source::zygote_channel:
      case Source::zygote_output:
        return generations_.on_ready(now, ready);
      case Source::slot_channel:
      case Source::slot_out:
      case Source::slot_err:
        if (pool_) pool_->on_ready(now, ready);
    }
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
        if (pool_) pool_->stopped(clock_.now(), pid, WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
      } else {
        reaped(clock_.now(), pid, status, usage);
      }
    }
    if (pid == 0 || errno != ECHILD) return;
    // No child is left at all: those that we still know have ended, and nobody can tell how.
    std::vector<pid_t> lost = generations_.pids();
    if (pool_) pool_->append_pids(lost);
    for (const pid_t gone : lost) reaped(clock_.now(), gone, SIGKILL, {});
  }

  void reaped(Instant now, pid_t pid, int status, const rusage& usage) {
    if (!generations_.reaped(now, pid, status) && pool_) pool_->reaped(now, pid, status, usage);
    sweep_at_ = Instant{};
  }

  // A process in the session of a slot belongs to what runs there; the slot's own hygiene deals with it.
  void sweep_orphans(Instant now) {
    sweep_at_ = deadline_after(now, kSweepInterval);
    if (!pool_) return;
    std::vector<pid_t> adopted = children();
    std::erase_if(adopted, [this](pid_t pid) {
      return generations_.owns(pid) || pool_->owns(pid) || pool_->owns(::getsid(pid));
    });
    if (adopted.empty() && !orphans_.waiting()) return;
    for (const pid_t pid : orphans_.judge(now, adopted, pool_->running(), pool_->making_processes())) {
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
    if (const auto* stop = std::get_if<StopTask>(&action)) {
      calls_.stop(now, stop->id, stop->cause);
    } else if (const auto* kill = std::get_if<KillTask>(&action)) {
      calls_.kill(now, kill->id, kill->cause);
    } else if (const auto* retire = std::get_if<AskRetire>(&action)) {
      link_.send(wire::Retire{retire->last_seq, retire->must, retire->reason});
    } else if (std::holds_alternative<CheckIdle>(action)) {
      idle_checks_.start(now, generations_.checking_idle());
    } else if (std::holds_alternative<DropIdleCheck>(action)) {
      idle_checks_.drop(now);
    } else if (const auto* leave = std::get_if<Leave>(&action)) {
      left_ = *leave;
    }
  }

  // --- HostListener
  void on_welcome(Instant now, const wire::Welcome& welcome) override {
    pool_.emplace(now, welcome, poller_, generations_, idle_checks_);
    idle_checks_.open(*pool_);
    calls_.open(welcome, *pool_);
    terminator_.welcomed(now, welcome, !generations_.checking_idle().empty(), link_.host_patience());
    generations_.open(now, welcome, *pool_, link_);
    sweep_at_ = now;
  }

  void on_message(Instant now, wire::Body& body, Frame& payload) override {
    if (auto* invoke = std::get_if<wire::Invoke>(&body)) {
      calls_.invoke(now, *invoke, payload);
    } else if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
      calls_.chunk(now, *chunk, payload);
    } else if (const auto* credit = std::get_if<wire::Credit>(&body)) {
      calls_.credit(now, *credit);
    } else if (const auto* cancel = std::get_if<wire::Cancel>(&body)) {
      terminator_.cancelled(now, cancel->id, cancel->reason);
    } else if (const auto* abort = std::get_if<wire::Abort>(&body)) {
      calls_.abort(now, *abort);
    } else if (const auto* release = std::get_if<wire::Release>(&body)) {
      calls_.release(now, *release);
    } else if (const auto* reply = std::get_if<wire::RetireReply>(&body)) {
      terminator_.retire_answered(now, reply->granted);
    } else if (const auto* drain = std::get_if<wire::Drain>(&body)) {
      terminator_.host_drains(now, base::from_wire(drain->grace_ns));
    } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
      terminator_.host_lost(now, "it said goodbye: " + bye->reason);
    } else if (const auto* unknown = std::get_if<wire::Unsupported>(&body)) {
      // Of a body of a newer minor only requests have an id, and they must not stay unanswered. An answer is none.
      if (unknown->undecoded && unknown->id != 0) link_.send(*unknown);
    }
    obey_terminator(now);
  }

  void on_host_lost(Instant now, const std::string& why) override {
    log(LogLevel::warning, "the host is lost: " + why);
    terminator_.host_lost(now, why);
  }

  base::BoottimeClock clock_;
  Poller poller_;
  base::UniqueFd signals_;
  pid_t guardian_;
  Generations generations_;
  Terminator terminator_;
  HostLink link_;
  Calls calls_;
  IdleChecks idle_checks_;
  std::optional<SlotPool> pool_;
  std::optional<Leave> left_;
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
