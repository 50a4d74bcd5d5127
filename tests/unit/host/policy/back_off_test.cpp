// BackOff: longer each time, with jitter, and for as long as it was asked for.
#include "host/src/policy/back_off.hpp"

#include <gtest/gtest.h>

namespace flame::pool {
namespace back_off_test {

using namespace std::chrono_literals;

constexpr Instant kStart{};

TEST(BackOff, WaitsASecondAndThenTwiceAsLongEachTime) {
  BackOff back_off;
  Instant now = kStart + 1h;
  EXPECT_FALSE(back_off.waits(now));
  for (int failure = 0; failure < 8; ++failure) {
    back_off.failed(now, 12345);
    const Duration full = std::min<Duration>(1s * (1 << failure), 30s);
    EXPECT_GE(back_off.until() - now, full);
    EXPECT_LE(back_off.until() - now, full * 5 / 4);
    EXPECT_TRUE(back_off.waits(back_off.until() - 1ns));
    EXPECT_FALSE(back_off.waits(back_off.until()));
    now = back_off.until();
  }
  back_off.succeeded();
  back_off.failed(now, 0);
  EXPECT_EQ(back_off.until(), now + 1s) << "it starts anew";
}

TEST(BackOff, JittersByChance) {
  const auto wait = [](std::uint64_t chance) {
    BackOff back_off;
    back_off.failed(kStart, chance);
    return back_off.until() - kStart;
  };
  EXPECT_EQ(wait(0), 1s);
  EXPECT_EQ(wait(7), 1s + 7ns);
  EXPECT_EQ(wait(250'000'000), 1250ms);
  EXPECT_EQ(wait(250'000'001), 1s);
}

TEST(BackOff, CountsFailuresThatComeTogetherAsOne) {
  BackOff back_off;
  for (int i = 0; i < 4; ++i) back_off.failed(kStart + i * 1ms, 0);
  EXPECT_EQ(back_off.until(), kStart + 1s);
}

TEST(BackOff, WaitsForAsLongAsItWasAskedToIfThatIsLonger) {
  BackOff back_off;
  back_off.failed(kStart, 0);
  back_off.not_before(kStart + 10ms);
  EXPECT_EQ(back_off.until(), kStart + 1s);
  back_off.not_before(kStart + 20s);
  EXPECT_EQ(back_off.until(), kStart + 20s);
  back_off.succeeded();
  EXPECT_FALSE(back_off.waits(kStart + 1s)) << "it has room after all";
}

TEST(BackOff, WaitsFromTheSecondLossOfWhatWasOfNoUse) {
  BackOff back_off;
  Instant now = kStart + 1h;
  back_off.lost_young(now, 0);
  EXPECT_FALSE(back_off.waits(now)) << "one loss may happen";
  for (int loss = 0; loss < 3; ++loss) {
    back_off.succeeded();
    back_off.lost_young(now, 0);
    EXPECT_EQ(back_off.until(), now + 1s * (1 << loss));
    now = back_off.until();
  }
  back_off.proved();
  back_off.lost_young(now, 0);
  EXPECT_FALSE(back_off.waits(now)) << "one was of use meanwhile";
}

}  // namespace back_off_test
}  // namespace flame::pool
