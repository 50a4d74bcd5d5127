// Another pool of the same host, of which a world knows only what it reports about versions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "host/src/policy/actions.hpp"
#include "tests/sim/context.hpp"

namespace flame::sim {

/// Ready at once, later, in part, never; or it cannot be.
class Neighbour {
 public:
  /// `say`: it has something to report.
  Neighbour(Context& sim, std::function<void()> say) : sim_(sim), say_(std::move(say)) {}

  void prepare(DigestId digest) {
    report_ = {.digest = digest, .ready = false, .error = std::nullopt, .waits_for = "its runners"};
    ++turn_;
    if (sim_.trouble(sim_.plan.load_failures, 15)) return;
    if (sim_.chance.one_in(4)) return become_ready();
    const bool fails = sim_.trouble(sim_.plan.load_failures, 15);
    later([this, fails] { fails ? fail() : become_ready(); });
  }
  /// The change is over.
  void rest() { ++turn_; }
  [[nodiscard]] const pool::action::Prepared& report() const noexcept { return report_; }

 private:
  void later(std::function<void()> task) {
    sim_.agenda.in(sim_.chance.skewed(std::chrono::milliseconds(1), std::chrono::seconds(4)),
                   [this, turn = turn_, task = std::move(task)] {
                     if (turn == turn_) task();
                   });
  }
  void become_ready() {
    report_.ready = true;
    report_.waits_for = sim_.chance.one_in(3) ? "its other runner" : "";
    say_();
    if (report_.waits_for.empty()) return;
    later([this] {
      report_.waits_for.clear();
      say_();
    });
  }
  void fail() {
    report_.error = Error{.code = ErrorCode::incompatible, .message = "simulated", .started = Started::no};
    say_();
  }

  Context& sim_;
  std::function<void()> say_;
  pool::action::Prepared report_;
  std::uint64_t turn_ = 0;  // what was planned for another one is void
};

}  // namespace flame::sim
