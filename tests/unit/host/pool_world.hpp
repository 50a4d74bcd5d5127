// A random world around one PoolPolicy: machines that boot, fail, die and leave; calls that run, crash and hang. Checks
// after every event what must always hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/src/pool_policy.hpp"

namespace flame::pool {

class PoolWorld {
 public:
  explicit PoolWorld(std::uint64_t seed);

  /// One random event.
  void step();
  /// No further calls; everything that is under way ends. Then checks that nothing is left.
  void finish();

  /// What was violated; empty if nothing.
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
  [[nodiscard]] const PolicyStats stats() const { return policy_.stats(); }

 private:
  struct Machine {
    bool hello = false;
    bool leaving = false;  // told or allowed to go: nothing may be sent to it
    std::uint64_t sent = 0;
    std::uint64_t seen = 0;
    std::vector<DigestId> asked;
    std::set<DigestId> serves;
    std::map<CallId, bool> held;  // and whether its result was reported
  };
  struct Call {
    DigestId digest = 0;
    bool idempotent = false;
    std::uint32_t sends = 0;
    bool complete = false;
  };

  void feed(const Event& event);
  void check(const Action& action);
  void check(const action::Send& send);
  void check_totals();
  void violated(const std::string& what);

  void submit();
  void cancel();
  void boot_outcome();
  void say_hello();
  void report();
  void end_call();
  void retire();
  void lose();
  void exit_of_the_lost();
  void pass_time();
  void change_bounds();

  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
  std::optional<RunnerId> some(bool hello);
  std::optional<std::pair<RunnerId, CallId>> some_lease();

  std::mt19937_64 random_;
  PoolConfig config_;
  PoolPolicy policy_;
  Instant now_{std::chrono::hours(1)};
  std::map<RunnerId, Machine> machines_;
  std::map<CallId, Call> calls_;
  std::map<CallId, std::pair<RunnerId, Instant>> ghosts_;  // may still run there until then: their runner was lost
  std::map<DigestId, CallId> last_first_;                  // per digest: the last call whose first attempt was sent
  std::uint64_t completed_ = 0;
  bool drained_ = false;
  std::uint32_t max_;
  std::uint64_t steps_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace flame::pool
