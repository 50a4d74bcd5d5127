// When the pool grows, held against FLAME's own rule: on every arrival it boots exactly when FLAME 0.5.3 would.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <set>
#include <vector>

#include "host/src/policy/pool_policy.hpp"

namespace flame::pool {
namespace growth_test {

using namespace std::chrono_literals;

/// FLAME's checkout for a caller that found no free slot: start one boot unless max is reached, a retry is being waited
/// for, or the boots under way have room for more callers than waited before this one.
bool flame_boots(std::uint32_t concurrency, std::uint64_t waiting_before, std::uint32_t pending, std::uint32_t runners,
                 std::uint32_t max, bool timer_armed) {
  if (runners + pending >= max) return false;
  return !(timer_armed || std::uint64_t{pending} * concurrency > waiting_before);
}

/// FLAME's pool, transcribed: the least loaded runner, one boot at a time per arrival, a queue that a new runner and
/// every call that ends are taken from.
class FlamePool {
 public:
  FlamePool(std::uint32_t min, std::uint32_t max, std::uint32_t concurrency)
      : max_(max), concurrency_(concurrency), loads_(min, 0) {}

  /// Whether it boots a runner.
  bool checkout() {
    if (lease()) return false;
    const bool boots = flame_boots(concurrency_, waiting_, pending_, runners(), max_, false);
    pending_ += boots ? 1 : 0;
    ++waiting_;
    return boots;
  }
  void booted() {
    --pending_;
    const auto taken = std::min<std::uint64_t>(waiting_, concurrency_);
    waiting_ -= taken;
    loads_.push_back(static_cast<std::uint32_t>(taken));
  }
  void checkin(std::uint32_t runner_with_work) {
    auto busy = std::find_if(loads_.begin(), loads_.end(),
                             [&](std::uint32_t load) { return load > 0 && runner_with_work-- == 0; });
    --*(busy == loads_.end() ? std::max_element(loads_.begin(), loads_.end()) : busy);
    if (waiting_ > 0 && lease()) --waiting_;
  }
  void give_up() { --waiting_; }
  [[nodiscard]] bool idle_out() {
    const auto idle = std::find(loads_.begin(), loads_.end(), 0U);
    if (idle == loads_.end()) return false;
    loads_.erase(idle);
    return true;
  }

  [[nodiscard]] std::uint32_t runners() const { return static_cast<std::uint32_t>(loads_.size()); }
  [[nodiscard]] std::uint32_t pending() const { return pending_; }
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }

 private:
  bool lease() {
    const auto least = std::min_element(loads_.begin(), loads_.end());
    if (least == loads_.end() || *least >= concurrency_) return false;
    ++*least;
    return true;
  }

  std::uint32_t max_;
  std::uint32_t concurrency_;
  std::vector<std::uint32_t> loads_;
  std::uint32_t pending_ = 0;
  std::uint64_t waiting_ = 0;
};

/// Both pools, fed with the same things.
class Twins {
 public:
  explicit Twins(std::uint64_t seed)
      : random_(seed),
        min_(pick(0, 2)),
        max_(pick(std::max(min_, 1U), 6)),
        concurrency_(pick(1, 5)),
        flame_(min_, max_, concurrency_),
        ours_(config(), {0}, {.seed = seed}) {
    feed(event::Tick{});
    while (!booting_.empty()) hello();
    boots_ = 0;
  }

  void step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return arrive();
      case 3:
      case 4:
        return end_call();
      case 5:
        return boot_ends();
      case 6:
        return give_up();
      default:
        return idle_out();
    }
  }

 private:
  std::uint32_t pick(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(random_() % (most - least + 1));
  }
  PoolConfig config() const {
    PoolConfig config;
    config.backend = {"local"};
    config.min = min_;
    config.max = max_;
    config.max_concurrency = concurrency_;
    return config;
  }

  void feed(const Event& event) {
    actions_.clear();
    ours_.on(event, now_, actions_);
    for (const Action& action : actions_) {
      if (const auto* boot = std::get_if<action::Boot>(&action)) {
        booting_.push_back(boot->runner);
        ++boots_;
      } else if (const auto* send = std::get_if<action::Send>(&action)) {
        running_.push_back(*send);
        waiting_.erase(send->call);
      } else if (const auto* destroy = std::get_if<action::Destroy>(&action)) {
        std::erase(serving_, destroy->runner);
      }
    }
  }
  void hello() {
    const RunnerId runner = booting_.front();
    booting_.pop_front();
    serving_.push_back(runner);
    feed(event::RunnerHello{runner, {{0, std::nullopt}}});
  }

  void arrive() {
    const bool flame_boots = flame_.checkout();
    waiting_.insert(++last_call_);
    feed(event::Submit{.call = last_call_, .budget = kForever});
    EXPECT_EQ(boots_, flame_boots ? 1U : 0U) << "an arrival with " << flame_.waiting() << " waiting";
    boots_ = 0;
    compare();
  }
  void end_call() {
    if (running_.empty()) return;
    std::swap(running_[random_() % running_.size()], running_.back());
    const action::Send call = running_.back();
    running_.pop_back();
    flame_.checkin(static_cast<std::uint32_t>(random_() % 6));
    feed(event::Result{call.runner, call.call, std::nullopt});
    feed(event::Ended{call.runner, call.call});
    compare();
  }
  void boot_ends() {
    if (booting_.empty()) return;
    flame_.booted();
    hello();
    compare();
  }
  void give_up() {
    if (waiting_.empty()) return;
    const CallId call = *std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(random_() % waiting_.size()));
    waiting_.erase(call);
    flame_.give_up();
    feed(event::Cancel{call, wire::CancelReason::cancelled});
    compare();
  }
  void idle_out() {
    if (serving_.size() <= min_ || !waiting_.empty()) return;
    const auto idle = std::find_if(serving_.begin(), serving_.end(), [&](RunnerId runner) {
      return std::none_of(running_.begin(), running_.end(), [&](const auto& call) { return call.runner == runner; });
    });
    if (idle == serving_.end() || !flame_.idle_out()) return;
    feed(event::Retire{.runner = *idle, .must = true});
    feed(event::RunnerLost{*idle, "idle"});
    compare();
  }

  void compare() {
    EXPECT_EQ(boots_, 0U) << "FLAME boots on arrivals only, and here nothing was lost";
    const PolicyStats stats = ours_.stats();
    EXPECT_EQ(stats.runners, flame_.runners());
    EXPECT_EQ(stats.booting, flame_.pending());
    EXPECT_EQ(stats.waiting, flame_.waiting());
  }

  std::mt19937_64 random_;
  std::uint32_t min_;
  std::uint32_t max_;
  std::uint32_t concurrency_;
  FlamePool flame_;
  PoolPolicy ours_;
  Instant now_{1h};
  Actions actions_;
  std::deque<RunnerId> booting_;
  std::vector<RunnerId> serving_;
  std::vector<action::Send> running_;
  std::set<CallId> waiting_;
  CallId last_call_ = 0;
  std::uint32_t boots_ = 0;
};

#ifdef FLAME_TEST_SLOW  // a sanitizer takes a tenth of a second for each
constexpr std::uint64_t kTwins = 100;
#else
constexpr std::uint64_t kTwins = 500;
#endif

TEST(Growth, BootsOnEveryArrivalExactlyWhenFlameDoes) {
  for (std::uint64_t seed = 1; seed <= kTwins; ++seed) {
    Twins twins(seed);
    for (int step = 0; step < 400; ++step) twins.step();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
}

// After losses and failed boots, too: the rule is asked in every state that level-triggered growth leaves behind, where
// the boots under way cover those who wait or max is reached.
TEST(Growth, EqualsFlamesRuleInEveryStateThatItLeavesBehind) {
  std::uint64_t states = 0;
  for (std::uint32_t c = 1; c <= 6; ++c)
    for (std::uint32_t max = 1; max <= 8; ++max)
      for (std::uint32_t runners = 0; runners <= max; ++runners)
        for (std::uint32_t pending = 0; pending + runners <= max; ++pending)
          for (std::uint64_t waiting = 0; waiting <= 50; ++waiting) {
            Elastic elastic({.max = max, .capacity = c});
            const Elastic::Counts before{
                .waiting = waiting, .runners = runners, .serving = runners, .booting = pending};
            if (elastic.plan(before, Instant{}).boots > 0) continue;
            Elastic::Counts after = before;
            ++after.waiting;
            ASSERT_EQ(elastic.plan(after, Instant{}).boots,
                      flame_boots(c, waiting, pending, runners, max, false) ? 1U : 0U)
                << waiting << " wait, " << pending << " boot, " << runners << " of " << max << " run, " << c
                << " slots";
            ++states;
          }
  EXPECT_GT(states, 10'000U);
}

// FLAME's timer after a failed boot is our back-off: nobody boots on an arrival meanwhile.
TEST(Growth, WaitsLikeFlameAfterAFailedBoot) {
  PoolPolicy pool({.max = 4, .max_concurrency = 1}, {0}, {});
  const Instant now{1h};
  Actions actions;
  pool.on(event::Submit{.call = 1}, now, actions);
  pool.on(event::BootFailed{.runner = 1}, now, actions);
  actions.clear();
  for (std::uint64_t waiting = 2; waiting < 10; ++waiting) {
    EXPECT_FALSE(flame_boots(1, waiting - 1, 0, 0, 4, true));
    pool.on(event::Submit{.call = waiting}, now, actions);
  }
  EXPECT_TRUE(std::ranges::none_of(actions, [](const Action& one) { return std::get_if<action::Boot>(&one); }));
}

}  // namespace growth_test
}  // namespace flame::pool
