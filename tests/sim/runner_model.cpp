// RunnerModel: the loop of runner/supervisor and runner/link/host_link.
#include "tests/sim/runner_model.hpp"

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"
#include "tests/sim/describe.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

RunnerModel::RunnerModel(Context& sim, RunnerId id, const std::vector<DigestId>& digests, Network& network,
                         std::function<void()> on_exit)
    : sim_(sim), id_(id), digests_(digests.begin(), digests.end()), network_(network), on_exit_(std::move(on_exit)) {
  for (const DigestId digest : digests)
    if (sim.trouble(sim.plan.broken_plugins, 15)) broken_.insert(digest);
}

void RunnerModel::start() {
  state_ = State::dialling;
  terminator_.emplace(sim_.agenda.now(), Duration(limits::kFailsafe));
  redial_at_ = sim_.agenda.now();
  turn();
}

void RunnerModel::later(Duration delay, std::function<void()> task) {
  sim_.agenda.in(delay, [this, task = std::move(task)]() mutable {
    if (!exists()) return;
    if (frozen_) {
      deferred_.push_back(std::move(task));
      return;
    }
    task();
    turn();
  });
}

void RunnerModel::send(Line line, wire::Body body) {
  if (state_ != State::open) return;
  if (sim_.findings.traced() && !std::holds_alternative<wire::Beat>(body))
    sim_.findings.note("    runner ", id_, " says ", describe(body));
  link_->send(Side::runner, line, {session_.id(), std::move(body)});
}

// --- one turn of the loop

void RunnerModel::turn() {
  if (!exists() || frozen_) return;
  const Instant now = sim_.agenda.now();
  obey();
  if (state_ == State::dialling && now >= redial_at_) dial();
  if (state_ == State::open && session_.silent(now)) lose("it has been silent");
  if (state_ == State::open)
    if (const auto beat = session_.beat(now)) send(Line::control, *beat);
  if (calls_) calls_->tick();
  terminator_->tick(now);
  obey();
  if (left_) return leave();
  arm();
}

void RunnerModel::obey() {
  for (auto actions = terminator_->take_actions(); !actions.empty(); actions = terminator_->take_actions())
    for (const runner::TerminatorAction& action : actions) obey(action);
}

void RunnerModel::obey(const runner::TerminatorAction& action) {
  if (const auto* stop = std::get_if<runner::StopTask>(&action)) {
    calls_->stop(stop->id, stop->cause);
  } else if (const auto* kill = std::get_if<runner::KillTask>(&action)) {
    calls_->kill(kill->id, kill->cause);
  } else if (const auto* retire = std::get_if<runner::AskRetire>(&action)) {
    send(Line::control, wire::Retire{retire->last_seq, retire->must, retire->reason});
  } else if (std::holds_alternative<runner::CheckIdle>(action)) {
    check_idle();
  } else if (std::holds_alternative<runner::DropIdleCheck>(action)) {
    ++idle_check_;
  } else if (const auto* leave = std::get_if<runner::Leave>(&action)) {
    left_ = *leave;
  }
}

void RunnerModel::check_idle() {
  const bool may_go = !sim_.trouble(true, 30);
  later(sim_.chance.skewed(100us, 2s), [this, may_go, check = ++idle_check_] {
    if (check == idle_check_) terminator_->idle_checked(sim_.agenda.now(), may_go);
  });
}

void RunnerModel::arm() {
  Instant wake = terminator_->wake_at();
  if (state_ == State::dialling) wake = std::min(wake, redial_at_);
  if (state_ == State::open) wake = std::min(wake, session_.wake_at());
  if (calls_) wake = std::min(wake, calls_->wake_at());
  wake = std::max(wake, sim_.agenda.now());
  if (wake >= armed_) return;
  armed_ = wake;
  sim_.agenda.at(wake, [this, wake] {
    if (armed_ != wake) return;
    armed_ = kNever;
    turn();
  });
}

// --- the session

wire::Hello RunnerModel::hello() {
  wire::Hello hello;
  hello.runner = std::to_string(id_);
  for (const DigestId digest : digests_) {
    wire::PluginState state;
    state.plugin.digest = std::to_string(digest);
    if (broken_.contains(digest)) state.error = "simulated";
    hello.plugins.push_back(std::move(state));
  }
  if (!broken_.empty()) sim_.ledger.plugin_broken();
  return hello;
}

void RunnerModel::dial() {
  session_.reset();
  link_ = network_.dial(id_, *this);
  redial_at_ = link_ == nullptr ? deadline_after(sim_.agenda.now(), limits::kDialInterval) : kNever;
  if (link_ == nullptr) return;
  session_.greeted(sim_.agenda.now(), sim_.plan.local);
  link_->send(Side::runner, Line::control, {0, hello()});
}

void RunnerModel::on_message(Link& link, Line line, wire::Envelope&& envelope) {
  if (!exists() || &link != link_) return;
  if (frozen_)
    inbox_.push_back({&link, line, std::move(envelope)});
  else
    receive({&link, line, std::move(envelope)});
  turn();
}

void RunnerModel::on_disconnected(Link& link) {
  if (!exists() || &link != link_) return;
  if (frozen_)
    inbox_.push_back({&link, Line::control, std::nullopt});
  else
    receive({&link, Line::control, std::nullopt});
  turn();
}

void RunnerModel::receive(Arrival&& arrival) {
  if (arrival.link != link_ || left_) return;
  if (!arrival.envelope) {
    if (state_ == State::open) return lose("the connection was closed");
    if (state_ == State::dialling) redial_at_ = deadline_after(sim_.agenda.now(), limits::kDialInterval);
    return;
  }
  if (arrival.line == Line::bulk && state_ != State::open) return;
  switch (session_.judge(sim_.agenda.now(), *arrival.envelope)) {
    case runner::Verdict::drop:
      return;
    case runner::Verdict::refused:
      return lose(session_.reason());
    case runner::Verdict::opened:
      return welcome(std::get<wire::Welcome>(arrival.envelope->body));
    case runner::Verdict::deliver:
      if (state_ == State::open) deliver(arrival.envelope->body);
  }
}

void RunnerModel::welcome(const wire::Welcome& welcome) {
  state_ = State::open;
  send(Line::bulk, wire::BulkHello{session_.id()});
  std::set<DigestId> good;
  for (const DigestId digest : digests_)
    if (!broken_.contains(digest)) good.insert(digest);
  calls_ = std::make_unique<CallsModel>(sim_, *this, *terminator_, welcome, good);
  terminator_->welcomed(sim_.agenda.now(), welcome, sim_.plan.checks_idle);
  for (const DigestId digest : good)
    later(sim_.chance.skewed(1ms, 300ms), [this, digest] { calls_->generation_up(digest); });
}

void RunnerModel::deliver(const wire::Body& body) {
  const Instant now = sim_.agenda.now();
  if (sim_.findings.traced() && !std::holds_alternative<wire::Beat>(body))
    sim_.findings.note("    runner ", id_, " hears ", describe(body));
  if (const auto* invoke = std::get_if<wire::Invoke>(&body)) {
    calls_->invoke(*invoke);
  } else if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
    calls_->chunk(*chunk);
  } else if (const auto* release = std::get_if<wire::Release>(&body)) {
    calls_->release(*release);
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&body)) {
    terminator_->cancelled(now, cancel->id, cancel->reason);
  } else if (const auto* reply = std::get_if<wire::RetireReply>(&body)) {
    terminator_->retire_answered(now, reply->granted);
  } else if (const auto* drain = std::get_if<wire::Drain>(&body)) {
    terminator_->host_drains(now, base::from_wire(drain->grace_ns));
  } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
    terminator_->host_lost(now, "it said goodbye: " + bye->reason);
  }
  obey();
}

void RunnerModel::lose(const std::string& why) {
  sim_.findings.note("    runner ", id_, " has lost its host: ", why);
  state_ = State::lost;
  redial_at_ = kNever;
  terminator_->host_lost(sim_.agenda.now(), why);
  // A thread that must die takes its process along, which waits for the others in it.
  const bool threads = sim_.plan.pool.isolation == SlotIsolation::thread;
  later(threads ? limits::kRetireGrace + 1ms : 0ms, [this] {
    if (calls_ && calls_->linked_work()) sim_.findings.broken("linked work goes on without its host");
  });
}

// --- the end

void RunnerModel::leave() {
  sim_.findings.note("    runner ", id_, " leaves: ", left_->reason);
  // Told to go before it was welcome: what is on its way to it is lost when the network is slow.
  if (state_ == State::dialling) sim_.ledger.excuse(id_);
  send(Line::control, wire::Bye{left_->reason});
  end();
}

void RunnerModel::end() {
  if (calls_) calls_->die();
  state_ = State::gone;
  if (link_ != nullptr) link_->close(Side::runner);
  on_exit_();
}

void RunnerModel::kill() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " is killed");
  sim_.ledger.excuse(id_);
  end();
}

void RunnerModel::vanish() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " vanishes");
  sim_.ledger.excuse(id_);
  if (link_ != nullptr) link_->vanish();
  end();
}

void RunnerModel::sigterm() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " gets SIGTERM");
  terminator_->sigterm(sim_.agenda.now(), state_ == State::dialling && redial_at_ == kNever);
  turn();
}

void RunnerModel::freeze() {
  sim_.findings.note("    runner ", id_, " stands still");
  frozen_ = true;
  if (calls_) calls_->pause();
}

void RunnerModel::thaw() {
  if (!std::exchange(frozen_, false) || !exists()) return;
  sim_.findings.note("    runner ", id_, " goes on");
  for (Arrival& arrival : std::exchange(inbox_, {})) receive(std::move(arrival));
  turn();
  if (!exists()) return;
  if (calls_) calls_->resume();
  for (const auto& task : std::exchange(deferred_, {})) {
    if (!exists()) return;
    task();
    turn();
  }
}

}  // namespace flame::sim
