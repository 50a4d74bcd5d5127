// Tells a library's thread pool, which a slot keeps, from a task that leaves more threads with each call. Pure.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {

class KeptThreads {
 public:
  enum class Judgement : std::uint8_t { fine, leak, too_many };

  /// `at_start`: of the slot after start_slot().
  explicit KeptThreads(std::uint32_t at_start) : at_start_(at_start), most_(at_start) {}

  /// There are more than after any call before.
  [[nodiscard]] bool grown(std::uint32_t threads) const { return threads > most_; }
  /// A call of `task` (any key; there are as many as tasks) has ended, and the slot has so many threads.
  [[nodiscard]] Judgement call_ended(std::uint64_t task, std::uint32_t threads);
  /// Beyond those at the start.
  [[nodiscard]] std::uint32_t kept(std::uint32_t threads) const {
    return threads > at_start_ ? threads - at_start_ : 0;
  }

 private:
  std::uint32_t at_start_;
  std::uint32_t most_;
  std::unordered_map<std::uint64_t, std::uint32_t> growing_;  // task → how many calls in a row have set a new record
};

}  // namespace flame::slot
