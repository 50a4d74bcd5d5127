// Everything random in a simulated world, from one seed.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>

#include "tests/sim/agenda.hpp"

namespace flame::sim {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  /// 0 … sides - 1
  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }
  template <class Number>
  Number number(Number least, Number most) {
    return static_cast<Number>(least + static_cast<Number>(roll(static_cast<std::uint64_t>(most - least) + 1)));
  }
  bool one_in(std::uint64_t sides) { return roll(sides) == 0; }
  bool percent(unsigned chance) { return roll(100) < chance; }
  Duration between(Duration least, Duration most) { return Duration(number(least.count(), most.count())); }
  /// Mostly near `least`, sometimes far from it.
  Duration skewed(Duration least, Duration most) { return between(least, between(least, between(least, most))); }
  template <class List>
  auto& pick(List& list) {
    return *std::next(list.begin(), static_cast<std::ptrdiff_t>(roll(list.size())));
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace flame::sim
