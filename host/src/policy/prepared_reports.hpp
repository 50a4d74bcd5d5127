// What was told last about versions that are being prepared, so that only news is told.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Pure; not thread-safe.
class PreparedReports {
 public:
  /// What reports depend on: as long as it stays, none has to be made.
  struct Basis {
    std::uint64_t revision = 0;
    std::uint32_t booting = 0;
    bool failing = false;
    bool closed = false;
    bool operator==(const Basis&) const = default;
  };

  /// Whether there is something to report about `candidates`. What was told about others is forgotten.
  [[nodiscard]] bool is_outdated(const std::vector<DigestId>& candidates, const Basis& basis) {
    if (basis == std::exchange(basis_, basis)) return false;
    std::erase_if(told_,
                  [&](const auto& told) { return std::ranges::find(candidates, told.first) == candidates.end(); });
    return !candidates.empty();
  }
  /// Appends the report, unless it is what was told last.
  void tell(action::Prepared report, Actions& out) {
    const auto [told, fresh] = told_.try_emplace(report.digest);
    if (!fresh && told->second.ready == report.ready && told->second.waits_for == report.waits_for &&
        told->second.error.has_value() == report.error.has_value())
      return;
    told->second = report;
    out.push_back(std::move(report));
  }

 private:
  Basis basis_;
  std::map<DigestId, action::Prepared> told_;
};

}  // namespace flame::pool
