// One simulated world: a host with one pool, its engines, network and callers, and other hosts of its name. Everything
// comes from the seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/callers.hpp"
#include "tests/sim/troubles.hpp"

namespace flame::sim {

/// What a world has to say at its end.
struct Report {
  std::vector<std::string> broken;  ///< rules, with the moment; empty: all was well
  Ledger::Tally calls;
  pool::PolicyStats pool;
  std::uint64_t steps = 0;
  std::uint64_t fingerprint = 0;  ///< of when everything happened: the same seed, the same world
};

class World {
 public:
  explicit World(std::uint64_t seed, bool traced = false);
  Report run();

 private:
  void run_for(Duration time);
  /// Runs until `done()`, at most for so long. False: it did not come to that.
  template <class Condition>
  bool run_until(Condition done, Duration patience);
  void live();
  void step();

  void after_the_storm();
  void check_minimum();
  void check_machines();
  void change_once_more();
  [[nodiscard]] bool old_versions_are_gone();
  void probe();
  ErrorCode probe(DigestId digest);
  void drain();
  void close_machines();
  void lose_host();
  void clean_up();

  Context sim_;
  Network network_;
  Engines engines_;
  SimHost host_;
  Twins twins_;
  Callers callers_;
  Troubles troubles_;
  std::uint64_t steps_ = 0;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace flame::sim
