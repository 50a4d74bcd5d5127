// The threads of the world, and the rules that must hold.
#include "tests/sim/leader/world.hpp"

#include <algorithm>
#include <utility>

#include "host/src/calls/loop_leader_impl.hpp"

namespace flame::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kCommandsPerTurn = 2;
// News that a starving driver was woken for are seen to after this at the latest.
// Until the loop's thread wakes a leader again that has missed its wake-up: it looks after each wait of kLateMax.
constexpr Duration kSleepOver = std::chrono::milliseconds(2 * pool::BasicLoopLeader<SimSeat>::kLateMax + 4);
constexpr Duration kLateness = std::chrono::milliseconds(pool::BasicLoopLeader<SimSeat>::kLateMax + 4);

}  // namespace

struct LeaderWorld::Call final : pool::Awaited {
  pool::BasicReadyWord<SimSeat> word;
  bool ready = false;  // as the world knows it, without a step
  Instant ready_at{};
  unsigned turns_after = 0;
  std::size_t waiter = Threads::kNobody;

  [[nodiscard]] bool is_ready() const noexcept override { return word.ready(); }
  void begin_leading() noexcept override { word.begin_leading(); }
  void end_leading() noexcept override { word.end_leading(); }
};

LeaderPlan LeaderPlan::from(std::uint64_t seed) {
  std::minstd_rand random(static_cast<std::uint32_t>(seed * 2654435761U + 1));
  const auto below = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  LeaderPlan plan;
  plan.callers = 1 + below(3);
  plan.calls = 1 + below(3);
  plan.casts = below(3) == 0 ? 20 + below(40) : 0;
  plan.some_give_up = below(3) == 0;
  plan.one_of_low_standing = below(4) == 0;
  plan.drivers_starve = below(4) == 0;
  plan.ends_early = below(3) == 0;
  return plan;
}

std::size_t SeededChooser::choose(const std::vector<std::size_t>& runnable, std::size_t last) {
  const bool can_stay = std::ranges::find(runnable, last) != runnable.end();
  if (can_stay && random_() % 10 < stickiness_) return last;
  return runnable[random_() % runnable.size()];
}

bool ExhaustiveChooser::next() {
  at_ = 0;
  preempted_ = 0;
  if (!std::exchange(begun_, true)) return true;
  while (!path_.empty() && path_.back().taken + 1 == path_.back().count) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

std::size_t ExhaustiveChooser::choose(const std::vector<std::size_t>& runnable, std::size_t last) {
  // Staying comes first and is free.
  std::vector<std::size_t> order = runnable;
  const auto place = std::ranges::find(order, last);
  const bool can_stay = place != order.end();
  if (can_stay) std::rotate(order.begin(), place, place + 1);
  if (can_stay && preempted_ == most_) return last;
  if (at_ == path_.size()) path_.push_back({0, order.size()});
  const std::size_t taken = path_[at_++].taken;
  if (can_stay && taken > 0) ++preempted_;
  return order[taken];
}

LeaderWorld::LeaderWorld(const LeaderPlan& plan, std::uint64_t seed, Chooser& chooser)
    : plan_(plan), random_(static_cast<std::uint32_t>(seed + 1)), system_(chooser), callers_left_(plan.callers) {
  loop_ = system_.threads.add([this] { run_loop(); });
  for (unsigned i = 0; i < plan_.callers; ++i) {
    const std::size_t thread = system_.threads.add([this, i] { run_caller(i); });
    if (plan_.one_of_low_standing && i == 0) system_.low.insert(thread);
  }
  system_.threads.add([this] { run_peer(); });
  if (plan_.casts > 0) system_.threads.add([this] { run_producer(); });
  system_.threads.add([this] { run_end(); });
  waits_for_.resize(plan_.callers + 4);
  system_.on_listen = [this](std::size_t thread) {
    if (plan_.drivers_starve && thread != loop_ && random_() % 2 == 0)
      system_.threads.starve(thread, system_.threads.now() + Duration(random_() % 150'000'000));
  };
}

LeaderWorld::~LeaderWorld() = default;

std::string LeaderWorld::run() {
  const bool all_ended = system_.threads.run([this] { look_before_time_moves(); });
  if (!all_ended) broken("threads sleep for ever");
  return broken_;
}

void LeaderWorld::broken(const std::string& what) {
  if (broken_.empty()) broken_ = what + " (step " + std::to_string(system_.threads.steps()) + ")";
}

// --- rules

// Nobody can run: then nothing may be left that somebody could do now.
void LeaderWorld::look_before_time_moves() {
  if (plan_.drivers_starve) return;  // served() looks at how long it took
  if (!closed_ && !inbox_.empty()) broken("all sleep over a command");
  if (!closed_ && !answers_.empty()) broken("all sleep over an answer");
  for (const Call* call : waits_for_)
    if (call != nullptr && call->ready) broken("a caller sleeps over its own answer");
}

void LeaderWorld::served(Instant since, const char* what) {
  const Duration took = system_.threads.now() - since;
  if (took > (plan_.drivers_starve ? kLateness : Duration::zero())) broken(std::string(what) + " waited for a timer");
}

// From when it could have run.
void LeaderWorld::answered(const Call& call) {
  const Threads& threads = system_.threads;
  const Duration slept = threads.now() - std::max(call.ready_at, threads.starved_until(threads.self()));
  if (slept > (plan_.drivers_starve ? kSleepOver : Duration::zero()))
    broken("a caller sleeps over its own answer for long");
}

// --- the loop's work, as the real one does it

bool LeaderWorld::work(std::uint64_t ready, pool::Visit& visit) noexcept {
  const std::size_t self = system_.threads.self();
  if (inside_ != Threads::kNobody) broken("two threads are under the lead");
  if (closed_) broken("work after close()");
  if (system_.low.contains(self)) broken("a thread of low standing works for all");
  inside_ = self;
  answers_seen_ = answers_seen_ || (ready & 1) != 0;
  bool more = true;
  unsigned turns = 0;
  for (bool over = false; more && !over;) {
    if (Call* own = waits_for_[self]; own != nullptr && own->ready && ++turns > 1 + pool::Visit::kTurnsReady)
      broken("a caller works on after its own call was ready");
    turn();
    more = !prepare_sleep();
    over = visit.over(system_.threads.now());
  }
  leader_.wake_by(system_.threads.now() + 1s);
  inside_ = Threads::kNobody;
  return more;
}

void LeaderWorld::turn() {
  step();
  loop_sleeps_ = false;
  for (std::size_t i = 0; i < kCommandsPerTurn && !inbox_.empty(); ++i) {
    Sent sent = std::move(inbox_.front());
    inbox_.pop_front();
    served(sent.at, "a command");
    if (sent.call == nullptr) continue;
    open_.insert(sent.call.get());
    at_peer_.push_back(std::move(sent));
    if (sleeping_peer_) system_.threads.wake(*sleeping_peer_);
  }
  step();
  if (!std::exchange(answers_seen_, false)) return;
  for (const Sent& answer : std::exchange(answers_, {})) {
    served(answer.at, "an answer");
    complete(*answer.call);
  }
}

bool LeaderWorld::prepare_sleep() {
  step();
  loop_sleeps_ = inbox_.empty();
  return loop_sleeps_;
}

void LeaderWorld::complete(Call& call) {
  if (open_.erase(&call) == 0) return;
  call.ready = true;
  call.ready_at = system_.threads.now();
  static_cast<void>(call.word.set(&leader_));
}

// --- threads

void LeaderWorld::run_loop() {
  leader_.open(*this);
  leader_.wake();
  while (!ended_) leader_.turn();
  leader_.close();
  if (inside_ != Threads::kNobody) broken("closed while somebody works");
  closed_ = true;
  step();
  inbox_closed_ = true;
  const std::deque<Sent> left = std::exchange(inbox_, {});
  for (const Sent& sent : left)
    if (sent.call != nullptr) open_.insert(sent.call.get());
  while (!open_.empty()) complete(**open_.begin());
}

void LeaderWorld::run_peer() {
  Threads& threads = system_.threads;
  while (!ended_ || !at_peer_.empty()) {
    if (at_peer_.empty()) {
      sleeping_peer_ = threads.self();
      threads.sleep(ended_ ? threads.now() : pool::kNever);
      sleeping_peer_.reset();
      continue;
    }
    Sent sent = std::move(at_peer_.front());
    at_peer_.pop_front();
    if (random_() % 3 == 0) threads.sleep(threads.now() + Duration(random_() % 40'000'000));
    answers_.push_back({std::move(sent.call), threads.now()});
    system_.events->post(0);
    step();
  }
}

bool LeaderWorld::push(std::shared_ptr<Call> call, bool later) {
  step();
  if (inbox_closed_) return false;
  inbox_.push_back({std::move(call), system_.threads.now()});
  const bool asleep = !later && std::exchange(loop_sleeps_, false);
  if (asleep) leader_.wake();
  return true;
}

void LeaderWorld::run_caller(unsigned number) {
  for (unsigned i = 0; i < plan_.calls; ++i) {
    const auto call = std::make_shared<Call>();
    const bool blocking = random_() % 2 == 0;
    if (!push(call, blocking)) break;
    waits_for_[system_.threads.self()] = call.get();
    const bool gives_up = plan_.some_give_up && !blocking && number % 2 == 0;
    const Instant deadline = gives_up ? system_.threads.now() + Duration(random_() % 20'000'000) : pool::kNever;
    if (!leader_.lead_until(*call, deadline)) static_cast<void>(call->word.sleep(deadline));
    if (!call->ready && system_.threads.now() < deadline) broken("a caller went before its answer");
    waits_for_[system_.threads.self()] = nullptr;
    if (call->ready) answered(*call);
    if (!call->ready) open_.erase(call.get());
    // The peer and the inbox keep it.
  }
  --callers_left_;
}

void LeaderWorld::run_producer() {
  for (unsigned i = 0; i < plan_.casts && !ended_; ++i) {
    if (!push(nullptr, false)) return;
    // So often that the loop's thread never waits in vain.
    if (plan_.drivers_starve) system_.threads.sleep(system_.threads.now() + Duration(random_() % 12'000'000));
  }
}

void LeaderWorld::run_end() {
  Threads& threads = system_.threads;
  // In the middle of things.
  for (std::uint64_t steps = plan_.ends_early ? random_() % 300 : 0; steps > 0; --steps) step();
  while (!plan_.ends_early && callers_left_ > 0) threads.sleep(threads.now() + 10ms);
  ended_ = true;
  leader_.wake();
  if (sleeping_peer_) threads.wake(*sleeping_peer_);
}

}  // namespace flame::sim
