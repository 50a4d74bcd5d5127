// Machines whose end was asked for: when their backend is asked again, as it could not end them or does not answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/policy/back_off.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe. What costs money by the hour is not given up: a machine is asked for again until it is gone,
/// after a BackOff of its own, and every limits::kDestroyAnswerMax while nothing is heard. Times count from the due()
/// that follows.
class Destroys {
 public:
  /// `seed`: of the jitter.
  explicit Destroys(std::uint64_t seed) : random_(seed) {}

  /// destroy() was called, for the first time or again.
  void asked(const MachineName& name);
  /// The machine may be left. Before asked() it is nothing, as in gone() and forget().
  void failed(const MachineName& name);
  /// It is gone, and kept only as its boot has no answer yet.
  void gone(const MachineName& name);
  /// Nothing more is to be heard of it.
  void forget(const MachineName& name);

  /// Those to be asked for again; asked() follows for each.
  [[nodiscard]] std::vector<MachineName> due(Instant now);
  [[nodiscard]] Instant next_wakeup() const;
  /// There are more than limits::kDestroysKept: the oldest, if possible one that is not known to be left, never the
  /// newest. Forget it, after each new one.
  [[nodiscard]] std::optional<MachineName> surplus() const;

  [[nodiscard]] std::size_t size() const noexcept { return numbers_.size(); }

 private:
  struct One {
    MachineName name;
    enum class State : std::uint8_t { asked, left, gone } state = State::asked;
    BackOff back_off;
    bool new_state = true;  // since the last due()
    Instant at = kNever;
  };
  [[nodiscard]] One* find(const MachineName& name);
  void enter(One& one, One::State state);
  void plan(One& one, Instant now);

  std::mt19937_64 random_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, One> ones_;  // oldest first
  std::map<MachineName, std::uint64_t> numbers_;
};

}  // namespace flame::pool
