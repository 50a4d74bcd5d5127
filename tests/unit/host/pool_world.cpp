// PoolWorld: random events and the invariants.
#include "tests/unit/host/pool_world.hpp"

namespace flame::pool {

using namespace std::chrono_literals;

namespace {

constexpr DigestId kDigests = 2;

PoolConfig random_config(std::mt19937_64& random) {
  PoolConfig config;
  config.max = static_cast<std::uint32_t>(1 + random() % 4);
  config.min = static_cast<std::uint32_t>(random() % (config.max + 1));
  config.max_concurrency = static_cast<std::uint32_t>(1 + random() % 3);
  config.single_use = random() % 4 == 0;
  config.strategy = random() % 2 == 0 ? Strategy::least_loaded : Strategy::pack;
  config.max_queue = 1 + random() % 20;
  config.warm = static_cast<std::uint32_t>(random() % 3);
  config.idle_shutdown_after = 30s;
  config.min_idle_shutdown_after = random() % 2 == 0 ? kForever : Duration(60s);
  return config;
}

Error some_error(ErrorCode code) {
  Error error;
  error.code = code;
  error.message = "simulated";
  return error;
}

}  // namespace

PoolWorld::PoolWorld(std::uint64_t seed)
    : random_(seed), config_(random_config(random_)), policy_(config_, {0}, seed), max_(config_.max) {
  feed(event::Tick{});
}

void PoolWorld::step() {
  ++steps_;
  if (steps_ == 150) policy_.set_plugins({0, 1});
  switch (roll(14)) {
    case 0:
    case 1:
    case 2:
      return submit();
    case 3:
      return cancel();
    case 4:
      return boot_outcome();
    case 5:
    case 6:
      return say_hello();
    case 7:
      return report();
    case 8:
    case 9:
      return end_call();
    case 10:
      return retire();
    case 11:
      return roll(4) == 0 ? lose() : exit_of_the_lost();
    case 12:
      if (roll(10) == 0) return change_bounds();
      if (roll(5) == 0) return feed(event::Expect{roll(6), Duration(1s) * static_cast<int>(roll(20))});
      return pass_time();
    default:
      return pass_time();
  }
}

void PoolWorld::finish() {
  feed(event::Drain{60s});
  for (int round = 0; round < 10'000 && !drained_; ++round) {
    if (roll(3) == 0) say_hello();
    if (const auto lease = some_lease()) end_call();
    const std::optional<RunnerId> gone = some(true);
    if (gone && machines_.at(*gone).leaving && machines_.at(*gone).held.empty()) feed(event::RunnerLost{*gone, "bye"});
    pass_time();
  }
  const PolicyStats stats = policy_.stats();
  if (!drained_) violated("never drained");
  if (completed_ != calls_.size()) violated("not every call was completed");
  if (stats.waiting + stats.in_flight + stats.runners + stats.booting != 0) violated("something is left");
  if (policy_.next_wakeup() != kNever) violated("a timer is left");
}

void PoolWorld::feed(const Event& event) {
  Actions actions;
  policy_.on(event, now_, actions);
  for (const Action& action : actions) check(action);
  check_totals();
}

void PoolWorld::check(const Action& action) {
  if (const auto* boot = std::get_if<action::Boot>(&action)) {
    if (!machines_.emplace(boot->runner, Machine{}).second) violated("a runner id was used again");
    machines_.at(boot->runner).asked = boot->digests;
  } else if (const auto* send = std::get_if<action::Send>(&action)) {
    check(*send);
  } else if (const auto* complete = std::get_if<action::Complete>(&action)) {
    if (std::exchange(calls_.at(complete->call).complete, true)) violated("a call was completed twice");
    ++completed_;
  } else if (const auto* reply = std::get_if<action::RetireReply>(&action)) {
    if (reply->granted) machines_.at(reply->runner).leaving = true;
  } else if (const auto* drain = std::get_if<action::DrainRunner>(&action)) {
    machines_.at(drain->runner).leaving = true;
  } else if (const auto* destroy = std::get_if<action::Destroy>(&action)) {
    if (machines_.erase(destroy->runner) == 0) violated("a runner was destroyed twice");
  } else if (std::holds_alternative<action::Drained>(action)) {
    if (std::exchange(drained_, true)) violated("drained twice");
  }
}

void PoolWorld::check(const action::Send& send) {
  Call& call = calls_.at(send.call);
  auto machine = machines_.find(send.runner);
  if (machine == machines_.end() || !machine->second.hello) return violated("sent to a runner that is not there");
  const auto ghost = ghosts_.find(send.call);
  if (ghost != ghosts_.end() && now_ < ghost->second.second) violated("sent while an attempt may still run");
  if (machine->second.leaving) violated("sent to a runner that leaves");
  if (!machine->second.serves.contains(call.digest)) violated("sent to a runner without the digest");
  if (call.complete) violated("sent after its completion");
  if (++call.sends != send.attempt) violated("attempts are not counted");
  if (send.attempt > 1 && !call.idempotent) violated("retried though not idempotent");
  for (const auto& [id, other] : machines_)
    if (other.held.contains(send.call)) violated("two attempts at once");
  const bool fresh = machine->second.held.emplace(send.call, false).second;
  if (!fresh) violated("sent twice to one runner");
  ++machine->second.sent;
  const std::size_t room = config_.single_use ? 1 : config_.max_concurrency;
  if (machine->second.held.size() > room) violated("more in flight than slots");
  if (config_.single_use && machine->second.sent > 1) violated("a single-use runner got a second call");
  if (send.attempt > 1) return;
  if (last_first_[call.digest] > send.call) violated("not first in, first out");
  last_first_[call.digest] = send.call;
}

void PoolWorld::check_totals() {
  const PolicyStats stats = policy_.stats();
  std::uint64_t held = 0;
  for (const auto& [id, machine] : machines_) held += machine.held.size();
  if (stats.in_flight != held) violated("leases disagree with the world");
  if (machines_.size() > max_) violated("more machines than max");
  if (stats.runners + stats.booting != machines_.size()) violated("runners disagree with the world");
  if (stats.waiting > config_.max_queue + held + stats.retried) violated("the queue is longer than max_queue");
  if (stats.succeeded + stats.failed != completed_) violated("completions are not counted");
  const bool help = stats.runners + stats.booting > 0 || policy_.next_wakeup() != kNever;
  if (stats.waiting > 0 && !help) violated("somebody waits and nothing will happen");
}

void PoolWorld::violated(const std::string& what) {
  violations_.push_back("step " + std::to_string(steps_) + ": " + what);
}

void PoolWorld::submit() {
  const CallId call = calls_.size() + 1;
  event::Submit event{.call = call, .digest = static_cast<DigestId>(steps_ < 150 ? 0 : roll(kDigests))};
  event.idempotent = roll(3) == 0;
  event.retries = static_cast<std::uint32_t>(roll(3));
  if (roll(2) == 0) event.budget = Duration(1s) * (1 + static_cast<int>(roll(60)));
  if (roll(8) == 0) event.budget = kForever;
  calls_[call] = {event.digest, event.idempotent, 0, false};
  feed(event);
}

void PoolWorld::cancel() {
  if (!calls_.empty()) feed(event::Cancel{1 + roll(calls_.size())});
}

void PoolWorld::boot_outcome() {
  const std::optional<RunnerId> runner = some(false);
  if (!runner) return;
  if (roll(3) != 0) return feed(event::BootOk{*runner});
  feed(event::BootFailed{*runner, some_error(ErrorCode::boot_failed), roll(3) == 0});
}

void PoolWorld::say_hello() {
  const std::optional<RunnerId> runner = some(false);
  if (!runner) return;
  Machine& machine = machines_.at(*runner);
  machine.hello = true;
  event::RunnerHello hello{*runner, {}};
  for (const DigestId digest : machine.asked) {
    const bool broken = roll(8) == 0;
    hello.plugins.push_back({digest, broken ? std::optional(some_error(ErrorCode::incompatible)) : std::nullopt});
    if (!broken) machine.serves.insert(digest);
  }
  feed(hello);
}

void PoolWorld::report() {
  const auto lease = some_lease();
  if (!lease) return;
  const auto [runner, call] = *lease;
  if (roll(3) == 0) return feed(event::Begun{runner, call});
  std::optional<Error> error;
  if (roll(2) == 0) error = some_error(roll(2) == 0 ? ErrorCode::crashed : ErrorCode::task_failed);
  machines_.at(runner).held.at(call) = true;
  feed(event::Result{runner, call, error});
}

void PoolWorld::end_call() {
  const auto lease = some_lease();
  if (!lease) return;
  const auto [runner, call] = *lease;
  if (!machines_.at(runner).held.at(call) && roll(10) != 0) feed(event::Result{runner, call, std::nullopt});
  auto machine = machines_.find(runner);
  if (machine == machines_.end()) return;
  machine->second.held.erase(call);
  machine->second.seen = machine->second.sent;
  feed(event::Ended{runner, call});
}

void PoolWorld::retire() {
  const std::optional<RunnerId> runner = some(true);
  if (!runner) return;
  const Machine& machine = machines_.at(*runner);
  feed(event::Retire{*runner, machine.seen, machine.sent, roll(20) == 0});
}

void PoolWorld::lose() {
  const std::optional<RunnerId> runner = some(roll(2) == 0);
  if (!runner) return;
  if (roll(2) == 0) return feed(event::MachineExited{*runner, "killed"});
  // A runner that lives on gives its host up after 10 s without an answer.
  for (const auto& [call, reported] : machines_.at(*runner).held) ghosts_[call] = {*runner, now_ + 10s};
  feed(event::RunnerLost{*runner, "closed"});
}

void PoolWorld::exit_of_the_lost() {
  if (ghosts_.empty()) return pass_time();
  const RunnerId runner = ghosts_.begin()->second.first;
  std::erase_if(ghosts_, [&](const auto& ghost) { return ghost.second.first == runner; });
  feed(event::MachineExited{runner, "killed"});
}

void PoolWorld::pass_time() {
  now_ += Duration(1ms) * (1 + static_cast<int>(roll(3000)));
  for (RunnerId runner = 1; runner < 10'000 && roll(5) != 0; ++runner) {
    auto machine = machines_.lower_bound(runner);
    if (machine == machines_.end()) break;
    runner = machine->first;
    if (machine->second.hello) feed(event::Heard{runner});
  }
  feed(event::Tick{});
}

void PoolWorld::change_bounds() {
  // Only upwards, so that "never more machines than max" can be checked at every moment.
  ++max_;
  feed(event::Resize{config_.min, max_});
}

std::optional<RunnerId> PoolWorld::some(bool hello) {
  std::vector<RunnerId> fitting;
  for (const auto& [id, machine] : machines_)
    if (machine.hello == hello) fitting.push_back(id);
  if (fitting.empty()) return std::nullopt;
  return fitting[roll(fitting.size())];
}

std::optional<std::pair<RunnerId, CallId>> PoolWorld::some_lease() {
  std::vector<std::pair<RunnerId, CallId>> leases;
  for (const auto& [id, machine] : machines_)
    for (const auto& [call, reported] : machine.held) leases.emplace_back(id, call);
  if (leases.empty()) return std::nullopt;
  return leases[roll(leases.size())];
}

}  // namespace flame::pool
