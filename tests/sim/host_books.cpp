// HostBooks: what each event and action changes, and what must hold then.
#include "tests/sim/host_books.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/describe.hpp"

namespace flame::sim {

void HostBooks::on_step(const pool::Event& event, const pool::Actions& actions, const pool::PoolPolicy& policy,
                        Instant) {
  if (!sim_.findings.ok()) return;
  policy_ = &policy;
  if (sim_.findings.traced()) sim_.findings.note("  host ", describe(event), describe(actions));
  // Runners that are lost one after the other, before they were of use, are explained like failed boots.
  if (policy.stats().boots_failed > 0 || policy.stats().runners_lost > 1) sim_.ledger.boot_failed();
  versions_.take(event);
  std::visit([this](const auto& one) { take(one); }, event);
  // What follows from a runner's leave comes before it.
  for (const pool::Action& action : actions)
    if (const auto* drain = std::get_if<pool::action::DrainRunner>(&action)) leaves(peers_.at(drain->runner));
  for (const pool::Action& action : actions) {
    std::visit([this](const auto& one) { note(one); }, action);
    versions_.note(action);
  }
  watch_.after(event, actions, policy, counts());
  watch_.before(policy);  // the next step
}

std::vector<RunnerId> HostBooks::connected() const {
  std::vector<RunnerId> runners;
  for (const auto& [id, peer] : peers_)
    if (peer.connected) runners.push_back(id);
  return runners;
}

bool HostBooks::gets_calls(RunnerId runner) const {
  const auto found = peers_.find(runner);
  return found != peers_.end() && found->second.admitted && found->second.connected && !found->second.leaving;
}

HostBooks::Peer* HostBooks::find(RunnerId runner) {
  const auto found = peers_.find(runner);
  return found == peers_.end() ? nullptr : &found->second;
}

HostCounts HostBooks::counts() const {
  HostCounts counts{.machines = peers_.size(), .leases = leases_};
  const bool single_use = sim_.plan.pool.single_use;
  const std::uint64_t slots = single_use ? 1 : sim_.plan.pool.max_concurrency;
  for (const auto& [id, peer] : peers_) {
    if (!peer.admitted || peer.leaving || !peer.connected || (single_use && peer.sends > 0)) continue;
    if (peer.silent) {
      counts.idle_silent += peer.leases.empty() ? 1 : 0;
      continue;
    }
    ++counts.serving;
    counts.changing += versions_.changes(id) ? 1 : 0;
    counts.free += slots - peer.leases.size();
  }
  return counts;
}

// --- events

void HostBooks::take(const pool::event::RunnerHello& hello) {
  Peer* const peer = find(hello.runner);
  if (peer == nullptr) return sim_.findings.broken("hello of runner ", hello.runner, ", which was not booted");
  peer->connected = true;
}

void HostBooks::take(const pool::event::RunnerLost& lost) {
  if (Peer* const peer = find(lost.runner)) peer->connected = false;
  // Its second connection was kept away by what a plan may have: that costs it, as a boot that takes too long does.
  if (lost.reason.find("bulk connection") != std::string::npos) sim_.ledger.excuse(lost.runner);
}

void HostBooks::take(const pool::event::Submit& submit) {
  if (submit.child) children_.insert(submit.call);
}

void HostBooks::take(const pool::event::MachineEnds& ends) {
  machines_end_ = machines_end_ || ends.left != kForever;
  if (Peer* const peer = find(ends.runner)) peer->ends = base::deadline_after(sim_.agenda.now(), ends.left);
}

void HostBooks::take(const pool::event::MachineExited& exited) {
  if (Peer* const peer = find(exited.runner)) leaves(*peer);
}

void HostBooks::take(const pool::event::Retire& retire) {
  forced_ = retire.must;
  if (const Peer* const peer = find(retire.runner); forced_ && peer != nullptr)
    for (const CallId lease : peer->leases) sim_.ledger.objects_in_trouble(lease);
}

void HostBooks::take(const pool::event::Result& result) {
  left_[result.call] = result.objects;  // in place of what an earlier attempt has left
}

void HostBooks::take(const pool::event::Ended& ended) {
  Peer* const peer = find(ended.runner);
  if (peer == nullptr) return;
  leases_ -= peer->leases.erase(ended.call);
  peer->inside.erase(ended.call);
  std::erase_if(peer->inside, [&](const auto& turn) { return turn.second == ended.call; });
}

void HostBooks::take(const pool::event::EndLease& stop) {
  sim_.ledger.objects_in_trouble(stop.lease);
}

// --- actions

void HostBooks::note(const pool::action::Boot& boot) {
  if (!peers_.try_emplace(boot.runner).second && boot.sent_on.empty())
    sim_.findings.broken("runner id ", boot.runner, " is used again");
}

void HostBooks::note(const pool::action::Admit& admit) {
  peers_.at(admit.runner).admitted = true;
}

void HostBooks::note(const pool::action::Send& send) {
  Peer* const peer = find(send.runner);
  if (peer == nullptr) return sim_.findings.broken("sent to runner ", send.runner, ", which is not there");
  check_send(send, *peer);
  // Where machines end, one that fits goes before one that does not.
  sim_.ledger.sent(send.call, send.runner, send.attempt, !machines_end_);
  book(send, *peer);
}

void HostBooks::check_send(const pool::action::Send& send, const Peer& peer) {
  Findings& findings = sim_.findings;
  if (!peer.admitted) findings.broken("sent to runner ", send.runner, ", which has not said hello");
  if (!versions_.serves(send.runner, sim_.ledger.digest(send.call)))
    findings.broken("sent to runner ", send.runner, ", which does not have the plugin");
  if (const CallId lease = sim_.ledger.lease(send.call); lease != 0) {
    if (!peer.leases.contains(lease)) findings.broken("call ", send.call, " is sent where its object is not");
    if (peer.inside.contains(lease)) findings.broken("two calls at once on the objects of call ", lease);
    return;
  }
  check_end(send, peer);
  if (peer.silent) findings.broken("sent to runner ", send.runner, ", which is silent");
  if (peer.leaving) findings.broken("sent to runner ", send.runner, ", which leaves");
  if (peer.leases.contains(send.call)) findings.broken("call ", send.call, " is sent to the same runner twice");
  const std::size_t slots = sim_.plan.pool.single_use ? 1 : sim_.plan.pool.max_concurrency;
  if (peer.leases.size() >= slots) findings.broken("more calls than slots on runner ", send.runner);
  if (sim_.plan.pool.single_use && peer.sends > 0) findings.broken("a second call for single-use runner ", send.runner);
}

// One without a limit goes there only if no other would take it.
void HostBooks::check_end(const pool::action::Send& send, const Peer& peer) {
  if (peer.ends == kNever) return;
  const bool endless = send.remaining == base::kInfinite || children_.contains(send.call);
  const std::size_t slots = sim_.plan.pool.single_use ? 1 : sim_.plan.pool.max_concurrency;
  const auto would_take = [&](const auto& other) {
    const auto& [id, one] = other;
    return one.admitted && one.connected && !one.leaving && !one.silent && one.ends == kNever &&
           one.leases.size() < slots && !(sim_.plan.pool.single_use && one.sends > 0) &&
           versions_.serves(id, sim_.ledger.digest(send.call));
  };
  const bool past = !endless && base::deadline_after(sim_.agenda.now(), send.remaining) > peer.ends;
  if (past || (endless && std::ranges::any_of(peers_, would_take)))
    sim_.findings.broken("call ", send.call, " may outlast the machine of runner ", send.runner);
}

void HostBooks::book(const pool::action::Send& send, Peer& peer) {
  if (const CallId lease = sim_.ledger.lease(send.call); lease != 0) {
    peer.inside[lease] = send.call;
    return;
  }
  peer.leases.insert(send.call);
  ++peer.sends;
  ++leases_;
}

void HostBooks::note(const pool::action::Complete& complete) {
  sim_.ledger.told(complete);
  if (complete.error && complete.error->code == ErrorCode::invalid_argument && !machines_end_)
    sim_.findings.broken("call ", complete.call, " is said to outlast machines that have no end");
  Answer answer{complete.call, complete.error ? complete.error->code : ErrorCode::none, {}};
  const auto left = left_.extract(complete.call);
  if (!complete.error && !left.empty() && !left.mapped().empty()) {
    if (sim_.ledger.lease(complete.call) == 0) sim_.ledger.holds(complete.call);
    answer.objects = left.mapped();
  }
  answers_.push_back(std::move(answer));
}

void HostBooks::note(const pool::action::LeaseEnded& ended) {
  sim_.ledger.lease_ended(ended.lease, ended.error ? ended.error->code : ErrorCode::none);
}

void HostBooks::leaves(Peer& peer) {
  peer.leaving = true;
  for (const CallId lease : peer.leases) sim_.ledger.objects_in_trouble(lease);
}

void HostBooks::note(const pool::action::RetireReply& reply) {
  Peer* const peer = find(reply.runner);
  if (peer == nullptr || !reply.granted) return;
  if (!forced_ && !peer->leases.empty())
    sim_.findings.broken("runner ", reply.runner, " is let go though it has calls");
  leaves(*peer);
}

void HostBooks::note(const pool::action::Destroy& destroy) {
  const auto peer = peers_.find(destroy.runner);
  if (peer == peers_.end()) return;
  leases_ -= peer->second.leases.size();
  peers_.erase(peer);
}

void HostBooks::note(const pool::action::Quiet& quiet) {
  if (!sim_.plan.local) sim_.findings.broken("runner ", quiet.runner, " is silent and kept, though it is far away");
  peers_.at(quiet.runner).silent = quiet.quiet;
}

void HostBooks::note(const pool::action::Drained&) {
  if (std::exchange(drained_, true)) sim_.findings.broken("drained twice");
  if (sim_.ledger.open() > 0) sim_.findings.broken("drained while ", sim_.ledger.open(), " calls are open");
}

}  // namespace flame::sim
