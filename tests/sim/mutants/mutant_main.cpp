// A build in which one rule is broken on purpose: the simulation must notice. Arguments: worlds, the first one's seed.
#include <cstdio>
#include <cstdlib>

#include "tests/sim/world.hpp"

int main(int argc, char** argv) {
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const std::uint64_t first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const flame::sim::Report report = flame::sim::World(seed).run();
    if (report.broken.empty()) continue;
    std::printf("caught by seed %llu at %s\n", static_cast<unsigned long long>(seed), report.broken.front().c_str());
    return 0;
  }
  std::printf("survived %llu seeds\n", static_cast<unsigned long long>(seeds));
  return 1;
}
