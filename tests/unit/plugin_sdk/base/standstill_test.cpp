// Standstill: own pauses are known by the clock.
#include "plugin_sdk/base/standstill.hpp"

#include <gtest/gtest.h>

namespace flame::base {
namespace {

using namespace std::chrono_literals;

TEST(Standstill, APauseThatIsLongerThanItMayBeIsToldOnce) {
  Standstill standstill(2s);
  constexpr Instant kStart{100s};
  EXPECT_EQ(standstill.seen(kStart), 0s) << "nothing is known of the time before";
  EXPECT_EQ(standstill.seen(kStart + 2s), 0s);
  EXPECT_EQ(standstill.seen(kStart + 19s), 17s);
  EXPECT_EQ(standstill.seen(kStart + 19s), 0s);
}

}  // namespace
}  // namespace flame::base
