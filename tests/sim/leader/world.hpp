// A loop, its callers and a peer as simulated threads around the real BasicLoopLeader and BasicReadyWord.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "host/src/calls/loop_leader.hpp"
#include "host/src/calls/ready_word.hpp"
#include "tests/sim/leader/platform.hpp"

namespace flame::sim {

/// What happens in one world.
struct LeaderPlan {
  unsigned callers = 2;
  unsigned calls = 2;         ///< of each caller, one after the other
  unsigned casts = 0;         ///< of a thread that submits and never waits
  bool some_give_up = false;  ///< waits with a deadline
  bool one_of_low_standing = false;
  bool drivers_starve = false;  ///< who drives may not get a processor for long
  bool ends_early = false;      ///< the loop ends while calls are under way

  [[nodiscard]] static LeaderPlan from(std::uint64_t seed);
};

/// Chooses by seed: mostly who ran last goes on, so that whole stretches of one thread fall between two steps of
/// another.
class SeededChooser final : public Chooser {
 public:
  explicit SeededChooser(std::uint64_t seed) : random_(seed), stickiness_(seed % 4 * 3) {}
  [[nodiscard]] std::size_t choose(const std::vector<std::size_t>& runnable, std::size_t last) override;

 private:
  std::minstd_rand random_;
  std::uint64_t stickiness_;
};

/// Every order of steps with at most `preemptions` switches away from a thread that could go on: call next() until it
/// is false, and run a world after each.
class ExhaustiveChooser final : public Chooser {
 public:
  explicit ExhaustiveChooser(unsigned preemptions) : most_(preemptions) {}
  [[nodiscard]] bool next();
  [[nodiscard]] std::size_t choose(const std::vector<std::size_t>& runnable, std::size_t last) override;

 private:
  struct Choice {
    std::size_t taken = 0;
    std::size_t count = 1;
  };
  unsigned most_;
  std::vector<Choice> path_;
  std::size_t at_ = 0;
  unsigned preempted_ = 0;
  bool begun_ = false;
};

class LeaderWorld final : private pool::LoopWork {
 public:
  LeaderWorld(const LeaderPlan& plan, std::uint64_t seed, Chooser& chooser);
  ~LeaderWorld();
  LeaderWorld(const LeaderWorld&) = delete;
  LeaderWorld& operator=(const LeaderWorld&) = delete;
  /// What was broken first; empty: nothing.
  [[nodiscard]] std::string run();

 private:
  struct Call;
  struct Sent {
    std::shared_ptr<Call> call;
    Instant at;
  };

  bool work(std::uint64_t ready, pool::Visit& visit) noexcept override;
  void turn();
  void complete(Call& call);
  [[nodiscard]] bool prepare_sleep();
  void run_loop();
  void run_peer();
  void run_caller(unsigned number);
  void run_producer();
  void run_end();
  [[nodiscard]] bool push(std::shared_ptr<Call> call, bool later);
  void wait_for(Call& call);
  void look_before_time_moves();
  void served(Instant since, const char* what);
  void answered(const Call& call);
  void broken(const std::string& what);

  LeaderPlan plan_;
  std::minstd_rand random_;
  SimSystem system_;
  pool::BasicLoopLeader<SimSeat> leader_;
  std::string broken_;
  // the inbox
  std::deque<Sent> inbox_;
  bool inbox_closed_ = false;
  bool loop_sleeps_ = false;
  // the peer
  std::deque<Sent> at_peer_;
  std::deque<Sent> answers_;
  bool answers_seen_ = false;
  std::optional<std::size_t> sleeping_peer_;
  // the loop
  std::size_t loop_ = 0;
  std::set<Call*> open_;
  std::size_t inside_ = Threads::kNobody;
  bool closed_ = false;
  bool ended_ = false;
  unsigned callers_left_ = 0;
  std::vector<Call*> waits_for_;  // by thread
};

}  // namespace flame::sim
