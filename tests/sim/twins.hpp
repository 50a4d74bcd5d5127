// The other hosts of a world: they come, and are killed with machines up.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/sim/twin.hpp"

namespace flame::sim {

class Twins {
 public:
  Twins(Context& sim, Engines& engines) : sim_(sim), engines_(engines) {}

  /// One of them does something, or begins, or is killed.
  void act() {
    if (living_ == nullptr) return begin_one();
    if (sim_.chance.one_in(8)) return end();
    living_->act();
  }
  void begin_one() { living_ = std::make_unique<Twin>(sim_, engines_, Engines::kHost.pid + ++count_); }
  void end() { living_.reset(); }
  void hear() {
    if (living_ != nullptr) living_->hear();
  }

 private:
  Context& sim_;
  Engines& engines_;
  std::unique_ptr<Twin> living_;
  std::int64_t count_ = 0;
};

}  // namespace flame::sim
