// Order of results of `flame map`, and how many calls it keeps in flight.
#include "tools/flame/map_order.hpp"

#include <gtest/gtest.h>

#include "tools/flame/map_run.hpp"

namespace flame::cli {
namespace map_order_test {

TEST(MapOrder, WritesResultsAsTheyComeWhenOrderDoesNotMatter) {
  MapOrder order(false);
  for (const int item : {1, 2, 3}) order.announce(static_cast<std::uint64_t>(item));
  EXPECT_EQ(order.finish(3, "c"), "c");
  EXPECT_EQ(order.finish(1, "a"), "a");
  EXPECT_EQ(order.held(), 0U);
}

TEST(MapOrder, HoldsAResultUntilAllBeforeItAreWritten) {
  MapOrder order(true);
  for (const int item : {1, 2, 4}) order.announce(static_cast<std::uint64_t>(item));
  EXPECT_EQ(order.finish(4, "d"), "");
  EXPECT_EQ(order.finish(2, "b"), "");
  EXPECT_EQ(order.held(), 2U);
  EXPECT_EQ(order.finish(1, "a"), "abd");
  EXPECT_EQ(order.held(), 0U);
}

TEST(DefaultConcurrency, IsWhatThePoolCanRunAtOnce) {
  EXPECT_EQ(default_concurrency({.max = 3, .max_concurrency = 4}), 12U);
  EXPECT_EQ(default_concurrency({.max = 3, .max_concurrency = 4, .single_use = true}), 3U);
  EXPECT_EQ(default_concurrency({.max = 1000, .max_concurrency = 1000}), 1024U);
}

}  // namespace map_order_test
}  // namespace flame::cli
