// A build in which one rule of the lead is broken on purpose: the simulation must notice.
#include <cstdio>
#include <cstdlib>

#include "tests/sim/leader/world.hpp"

int main(int argc, char** argv) {
  using namespace flame::sim;
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SeededChooser chooser(seed);
    const std::string broken = LeaderWorld(LeaderPlan::from(seed), seed, chooser).run();
    if (broken.empty()) continue;
    std::printf("caught by seed %llu: %s\n", static_cast<unsigned long long>(seed), broken.c_str());
    return 0;
  }
  std::printf("survived %llu seeds\n", static_cast<unsigned long long>(seeds));
  return 1;
}
