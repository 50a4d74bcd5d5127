// Damerau-Levenshtein distance (optimal string alignment), in half steps so that case can count half.
#include "plugin_sdk/base/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace flame::base {
namespace {

constexpr std::size_t kStep = 2;
// Longer names are no typing slips and would cost quadratic time.
constexpr std::size_t kComparedMax = 256;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::size_t substitution(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? kStep / 2 : kStep;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::vector<std::size_t>, 3> rows;  // two back, previous, current
  for (auto& row : rows) row.resize(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) rows[1][j] = j * kStep;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& [two_back, previous, current] = rows;
    current[0] = i * kStep;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = a[i - 1];
      const char y = b[j - 1];
      current[j] = std::min({previous[j] + kStep, current[j - 1] + kStep, previous[j - 1] + substitution(x, y)});
      if (i > 1 && j > 1 && x == b[j - 2] && y == a[i - 2]) current[j] = std::min(current[j], two_back[j - 2] + kStep);
    }
    std::rotate(rows.begin(), rows.begin() + 1, rows.end());
  }
  return rows[1][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > kComparedMax) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kComparedMax) continue;
    const std::size_t allowed = std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3) * kStep;
    const std::size_t d = distance(name, candidate);
    // A name that shares nothing with the candidate is not a slip, however short both are.
    if (d > allowed || d >= std::max(name.size(), candidate.size()) * kStep) continue;
    if (!best || d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const auto best = nearest(name, candidates);
  return best ? "; did you mean \"" + *best + "\"?" : std::string();
}

}  // namespace flame::base
