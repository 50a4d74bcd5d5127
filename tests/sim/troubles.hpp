// What goes wrong in a simulated world, at random times, of the kinds that its plan knows.
#pragma once

#include <functional>
#include <map>

#include "tests/sim/sim_host.hpp"
#include "tests/sim/twins.hpp"

namespace flame::sim {

class Troubles {
 public:
  Troubles(Context& sim, Network& network, Engines& engines, SimHost& host, Twins& twins)
      : sim_(sim), network_(network), engines_(engines), host_(host), twins_(twins) {}
  void start();
  /// Everything works from now on.
  void end();

 private:
  /// Does `trouble` again and again, about `mean` apart.
  void every(Duration mean, std::function<void()> trouble);
  void on_some_runner(const std::function<void(RunnerModel&)>& trouble);

  void crash(RunnerModel& runner);
  void disconnect(RunnerModel& runner);
  void partition(RunnerModel& runner);
  void freeze(RunnerModel& runner);
  void freeze_host();
  void lose_beats(RunnerModel& runner);
  void sigterm(RunnerModel& runner);
  void outage();

  /// A runner that is out of reach for as long as this may be lost; shorter, it must not.
  void excuse_if_long(RunnerModel& runner, Duration duration);
  [[nodiscard]] bool occupied(const RunnerModel& runner, Duration duration);

  Context& sim_;
  Network& network_;
  Engines& engines_;
  SimHost& host_;
  Twins& twins_;
  std::map<RunnerId, Instant> occupied_until_;  // one trouble at a time: together they would be a long one
  std::map<RunnerId, bool> terminated_;
};

}  // namespace flame::sim
