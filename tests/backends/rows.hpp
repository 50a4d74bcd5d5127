// The table of the conformance suite: what each backend must show that it does. It stands in README.md, too.
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

#include <flame/backend.hpp>

#include "tests/backends/subject.hpp"

namespace flame::test {

/// A claim of BackendTraits.
struct Claim {
  std::string_view name;
  bool BackendTraits::*holds;
};

struct Row {
  std::string_view name;     ///< as in README.md
  std::string_view test;     ///< as a name of a test
  std::vector<Claim> needs;  ///< a backend that makes all of these claims must pass it
  void (*run)(Subject&);     ///< by gtest's expectations

  friend void PrintTo(const Row& row, std::ostream* out) { *out << '"' << row.name << '"'; }
};

/// All, in README.md's order.
[[nodiscard]] const std::vector<Row>& rows();
[[nodiscard]] bool must_pass(const Row& row, const BackendTraits& traits);
/// Those of a backend with these traits.
[[nodiscard]] std::vector<Row> rows_for(const BackendTraits& traits);

}  // namespace flame::test
