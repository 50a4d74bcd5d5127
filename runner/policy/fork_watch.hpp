// Which zygote no longer answers requests for slots. Pure: events and `now` in, a list out.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "runner/policy/clock.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

/// A zygote forks one slot after the other, so any answer shows that it is alive, and a long row of requests may take
/// longer than the limit.
class ForkWatch {
 public:
  /// `limit`: the longest silence with a request before it.
  explicit ForkWatch(Duration limit) : limit_(limit) {}

  void asked(Instant now, GenerationId generation);
  /// It has forked a slot, or said that it could not.
  void answered(Instant now, GenerationId generation);
  /// Its zygote is gone, and its requests with it.
  void forget(GenerationId generation) { waiting_.erase(generation); }

  /// This process stood still for so long, and zygotes perhaps, too: that was no silence.
  void stood_still(Instant now, Duration pause);
  /// The generations whose zygote is to be killed; each once.
  [[nodiscard]] std::vector<GenerationId> take_silent(Instant now);
  [[nodiscard]] Instant wake_at() const;
  /// For how long the generation's zygote has owed an answer; zero if it does not.
  [[nodiscard]] Duration silence(Instant now, GenerationId generation) const;
  [[nodiscard]] Duration limit() const { return limit_; }

 private:
  struct Waiting {
    std::uint32_t requests = 0;
    Instant since{};
    bool told = false;
  };
  Duration limit_;
  std::map<GenerationId, Waiting> waiting_;
};

}  // namespace flame::runner
