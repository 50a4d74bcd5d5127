// Placement: in order, within the limits of backends, around those that have failed.
#include "host/src/policy/placement.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flame::pool {
namespace placement_test {

using namespace std::chrono_literals;

constexpr Instant kStart = Instant(1h);
constexpr Duration kNoWish{};
constexpr BackendIndex kNear = 0;
constexpr BackendIndex kFar = 1;
constexpr BackendIndex kFarther = 2;

Error error(const std::string& message) {
  Error error;
  error.code = ErrorCode::boot_failed;
  error.message = message;
  return error;
}

std::string said(const Placement& placement, Instant now = kStart) {
  const auto failure = placement.last_failure(now);
  return failure ? failure->message : "";
}

/// A pool of three backends and the room that its host has.
class PlacementTest : public testing::Test {
 protected:
  /// Where the next boot goes, and that it has gone there.
  std::optional<BackendIndex> boot(Instant now = kStart) {
    const auto where = placement_.next(now);
    if (where) room_.taken(placement_.name(*where));
    placement_.counted();
    return where;
  }
  void fail(BackendIndex backend, Remedy remedy = Remedy::retry, Instant now = kStart) {
    placement_.failed(backend, error(placement_.name(backend) + " is down"), remedy, kNoWish, now);
  }

  BackendRoom room_;
  Placement placement_{{"near", "far", "farther"}, 1, &room_};
};

TEST_F(PlacementTest, FillsInOrder) {
  room_.limit("near", 2);
  room_.limit("far", 1);
  EXPECT_EQ(boot(), kNear);
  EXPECT_EQ(boot(), kNear);
  EXPECT_EQ(boot(), kFar);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(boot(), kFarther) << "it has no limit";
}

TEST_F(PlacementTest, ReturnsToAnEarlierBackendAsSoonAsThatHasRoom) {
  room_.limit("near", 1);
  EXPECT_EQ(boot(), kNear);
  EXPECT_EQ(boot(), kFar);
  room_.left("near");
  EXPECT_EQ(boot(), kNear);
}

TEST_F(PlacementTest, CountsTheMachinesOfOtherPoolsToo) {
  room_.limit("near", 3);
  for (int i = 0; i < 3; ++i) room_.taken("near");
  EXPECT_EQ(boot(), kFar);
}

TEST_F(PlacementTest, CountsWhatItHasJustSaidBeforeTheRoomDoes) {
  room_.limit("near", 2);
  EXPECT_EQ(placement_.next(kStart), kNear);
  EXPECT_EQ(placement_.next(kStart), kNear);
  EXPECT_EQ(placement_.next(kStart), kFar);
  room_.taken("near");
  room_.taken("near");
  room_.left("near");
  placement_.counted();
  EXPECT_EQ(placement_.next(kStart), kNear) << "once only";
}

TEST_F(PlacementTest, HasNoPlaceWhereAllAreFull) {
  for (const char* name : {"near", "far", "farther"}) room_.limit(name, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(boot());
  EXPECT_EQ(boot(), std::nullopt);
  EXPECT_EQ(placement_.wake_at(kStart), kNever) << "no time makes room";
  EXPECT_EQ(placement_.next_retry(kStart), kNever) << "nothing has failed";
  room_.left("far");
  EXPECT_EQ(boot(), kFar);
}

TEST_F(PlacementTest, SaysWhichBackendsAreFull) {
  EXPECT_EQ(placement_.full(), "");
  room_.limit("near", 0);
  room_.limit("farther", 1);
  room_.taken("farther");
  EXPECT_EQ(placement_.full(),
            "backend \"near\" has all 0 machines that it may have (max); backend \"farther\" has all 1 machines that "
            "it may have (max)");
}

TEST_F(PlacementTest, GoesAroundABackendThatHasFailedUntilItIsWorthAnotherTry) {
  fail(kNear);
  EXPECT_EQ(boot(kStart + 999ms), kFar);
  EXPECT_EQ(boot(kStart + 1250ms), kNear);
}

TEST_F(PlacementTest, WaitsForEachBackendByItself) {
  for (const Instant now : {kStart, kStart + 2s, kStart + 5s}) fail(kNear, Remedy::retry, now);
  fail(kFar, Remedy::retry, kStart + 5s);
  EXPECT_EQ(boot(kStart + 5s), kFarther);
  EXPECT_EQ(boot(kStart + 6250ms), kFar) << "its first failure";
  EXPECT_EQ(boot(kStart + 10s), kNear) << "its third";
  placement_.succeeded(kFar);
  fail(kNear, Remedy::retry, kStart + 10s);
  EXPECT_EQ(boot(kStart + 17s), kFar) << "a success elsewhere ends no waiting";
}

TEST_F(PlacementTest, WaitsForAsLongAsTheBackendAsks) {
  placement_.failed(kNear, error("quota"), Remedy::elsewhere, 20s, kStart);
  EXPECT_EQ(boot(kStart + 19s), kFar);
  EXPECT_EQ(boot(kStart + 20s), kNear);
  placement_.failed(kNear, error("quota"), Remedy::retry, 10ms, kStart + 20s);
  EXPECT_EQ(boot(kStart + 21s), kFar) << "its own back-off is longer";
}

TEST_F(PlacementTest, SaysWhenWaitingHelps) {
  room_.limit("far", 0);
  fail(kNear);
  fail(kFar);
  EXPECT_EQ(placement_.next_retry(kStart), kNever) << "one may be asked now";
  fail(kFarther);
  EXPECT_EQ(boot(), std::nullopt);
  const Instant retry = placement_.wake_at(kStart);
  EXPECT_GE(retry, kStart + 1s);
  EXPECT_LE(retry, kStart + 1250ms);
  EXPECT_TRUE(boot(retry)) << "the first of those that have room";
  EXPECT_GE(placement_.next_retry(kStart), kStart + 1s);
  EXPECT_LE(placement_.next_retry(kStart), retry);
}

TEST_F(PlacementTest, JittersBySeed) {
  const auto first_retry = [](std::uint64_t seed) {
    Placement placement({"near"}, seed);
    placement.failed(kNear, error("down"), Remedy::retry, kNoWish, kStart);
    return placement.next_retry(kStart);
  };
  EXPECT_EQ(first_retry(1), first_retry(1));
  EXPECT_NE(first_retry(1), first_retry(2));
}

TEST_F(PlacementTest, IsHopelessWhenEveryBackendHasSaidSo) {
  fail(kNear, Remedy::permanent);
  fail(kFar, Remedy::permanent);
  EXPECT_FALSE(placement_.hopeless());
  fail(kFarther, Remedy::permanent, kStart + 10s);
  EXPECT_TRUE(placement_.hopeless()) << "though the first may be asked again";
  EXPECT_FALSE(placement_.failing_for_good(kStart + 10s));
  fail(kNear, Remedy::permanent, kStart + 10s);
  EXPECT_EQ(boot(kStart + 10s), kFar);
  fail(kFar, Remedy::permanent, kStart + 10s);
  EXPECT_TRUE(placement_.failing_for_good(kStart + 10s));
  EXPECT_FALSE(placement_.failing_for_good(kStart + 13s)) << "worth another try";
  placement_.succeeded(kFarther);
  EXPECT_FALSE(placement_.hopeless());
}

TEST_F(PlacementTest, IsNotHopelessWhereABackendHasNoRoomOrMayRecover) {
  fail(kNear, Remedy::permanent);
  fail(kFar, Remedy::permanent);
  fail(kFarther, Remedy::elsewhere);
  EXPECT_FALSE(placement_.failing_for_good(kStart));
}

TEST_F(PlacementTest, BelievesTheOneOfBootsThatFailTogetherThatKnowsMost) {
  Placement single({"near"}, 1);
  single.failed(kNear, error("no such image"), Remedy::permanent, kNoWish, kStart);
  single.failed(kNear, error("reset"), Remedy::retry, kNoWish, kStart + 1ms);
  EXPECT_TRUE(single.failing_for_good(kStart + 1ms));
  single.failed(kNear, error("reset"), Remedy::retry, kNoWish, kStart + 2s);
  EXPECT_FALSE(single.hopeless()) << "the next try said something else";
}

TEST_F(PlacementTest, TellsWhatEachBackendHasSaidUntilItSucceeds) {
  EXPECT_EQ(said(placement_), "");
  fail(kFar);
  fail(kNear);
  EXPECT_EQ(said(placement_), "backend \"near\": near is down; backend \"far\": far is down");
  EXPECT_EQ(placement_.last_failure(kStart)->code, ErrorCode::boot_failed);
  placement_.succeeded(kFar);
  EXPECT_EQ(said(placement_), "backend \"near\": near is down");
  placement_.succeeded(kNear);
  EXPECT_FALSE(placement_.last_failure(kStart));
}

TEST_F(PlacementTest, KeepsTheFirstLogThatItHas) {
  Error with_log = error("it has died");
  with_log.log_tail = "last words";
  placement_.failed(kNear, with_log, Remedy::retry, kNoWish, kStart);
  fail(kFar);
  EXPECT_EQ(placement_.last_failure(kStart)->log_tail, "last words");
}

TEST_F(PlacementTest, TellsOfNoRoomOnlyWhereNoneIsLeft) {
  fail(kNear, Remedy::elsewhere);
  EXPECT_EQ(said(placement_), "");
  fail(kFar);
  EXPECT_EQ(said(placement_), "backend \"far\": far is down") << "a third is left";
  room_.limit("farther", 0);
  EXPECT_EQ(said(placement_), "backend \"near\": near is down; backend \"far\": far is down");
  EXPECT_EQ(said(placement_, kStart + 5s), "backend \"far\": far is down") << "near may be asked again";
}

TEST_F(PlacementTest, CallsABackendFullOnlyByTheMachinesThatItHas) {
  room_.limit("near", 2);
  room_.taken("near");
  EXPECT_EQ(placement_.next(kStart), kNear);
  room_.taken("near");
  EXPECT_NE(placement_.full(), "");
  room_.left("near");
  EXPECT_EQ(placement_.full(), "") << "though it was asked for one in this step";
}

TEST_F(PlacementTest, DoesNotNameTheOnlyBackend) {
  Placement single({"near"}, 1);
  single.failed(kNear, error("no network"), Remedy::retry, kNoWish, kStart);
  EXPECT_EQ(said(single), "no network");
}

TEST_F(PlacementTest, GoesAroundABackendWhoseMachinesDieYoung) {
  placement_.lost_young(kNear, error("out of memory"), kStart);
  EXPECT_EQ(boot(), kNear) << "one loss may happen";
  EXPECT_EQ(said(placement_), "");
  placement_.lost_young(kNear, error("out of memory"), kStart);
  EXPECT_EQ(boot(), kFar);
  EXPECT_EQ(said(placement_), "backend \"near\": out of memory");
  placement_.proved(kNear);
  placement_.succeeded(kNear);
  placement_.lost_young(kNear, error("out of memory"), kStart);
  EXPECT_EQ(boot(), kNear);
}

}  // namespace placement_test
}  // namespace flame::pool
