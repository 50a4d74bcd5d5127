// What all parts of one simulated world share.
#pragma once

#include <cstdint>

#include "tests/sim/agenda.hpp"
#include "tests/sim/chance.hpp"
#include "tests/sim/findings.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/plan.hpp"

namespace flame::sim {

struct Context {
  Context(std::uint64_t number, bool traced)
      : seed(number),
        chance(number),
        plan(make_plan(chance)),
        findings(agenda, traced),
        ledger(agenda, findings, plan.pool) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  std::uint64_t seed;
  Agenda agenda;
  Chance chance;
  Plan plan;
  Findings findings;
  Ledger ledger;
  /// No further trouble, whatever the plan says.
  bool calm = false;
  /// A chance that counts only while there is trouble.
  [[nodiscard]] bool trouble(bool known, unsigned percent) { return known && !calm && chance.percent(percent); }
};

}  // namespace flame::sim
