// Rounds in turn.
#include "tools/flame/bench/against.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tools/flame/bench/measure.hpp"

namespace flame::bench {
namespace {

/// The figures of both builds, pair by pair.
struct Series {
  Reading row;
  std::vector<double> here;
  std::vector<double> there;
};

ComparedRow judged(const Series& series, bool quick_runs) {
  ComparedRow out{.name = series.row.name,
                  .higher_is_better = series.row.higher_is_better,
                  .here = median(series.here),
                  .there = median(series.there),
                  .pairs = series.here.size(),
                  .quick_runs = quick_runs,
                  .verdict = {},
                  .error = {}};
  std::vector<double> ratios;
  for (std::size_t i = 0; i < series.here.size(); ++i) {
    const double ratio = series.here[i] / series.there[i];
    ratios.push_back(series.row.higher_is_better ? 1 / ratio : ratio);
  }
  out.verdict = judge(ratios);
  return out;
}

ComparedRow failed(const std::string& row, const std::string& why) {
  ComparedRow out;
  out.name = row;
  out.error = why;
  return out;
}

// Whoever comes second profits from what the first has warmed up, so they take turns in that, too.
template <class Here, class There>
void in_turn(int pair, const Here& here, const There& there) {
  if (pair % 2 == 0) {
    here();
    there();
  } else {
    there();
    here();
  }
}

auto find_row(const std::vector<Reading>& rows, const std::string& name) {
  return std::find_if(rows.begin(), rows.end(), [&](const Reading& row) { return row.name == name; });
}

std::vector<ComparedRow> by_rounds(RoundsClient& here, RoundsClient& there, int pairs) {
  std::vector<ComparedRow> out;
  for (const Reading& row : there.rows()) {
    if (find_row(here.rows(), row.name) == here.rows().end()) {
      out.push_back(failed(row.name, "this build has no such row"));
    }
  }
  for (std::size_t index = 0; index < here.rows().size(); ++index) {
    const auto other = find_row(there.rows(), here.rows()[index].name);
    if (other == there.rows().end()) {
      out.push_back(failed(here.rows()[index].name, "the other build has no such row"));
      continue;
    }
    const auto other_index = static_cast<std::size_t>(other - there.rows().begin());
    Series series{.row = here.rows()[index], .here = {}, .there = {}};
    for (int pair = 0; pair < pairs; ++pair) {
      in_turn(
          pair, [&] { series.here.push_back(here.round(index)); },
          [&] { series.there.push_back(there.round(other_index)); });
    }
    out.push_back(judged(series, false));
  }
  return out;
}

bool same_figures(const std::vector<Reading>& readings, const std::vector<Series>& all) {
  return std::equal(readings.begin(), readings.end(), all.begin(), all.end(),
                    [](const Reading& reading, const Series& series) { return reading.name == series.row.name; });
}

std::vector<ComparedRow> by_quick_runs(const ComparisonOptions& options, const std::string& row) {
  std::vector<Series> all;
  for (int pair = 0; pair < options.quick_pairs; ++pair) {
    std::vector<Reading> here;
    std::vector<Reading> there;
    in_turn(
        pair, [&] { here = run_quick(options.here, row); }, [&] { there = run_quick(options.there, row); });
    if (pair == 0) {
      for (const Reading& reading : here) all.push_back({.row = reading, .here = {}, .there = {}});
    }
    if (!same_figures(here, all) || !same_figures(there, all)) {
      throw std::runtime_error("the builds have not the same figures in this row");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].here.push_back(here[i].value);
      all[i].there.push_back(there[i].value);
    }
  }
  std::vector<ComparedRow> out;
  for (const Series& series : all) out.push_back(judged(series, true));
  return out;
}

std::unique_ptr<RoundsClient> try_rounds(const std::string& flame, const std::string& row) {
  try {
    return std::make_unique<RoundsClient>(flame, row);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

}  // namespace

std::vector<ComparedRow> compare_row(const ComparisonOptions& options, const std::string& row) {
  try {
    if (const auto there = try_rounds(options.there, row)) {
      if (const auto here = try_rounds(options.here, row)) return by_rounds(*here, *there, options.pairs);
    }
    return by_quick_runs(options, row);
  } catch (const std::exception& error) {
    return {failed(row, error.what())};
  }
}

}  // namespace flame::bench
