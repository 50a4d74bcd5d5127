// README.md's table is the code's.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "backends/local/local_backend.hpp"
#include "tests/backends/rows.hpp"

namespace flame::test {
namespace {

struct Line {
  std::string row;
  std::string needs;
  std::string local;
  friend bool operator==(const Line&, const Line&) = default;
  friend void PrintTo(const Line& line, std::ostream* out) {
    *out << "| " << line.row << " | " << line.needs << " | " << line.local << " |";
  }
};

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

/// The first table: what stands between its rule and the first line that is no line of it.
std::vector<Line> table_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<Line> table;
  bool within = false;
  for (std::string text; std::getline(file, text);) {
    if (text.starts_with("|---")) {
      within = true;
    } else if (within) {
      if (!text.starts_with('|')) break;
      std::istringstream cells(text.substr(1));
      Line line;
      for (std::string* cell : {&line.row, &line.needs, &line.local}) {
        std::getline(cells, *cell, '|');
        *cell = trimmed(*cell);
      }
      table.push_back(line);
    }
  }
  return table;
}

TEST(ConformanceTable, StandsInTheReadmeAsInTheCode) {
  const backends::LocalBackend local({});
  std::vector<Line> wanted;
  for (const Row& row : rows()) {
    std::string needs;
    for (const Claim& claim : row.needs) needs += (needs.empty() ? "" : " ") + std::string(claim.name);
    wanted.push_back({std::string(row.name), needs, must_pass(row, local.traits()) ? "yes" : ""});
  }
  EXPECT_EQ(table_of(FLAME_TEST_CONFORMANCE_README), wanted);
}

}  // namespace
}  // namespace flame::test
