// HostModel: events in, actions done; as host/src/loop/pool_driver and host/src/transport/session_table do it.
#include "tests/sim/host_model.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "tests/sim/describe.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

DigestId digest_of(const std::string& text) {
  DigestId digest = 0;
  std::from_chars(text.data(), text.data() + text.size(), digest);
  return digest;
}

Error some_error(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

}  // namespace

HostModel::HostModel(Context& sim, MachineMaker& maker)
    : sim_(sim), maker_(maker), policy_(sim.plan.pool, all_digests(sim.plan), sim.seed), watch_(sim) {}

void HostModel::start() {
  feed(pool::event::Tick{});
  beat();
}

// Actions can lead to further events (a withdrawn call has ended): those wait for their turn.
void HostModel::feed(pool::Event event) {
  if (dead_) return;
  events_.push_back(std::move(event));
  if (std::exchange(busy_, true)) return;
  while (!events_.empty() && sim_.findings.ok()) {
    const pool::Event next = std::move(events_.front());
    events_.pop_front();
    const Duration pause = standstill_.seen(sim_.agenda.now());
    if (pause > Duration::zero()) take_step(pool::event::StoodStill{pause});
    take_step(next);
  }
  busy_ = false;
  flush();
  arm();
}

void HostModel::take_step(const pool::Event& event) {
  pool::Actions actions;
  free_slot(event);
  watch_.before(policy_);
  policy_.on(event, sim_.agenda.now(), actions);
  if (sim_.findings.traced()) sim_.findings.note("  host ", describe(event), describe(actions));
  // Runners that are lost one after the other, before they were of use, are explained like failed boots.
  if (policy_.stats().boots_failed > 0 || policy_.stats().runners_lost > 1) sim_.ledger.boot_failed();
  for (const pool::Action& action : actions) std::visit([this](const auto& one) { perform(one); }, action);
  watch_.after(event, actions, policy_, counts());
}

bool HostModel::defer(std::function<void()> task) {
  if (frozen_) deferred_.push_back(std::move(task));
  return frozen_;
}

void HostModel::freeze() {
  sim_.findings.note("the host stands still");
  frozen_ = true;
}

void HostModel::thaw() {
  if (!std::exchange(frozen_, false)) return;
  sim_.findings.note("the host goes on");
  feed(pool::event::Tick{});
  for (const auto& task : std::exchange(deferred_, {})) task();
}

void HostModel::arm() {
  const Instant wake = policy_.next_wakeup();
  if (dead_ || wake >= armed_) return;
  armed_ = wake;
  sim_.agenda.at(wake, [this, wake] {
    if (armed_ != wake) return;
    armed_ = kNever;
    if (frozen_) return;  // thaw() looks at the clock
    if (policy_.next_wakeup() <= sim_.agenda.now()) feed(pool::event::Tick{});
    arm();
  });
}

void HostModel::beat() {
  if (dead_ || drained_ || defer([this] { beat(); })) return;
  for (const auto& [runner, session] : sessions_) session->beat();
  flush();
  feed(pool::event::Tick{});
  sim_.agenda.in(limits::kBeatInterval, [this] { beat(); });
}

void HostModel::flush() {
  for (const auto& [runner, session] : sessions_) session->flush();
}

void HostModel::free_slot(const pool::Event& event) {
  if (const auto* result = std::get_if<pool::event::Result>(&event)) {
    if (!result->objects.empty()) left_[result->call] = result->objects;
  }
  const auto* ended = std::get_if<pool::event::Ended>(&event);
  const auto peer = ended == nullptr ? peers_.end() : peers_.find(ended->runner);
  if (peer == peers_.end()) return;
  leases_ -= peer->second.leases.erase(ended->call);
  peer->second.inside.erase(ended->call);
  std::erase_if(peer->second.inside, [&](const auto& turn) { return turn.second == ended->call; });
}

HostCounts HostModel::counts() const {
  HostCounts counts{.machines = peers_.size(), .leases = leases_};
  const bool single_use = sim_.plan.pool.single_use;
  const std::uint64_t slots = single_use ? 1 : sim_.plan.pool.max_concurrency;
  for (const auto& [id, peer] : peers_) {
    if (!peer.admitted || peer.leaving || peer.session == nullptr || (single_use && peer.sends > 0)) continue;
    if (peer.silent) {
      counts.idle_silent += peer.leases.empty() ? 1 : 0;
      continue;
    }
    ++counts.serving;
    counts.free += slots - peer.leases.size();
  }
  return counts;
}

// --- callers

void HostModel::submit(const pool::event::Submit& submit) {
  if (dead_ || defer([=, this] { this->submit(submit); })) return;
  sim_.ledger.submitted(submit);
  feed(submit);
}

void HostModel::cancel(CallId call) {
  if (defer([=, this] { cancel(call); })) return;
  sim_.ledger.cancel_asked(call);
  feed(pool::event::Cancel{call, wire::CancelReason::cancelled});
}

void HostModel::drain(Duration grace) {
  if (defer([=, this] { drain(grace); })) return;
  sim_.ledger.drain_asked(grace);
  feed(pool::event::Drain{grace});
}

void HostModel::resize(std::uint32_t min, std::uint32_t max) {
  if (defer([=, this] { resize(min, max); })) return;
  feed(pool::event::Resize{min, max});
}

void HostModel::expect(std::uint64_t calls, Duration within) {
  if (defer([=, this] { expect(calls, within); })) return;
  feed(pool::event::Expect{calls, within});
}

void HostModel::release(CallId lease, std::uint64_t object) {
  if (defer([=, this] { release(lease, object); })) return;
  feed(pool::event::Release{lease, object});
}

void HostModel::stop_lease(CallId lease) {
  if (defer([=, this] { stop_lease(lease); })) return;
  sim_.ledger.objects_in_trouble(lease);
  feed(pool::event::StopLease{lease});
}

// --- machines

void HostModel::on_boot(RunnerId runner, bool failed, bool permanent) {
  if (defer([=, this] { on_boot(runner, failed, permanent); })) return;
  if (!failed) return feed(pool::event::BootOk{runner});
  feed(pool::event::BootFailed{runner, some_error(ErrorCode::boot_failed, "simulated"), permanent});
}

void HostModel::on_exit(RunnerId runner) {
  if (defer([=, this] { on_exit(runner); })) return;
  if (const auto peer = peers_.find(runner); peer != peers_.end()) leaves(peer->second);
  feed(pool::event::MachineExited{runner, "simulated exit"});
}

void HostModel::park_some_socket(Instant until) {
  if (sessions_.empty()) return;
  HostSession& session = *sim_.chance.pick(sessions_).second;
  session.park(until);
  sim_.agenda.at(until, [this] {
    if (!frozen_) flush();
  });
}

// --- what arrives

void HostModel::on_message(Link& link, Line line, wire::Envelope&& envelope) {
  if (dead_ || defer([this, &link, line, copy = envelope] { on_message(link, line, wire::Envelope(copy)); })) return;
  HostSession* const found = session_of(link);
  if (found == nullptr) {
    const auto* hello = std::get_if<wire::Hello>(&envelope.body);
    if (hello != nullptr && line == Line::control) on_hello(link, *hello);
    return;
  }
  HostSession& session = *found;
  if (envelope.session != session.id()) return;
  if (std::holds_alternative<wire::BulkHello>(envelope.body)) return session.attach_bulk();
  const bool about_calls =
      std::holds_alternative<wire::Begun>(envelope.body) || std::holds_alternative<wire::Result>(envelope.body) ||
      std::holds_alternative<wire::Ended>(envelope.body) || std::holds_alternative<wire::Chunk>(envelope.body);
  if (!about_calls) return on_notice(session, std::move(envelope.body));
  const bool quiet = std::holds_alternative<wire::Chunk>(envelope.body);
  session.on_message(std::move(envelope.body));
  if (quiet) feed(pool::event::Heard{link.runner()});
  flush();
}

HostSession* HostModel::session_of(const Link& link) const {
  const auto found = sessions_.find(link.runner());
  return found == sessions_.end() || &found->second->link() != &link ? nullptr : found->second.get();
}

void HostModel::on_hello(Link& link, const wire::Hello& hello) {
  const RunnerId runner = link.runner();
  const auto peer = peers_.find(runner);
  if (peer == peers_.end() || !greeted_.insert(runner).second) {
    link.send(Side::host, Line::control, {0, wire::Refuse{ErrorCode::incompatible, "no such runner is expected"}});
    return;
  }
  auto session = std::make_unique<HostSession>(sim_, *this, link, next_session_++);
  peer->second.session = session.get();
  sessions_[runner] = std::move(session);
  pool::event::RunnerHello event{runner, {}, sim_.plan.local};
  for (const wire::PluginState& state : hello.plugins) {
    pool::event::RunnerPlugin plugin{.digest = digest_of(state.plugin.digest)};
    if (!state.ready && !state.error.empty()) plugin.error = some_error(ErrorCode::incompatible, state.error);
    (plugin.error ? peer->second.broken : peer->second.serves).insert(plugin.digest);
    event.plugins.push_back(std::move(plugin));
  }
  feed(std::move(event));
}

void HostModel::on_notice(HostSession& session, wire::Body&& body) {
  const RunnerId runner = session.runner();
  if (const auto* beat = std::get_if<wire::Beat>(&body)) session.heard_beat(beat->seq);
  if (const auto* retire = std::get_if<wire::Retire>(&body)) {
    forced_ = retire->must;
    if (const auto peer = peers_.find(runner); forced_ && peer != peers_.end())
      for (const CallId lease : peer->second.leases) sim_.ledger.objects_in_trouble(lease);
    feed(pool::event::Retire{runner, retire->last_seq, session.sent_seq(), retire->must});
  } else if (const auto* bye = std::get_if<wire::Bye>(&body)) {
    const std::string reason = bye->reason;
    close(session, std::nullopt);
    feed(pool::event::RunnerLost{runner, reason});
  } else {
    feed(pool::event::Heard{runner});
  }
}

void HostModel::on_disconnected(Link& link) {
  if (defer([this, &link] { on_disconnected(link); })) return;
  HostSession* const session = session_of(link);
  if (dead_ || session == nullptr) return;
  close(*session, std::nullopt);
  feed(pool::event::RunnerLost{link.runner(), "the connection was closed"});
}

void HostModel::on_event(pool::Event event) {
  feed(std::move(event));
}

void HostModel::leaves(Peer& peer) {
  peer.leaving = true;
  for (const CallId lease : peer.leases) sim_.ledger.objects_in_trouble(lease);
}

void HostModel::close(HostSession& session, std::optional<wire::Body> farewell) {
  if (farewell) session.say_last(std::move(*farewell));
  if (const auto peer = peers_.find(session.runner()); peer != peers_.end()) peer->second.session = nullptr;
  closed_.push_back(std::move(sessions_.extract(session.runner()).mapped()));
}

bool HostModel::broken_somewhere(DigestId digest) const {
  return std::any_of(peers_.begin(), peers_.end(),
                     [&](const auto& peer) { return peer.second.broken.contains(digest); });
}

// --- actions

void HostModel::perform(const pool::action::Boot& boot) {
  if (!peers_.try_emplace(boot.runner).second) sim_.findings.broken("runner id ", boot.runner, " is used again");
  maker_.boot(boot.runner, boot.digests);
}

void HostModel::perform(const pool::action::Admit& admit) {
  Peer& peer = peers_.at(admit.runner);
  peer.admitted = true;
  if (peer.session == nullptr) return;
  const PoolConfig& pool = sim_.plan.pool;
  wire::Welcome welcome;
  welcome.session = peer.session->id();
  welcome.slots = pool.single_use ? 1 : pool.max_concurrency;
  welcome.isolation = static_cast<wire::Isolation>(pool.isolation);
  welcome.single_use = pool.single_use;
  welcome.reuse = pool.reuse;
  welcome.idle_shutdown_ns = base::to_wire(admit.idle_shutdown);
  welcome.shutdown_grace_ns = base::to_wire(pool.shutdown_timeout);
  welcome.kill_grace_ns = base::to_wire(limits::kKillGrace);
  welcome.spare_slots = pool.spare_slots;
  peer.session->post(std::move(welcome));
}

void HostModel::perform(const pool::action::Reject& reject) {
  const auto peer = peers_.find(reject.runner);
  if (peer == peers_.end() || peer->second.session == nullptr) return;
  close(*peer->second.session, wire::Refuse{ErrorCode::incompatible, reject.reason});
}

void HostModel::check_send(const pool::action::Send& send, const Peer& peer) {
  Findings& findings = sim_.findings;
  if (!peer.admitted) findings.broken("sent to runner ", send.runner, ", which has not said hello");
  if (const CallId lease = sim_.ledger.lease(send.call); lease != 0) {
    if (!peer.leases.contains(lease)) findings.broken("call ", send.call, " is sent where its object is not");
    if (peer.inside.contains(lease)) findings.broken("two calls at once on the objects of call ", lease);
    return;
  }
  if (peer.silent) findings.broken("sent to runner ", send.runner, ", which is silent");
  if (peer.leaving) findings.broken("sent to runner ", send.runner, ", which leaves");
  if (peer.leases.contains(send.call)) findings.broken("call ", send.call, " is sent to the same runner twice");
  const std::size_t slots = sim_.plan.pool.single_use ? 1 : sim_.plan.pool.max_concurrency;
  if (peer.leases.size() >= slots) findings.broken("more calls than slots on runner ", send.runner);
  if (sim_.plan.pool.single_use && peer.sends > 0) findings.broken("a second call for single-use runner ", send.runner);
}

void HostModel::perform(const pool::action::Send& send) {
  const auto found = peers_.find(send.runner);
  if (found == peers_.end()) return sim_.findings.broken("sent to runner ", send.runner, ", which is not there");
  Peer& peer = found->second;
  check_send(send, peer);
  sim_.ledger.sent(send.call, send.runner, send.attempt);
  book(send, peer);
  if (peer.session == nullptr) return;
  peer.session->send({.call = send.call,
                      .lease = sim_.ledger.lease(send.call),
                      .digest = sim_.ledger.digest(send.call),
                      .deadline = deadline_after(sim_.agenda.now(), send.remaining),
                      .attempt = send.attempt,
                      .linked = sim_.ledger.linked(send.call),
                      .large = sim_.plan.arguments_large && sim_.chance.one_in(2)});
  if (!peer.serves.contains(sim_.ledger.digest(send.call)))
    sim_.findings.broken("sent to runner ", send.runner, ", which does not have the plugin");
}

void HostModel::book(const pool::action::Send& send, Peer& peer) {
  if (const CallId lease = sim_.ledger.lease(send.call); lease != 0) {
    peer.inside[lease] = send.call;
    return;
  }
  peer.leases.insert(send.call);
  ++peer.sends;
  ++leases_;
}

void HostModel::perform(const pool::action::CancelRemote& cancel) {
  const auto peer = peers_.find(cancel.runner);
  if (peer == peers_.end() || peer->second.session == nullptr) return;
  if (peer->second.session->cancel(cancel.call, cancel.reason))
    return feed(pool::event::Ended{cancel.runner, cancel.call});
  if (cancel.lease != 0) feed(pool::event::Overran{cancel.lease});
}

void HostModel::perform(const pool::action::Complete& complete) {
  sim_.ledger.told(complete);
  const auto left = left_.extract(complete.call);
  if (complete.error || left.empty()) return;
  const CallId lease = sim_.ledger.lease(complete.call);
  if (lease == 0) sim_.ledger.holds(complete.call);
  if (on_objects_) on_objects_(lease == 0 ? complete.call : lease, left.mapped());
}

void HostModel::perform(const pool::action::ReleaseObjects& release) {
  const auto peer = peers_.find(release.runner);
  if (peer != peers_.end() && peer->second.session != nullptr)
    peer->second.session->post(wire::Release{release.lease, release.objects});
}

void HostModel::perform(const pool::action::LeaseEnded& ended) {
  sim_.ledger.lease_ended(ended.lease);
}

void HostModel::perform(const pool::action::RetireReply& reply) {
  const auto peer = peers_.find(reply.runner);
  if (peer == peers_.end()) return;
  if (reply.granted && !forced_ && !peer->second.leases.empty())
    sim_.findings.broken("runner ", reply.runner, " is let go though it has calls");
  if (reply.granted) leaves(peer->second);
  if (peer->second.session != nullptr) peer->second.session->post(wire::RetireReply{reply.granted});
}

void HostModel::perform(const pool::action::DrainRunner& drain) {
  Peer& peer = peers_.at(drain.runner);
  leaves(peer);
  if (peer.session != nullptr) peer.session->post(wire::Drain{base::to_wire(drain.grace)});
}

void HostModel::perform(const pool::action::Destroy& destroy) {
  maker_.destroy(destroy.runner);
  const auto peer = peers_.find(destroy.runner);
  if (peer == peers_.end()) return;
  leases_ -= peer->second.leases.size();
  if (peer->second.session != nullptr) close(*peer->second.session, wire::Bye{"the host has let this runner go"});
  peers_.erase(peer);
}

void HostModel::perform(const pool::action::Quiet& quiet) {
  if (!sim_.plan.local) sim_.findings.broken("runner ", quiet.runner, " is silent and kept, though it is far away");
  peers_.at(quiet.runner).silent = quiet.quiet;
}

void HostModel::perform(const pool::action::Drained&) {
  if (std::exchange(drained_, true)) sim_.findings.broken("drained twice");
  if (sim_.ledger.open() > 0) sim_.findings.broken("drained while ", sim_.ledger.open(), " calls are open");
}

}  // namespace flame::sim
