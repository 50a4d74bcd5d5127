// RunnerModel: the loop of runner/supervisor and runner/link/host_link.
#include "tests/sim/runner_model.hpp"

#include <algorithm>
#include <cstring>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tests/sim/describe.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kLanes = 2;
constexpr Duration kStoodStill = 2s;
// More than anybody adds to.
constexpr std::size_t kBacklog = 64 * limits::MiB;
// What the supervisor gives slots for their goodbye.
constexpr Duration kEndWait = limits::kKillGrace + 2s;

runner::Frame frame_of(std::span<const std::byte> bytes) {
  runner::Frame frame(bytes.size());
  if (!bytes.empty()) std::memcpy(frame.data(), bytes.data(), bytes.size());
  return frame;
}

}  // namespace

RunnerModel::Serving::Serving(RunnerModel& runner, const wire::Welcome& welcome)
    : calls(runner_name(runner.id_), welcome, {runner, *runner.terminator_, runner.generations_, pool}),
      pool(runner.sim_.agenda.now(), welcome, kLanes, runner.slots_, calls, calls),
      idle_checks(pool, [&runner](Instant now, bool may_go) { runner.terminator_->idle_checked(now, may_go); }),
      most(welcome.slots) {
  runner.slots_.serve(pool);
}

RunnerModel::RunnerModel(Context& sim, RunnerId id, wire::Parent parent, Network& network,
                         std::function<void()> on_exit)
    : sim_(sim),
      id_(id),
      parent_(std::move(parent)),
      generations_(sim, *this, parent_.plugins),
      network_(network),
      on_exit_(std::move(on_exit)),
      slots_(sim, *this),
      standstill_(kStoodStill) {}

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
    turn_soon();
  });
}

// Several things may come to it in one turn of its loop.
void RunnerModel::turn_soon() {
  if (!sim_.chance.one_in(4)) return turn();
  sim_.agenda.in(sim_.chance.skewed(1us, 500us), [this] { turn(); });
}

// --- what it says

void RunnerModel::send(const wire::Body& body, runner::Frame payload) {
  put(Line::control, body, std::move(payload));
}

void RunnerModel::send_bulk(const wire::Body& body, runner::Frame payload) {
  put(Line::bulk, body, std::move(payload));
}

// Its sockets take nothing for a while.
std::size_t RunnerModel::backlog(runner::Line) const {
  return sim_.agenda.now() < congested_until_ ? kBacklog : 0;
}

void RunnerModel::put(Line line, const wire::Body& body, runner::Frame payload) {
  check(body);
  if (!speaks_) return;
  if (sim_.findings.traced() && !std::holds_alternative<wire::Beat>(body))
    sim_.findings.note("    runner ", id_, " says ", describe(body));
  if (line == Line::bulk && sim_.trouble(sim_.plan.full_sockets, 20)) {
    const Duration pause = sim_.chance.skewed(100us, 900ms);
    congested_until_ = sim_.agenda.now() + pause;
    later(pause, [] {});
  }
  if (line == Line::control) return outbox_.add(wire::encode(session_.id(), body), std::move(payload));
  link_->send(Side::runner, line, {wire::encode(session_.id(), body), std::move(payload).into_bytes()});
}

void RunnerModel::flush() {
  outbox_.flush(session_.id(), [this](std::span<const std::byte> envelope, runner::Frame payload) {
    link_->send(Side::runner, Line::control, {{envelope.begin(), envelope.end()}, std::move(payload).into_bytes()});
  });
}

// What callers may be told of this runner's slots.
void RunnerModel::check(const wire::Body& body) {
  if (const auto* ended = std::get_if<wire::Ended>(&body)) serving_->open.erase(ended->id);
  const auto* result = std::get_if<wire::Result>(&body);
  if (result == nullptr || result->error.code == ErrorCode::none) return;
  if (result->error.started == Started::no && slots_.has_failed()) sim_.ledger.could_not_start(result->id);
  if (result->error.code == ErrorCode::shutting_down && result->error.started == Started::no &&
      !sim_.ledger.was_stopped(result->id, runner::StopCause::shutting_down) &&
      !sim_.ledger.was_stopped(result->id, runner::StopCause::host_lost))
    sim_.findings.broken("call ", result->id, " came to runner ", id_, " after it was let go");
}

// --- one turn of the loop

void RunnerModel::turn() {
  if (!exists() || frozen_) return;
  const Instant now = sim_.agenda.now();
  obey();
  tick(now);
  obey();
  flush();
  if (left_) return leave();
  arm();
}

void RunnerModel::tick(Instant now) {
  if (state_ == State::dialling && now >= redial_at_) dial();
  if (state_ == State::open && session_.silent(now)) lose("it has been silent");
  if (state_ == State::open)
    if (const auto beat = session_.beat(now)) send(*beat);
  const Duration pause = standstill_.seen(now);
  if (serving_) {
    serving_->calls.pump(now);
    if (pause > Duration::zero()) serving_->pool.stood_still(now, pause);
    serving_->calls.tick(now);
    serving_->idle_checks.tick(now);
    serving_->pool.tick(now);
  }
  generations_.settle();
  terminator_->tick(now);
}

void RunnerModel::obey() {
  for (auto actions = terminator_->take_actions(); !actions.empty(); actions = terminator_->take_actions())
    for (const runner::TerminatorAction& action : actions) obey(action);
}

void RunnerModel::obey(const runner::TerminatorAction& action) {
  const Instant now = sim_.agenda.now();
  if (const auto* stop = std::get_if<runner::StopTask>(&action)) {
    sim_.ledger.stopped(stop->id, stop->cause);
    sim_.ledger.objects_in_trouble(stop->id);
    serving_->calls.stop(now, stop->id, stop->cause);
    if (serving_->pool.slot_of(stop->id) == nullptr && serving_->pool.running().contains(stop->id))
      sim_.findings.broken("call ", stop->id, " was stopped and stays in line");
  } else if (const auto* kill = std::get_if<runner::KillTask>(&action)) {
    sim_.ledger.stopped(kill->id, kill->cause);
    sim_.ledger.objects_in_trouble(kill->id);
    serving_->calls.kill(now, kill->id, kill->cause);
  } else if (const auto* retire = std::get_if<runner::AskRetire>(&action)) {
    leaving_ = leaving_ || retire->must;
    send(wire::Retire{.last_seq = retire->last_seq, .must = retire->must, .reason = retire->reason});
  } else if (std::holds_alternative<runner::CheckIdle>(action)) {
    serving_->idle_checks.start(now, generations_.checking_idle());
  } else if (std::holds_alternative<runner::DropIdleCheck>(action)) {
    serving_->idle_checks.drop(now);
  } else if (const auto* leave = std::get_if<runner::Leave>(&action)) {
    left_ = *leave;
  }
}

void RunnerModel::arm() {
  Instant wake = terminator_->wake_at();
  if (state_ == State::dialling) wake = std::min(wake, redial_at_);
  if (state_ == State::open) wake = std::min(wake, session_.wake_at());
  if (serving_)
    wake = std::min({wake, serving_->calls.wake_at(), serving_->idle_checks.wake_at(), serving_->pool.wake_at()});
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
  hello.protocol_major = wire::kProtocolMajor;
  hello.protocol_minor = generations_.protocol_minor();
  hello.runner = parent_.runner;
  hello.incarnation = parent_.incarnation;
  hello.nonce = parent_.nonce;
  hello.plugins = generations_.states();
  return hello;
}

void RunnerModel::dial() {
  session_.reset();
  link_ = network_.dial(id_, *this);
  redial_at_ = link_ == nullptr ? deadline_after(sim_.agenda.now(), limits::kDialInterval) : kNever;
  if (link_ == nullptr) return;
  session_.greeted(sim_.agenda.now(), sim_.plan.local);
  link_->send(Side::runner, Line::control, {wire::encode(0, hello()), {}});
}

void RunnerModel::on_packet(Link& link, Line line, Packet&& packet) {
  if (!exists() || &link != link_) return;
  if (frozen_)
    inbox_.push_back({&link, line, std::move(packet)});
  else
    receive({&link, line, std::move(packet)});
  turn_soon();
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
  if (!arrival.packet) {
    if (state_ == State::open) return lose("the connection was closed");
    if (state_ == State::dialling) redial_at_ = deadline_after(sim_.agenda.now(), limits::kDialInterval);
    return;
  }
  if (arrival.line == Line::bulk && state_ != State::open) return;
  auto envelope = wire::decode(arrival.packet->envelope);
  if (envelope.has_error()) return sim_.findings.broken("the host sent what is no message");
  const auto* batch = std::get_if<wire::Batch>(&envelope->body);
  if (batch == nullptr) return receive(std::move(*envelope), arrival.packet->payload.span());
  const auto entries = wire::unpack_batch(*batch, arrival.packet->payload.span());
  for (const wire::BatchEntry& entry : *entries) receive(*wire::decode(entry.envelope), entry.payload);
}

void RunnerModel::receive(wire::Envelope&& envelope, std::span<const std::byte> payload) {
  switch (session_.judge(sim_.agenda.now(), envelope)) {
    case runner::Verdict::drop:
      return;
    case runner::Verdict::refused:
      return lose(session_.reason());
    case runner::Verdict::opened:
      return welcome(std::get<wire::Welcome>(envelope.body));
    case runner::Verdict::deliver:
      if (state_ == State::open) deliver(envelope.body, payload);
  }
}

void RunnerModel::welcome(const wire::Welcome& welcome) {
  state_ = State::open;
  speaks_ = true;
  send_bulk(wire::BulkHello{.session = session_.id()});
  serving_ = std::make_unique<Serving>(*this, welcome);
  terminator_->welcomed(sim_.agenda.now(), welcome, sim_.plan.checks_idle, session_.host_patience());
  generations_.open(welcome, serving_->pool, *this);
}

void RunnerModel::deliver(wire::Body& body, std::span<const std::byte> payload) {
  const Instant now = sim_.agenda.now();
  if (sim_.findings.traced() && !std::holds_alternative<wire::Beat>(body))
    sim_.findings.note("    runner ", id_, " hears ", describe(body));
  if (auto* invoke = std::get_if<wire::Invoke>(&body)) {
    invoked(*invoke, payload);
  } else if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
    runner::Frame frame = frame_of(payload);
    serving_->calls.chunk(now, *chunk, frame);
  } else if (const auto* credit = std::get_if<wire::Credit>(&body)) {
    serving_->calls.credit(now, *credit);
  } else if (const auto* abort = std::get_if<wire::Abort>(&body)) {
    serving_->calls.abort(now, *abort);
  } else if (const auto* release = std::get_if<wire::Release>(&body)) {
    serving_->calls.release(now, *release);
  } else if (const auto* cancel = std::get_if<wire::Cancel>(&body)) {
    terminator_->cancelled(now, cancel->id, cancel->reason);
  } else if (const auto* reply = std::get_if<wire::RetireReply>(&body)) {
    terminator_->retire_answered(now, reply->granted);
  } else if (auto* load = std::get_if<wire::Load>(&body)) {
    generations_.load(std::move(*load), leaving_);
  } else if (const auto* end = std::get_if<wire::EndGeneration>(&body)) {
    generations_.end(end->digest, serving_->open);
  } else if (const auto* drain = std::get_if<wire::Drain>(&body)) {
    leaving_ = true;
    terminator_->host_drains(now, base::from_wire(drain->grace_ns));
  } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
    terminator_->host_lost(now, "it said goodbye: " + bye->reason);
  }
  obey();
}

void RunnerModel::invoked(wire::Invoke& invoke, std::span<const std::byte> payload) {
  if (invoke.lease == 0 && serving_->open.size() >= serving_->most)
    sim_.findings.broken("runner ", id_, " was given more calls than it has slots");
  if (invoke.lease == 0 && !serving_->open.emplace(invoke.id, digest_of(invoke.digest)).second)
    sim_.findings.broken("call ", invoke.id, " came to its runner twice");
  if (digest_of(invoke.digest) != sim_.ledger.digest(invoke.id))
    sim_.findings.broken("call ", invoke.id, " was made for digest ", sim_.ledger.digest(invoke.id), " and sent with ",
                         digest_of(invoke.digest));
  if (!generations_.may_be_called(invoke.digest))
    sim_.findings.broken("call ", invoke.id, " comes to runner ", id_, ", where its digest is not ready");
  runner::Frame frame = frame_of(payload);
  serving_->calls.invoke(sim_.agenda.now(), invoke, frame);
}

void RunnerModel::lose(const std::string& why) {
  sim_.findings.note("    runner ", id_, " has lost its host: ", why);
  state_ = State::lost;
  speaks_ = false;
  redial_at_ = kNever;
  terminator_->host_lost(sim_.agenda.now(), why);
  // A thread that must die takes its process along; the others in it have the grace of a shutdown.
  const bool threads = sim_.plan.pool.isolation == SlotIsolation::thread;
  const Duration grace = sim_.plan.pool.shutdown_timeout + Duration(limits::kKillGrace) + 1ms;
  later(threads ? grace : Duration(0), [this] {
    if (slots_.linked_work()) sim_.findings.broken("linked work goes on without its host");
  });
}

// --- the end

// Slots at rest say goodbye first, then the host is told.
void RunnerModel::leave() {
  if (state_ == State::leaving) {
    if (!serving_ || !serving_->pool.ending()) return end();
    return arm();
  }
  sim_.findings.note("    runner ", id_, " leaves: ", left_->reason);
  // Told to go before it was welcome: what is on its way to it is lost when the network is slow.
  if (state_ == State::dialling) sim_.ledger.excuse(id_);
  if (!serving_) return end();
  serving_->pool.end_all(sim_.agenda.now());
  if (!serving_->pool.ending()) return end();
  state_ = State::leaving;
  later(kEndWait, [this] { end(); });
  arm();
}

}  // namespace flame::sim
