// Many transfers at once: fair turns, both orders of envelope and chunks, aborts, broken peers.
#include "plugin_sdk/wire/bulk.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/plugin_sdk/wire/payloads.hpp"

namespace flame::wire {
namespace {

constexpr std::uint64_t kMax = limits::GiB;

PayloadInfo announced(const detail::Payload& payload, std::uint64_t transfer) {
  auto info = *describe(payload, kMax);
  info.transfer = transfer;
  return info;
}

// Moves chunks and credit until nothing moves; returns what became complete.
std::map<std::uint64_t, detail::Payload> pump(BulkSender& sender, BulkReceiver& receiver) {
  std::map<std::uint64_t, detail::Payload> complete;
  while (auto frame = sender.next()) {
    auto step = receiver.on_chunk(frame->header, frame->bytes);
    EXPECT_FALSE(step.abort) << step.abort->reason;
    if (step.credit) {
      EXPECT_TRUE(sender.on_credit(*step.credit));
    }
    if (step.complete) complete.emplace(step.transfer, std::move(*step.complete));
  }
  return complete;
}

TEST(Bulk, GivesEachSideItsOwnIds) {
  BulkSender host(BulkSender::Side::host);
  BulkSender runner(BulkSender::Side::runner);
  EXPECT_EQ(host.start(test::payload_of({"x"})), 2u);
  EXPECT_EQ(host.start(test::payload_of({"x"})), 4u);
  EXPECT_EQ(runner.start(test::payload_of({"x"})), 1u);
  EXPECT_EQ(runner.start(test::payload_of({"x"})), 3u);
}

TEST(Bulk, TakesTurnsSoThatASmallTransferDoesNotWaitForALargeOne) {
  BulkSender sender(BulkSender::Side::host);
  const auto large = sender.start(test::random_payload(1, {3'000'000}));
  const auto small = sender.start(test::random_payload(2, {limits::kChunkMax * 2}));
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 5; ++i) order.push_back(sender.next()->header.transfer);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{large, small, large, small, large}));
}

TEST(Bulk, DeliversManyTransfersWhole) {
  BulkSender sender(BulkSender::Side::runner);
  BulkReceiver receiver;
  std::map<std::uint64_t, detail::Payload> sent;
  for (unsigned i = 0; i < 5; ++i) {
    auto payload = test::random_payload(i, {100 + i, 2'000'000 * i, 70'000});
    const auto id = sender.start(payload);
    const auto step = receiver.announce(announced(payload, id), kMax);
    EXPECT_FALSE(step.abort || step.complete);
    sent.emplace(id, std::move(payload));
  }
  const auto got = pump(sender, receiver);
  ASSERT_EQ(got.size(), sent.size());
  for (const auto& [id, payload] : sent) test::expect_same(got.at(id), payload);
  EXPECT_EQ(sender.active(), 0u);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, CompletesWhenTheEnvelopeComesLast) {
  BulkSender sender(BulkSender::Side::host);
  BulkReceiver receiver;
  const auto payload = test::random_payload(3, {100'000});
  const auto id = sender.start(payload);
  EXPECT_TRUE(pump(sender, receiver).empty());
  auto step = receiver.announce(announced(payload, id), kMax);
  ASSERT_TRUE(step.complete);
  test::expect_same(*step.complete, payload);
}

TEST(Bulk, ALargeTransferWhoseEnvelopeIsLateGoesOnThen) {
  BulkSender sender(BulkSender::Side::host);
  BulkReceiver receiver;
  const auto payload = test::random_payload(3, {10'000'000});
  const auto id = sender.start(payload);
  EXPECT_TRUE(pump(sender, receiver).empty());
  EXPECT_FALSE(sender.ready());
  const auto step = receiver.announce(announced(payload, id), kMax);
  ASSERT_TRUE(step.credit);
  ASSERT_TRUE(sender.on_credit(*step.credit));
  EXPECT_EQ(pump(sender, receiver).size(), 1u);
}

TEST(Bulk, DropsLateChunksOfAnEndedTransfer) {
  BulkReceiver receiver;
  const auto payload = test::random_payload(3, {100'000});
  static_cast<void>(receiver.announce(announced(payload, 2), kMax));
  EXPECT_TRUE(receiver.abort(2));
  const auto step = receiver.on_chunk({2, 0}, std::vector<std::byte>(10));
  EXPECT_FALSE(step.abort || step.credit || step.complete);
  EXPECT_EQ(receiver.active(), 0u);
  EXPECT_FALSE(receiver.abort(2)) << "twice";
}

TEST(Bulk, AnAbortThatOvertakesItsEnvelopeEndsTheTransferToo) {
  BulkReceiver receiver;
  EXPECT_FALSE(receiver.abort(2));
  EXPECT_TRUE(receiver.announce(announced(test::random_payload(3, {100'000}), 2), kMax).abort);
}

TEST(Bulk, AnswersABrokenChunkWithAbortAndForgetsTheTransfer) {
  BulkReceiver receiver;
  static_cast<void>(receiver.announce(announced(test::random_payload(3, {100'000}), 2), kMax));
  const auto step = receiver.on_chunk({2, 5}, std::vector<std::byte>(10));
  ASSERT_TRUE(step.abort);
  EXPECT_EQ(step.abort->transfer, 2u);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, AnswersAnEnvelopeOverTheLimitWithAbort) {
  BulkReceiver receiver;
  const auto step = receiver.announce({{1001}, 2, {}}, 1000);
  ASSERT_TRUE(step.abort);
  EXPECT_NE(step.abort->reason.find("limit of 1000 bytes"), std::string::npos);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, BoundsTransfersWithoutAnEnvelope) {
  BulkReceiver receiver;
  const std::vector<std::byte> chunk(1);
  for (std::uint64_t i = 1; i <= limits::kUnannouncedMax; ++i) ASSERT_FALSE(receiver.on_chunk({i, 0}, chunk).abort);
  const std::uint64_t over = limits::kUnannouncedMax + 1;
  EXPECT_TRUE(receiver.on_chunk({over, 0}, chunk).abort);
  // Announcing one makes room for one, whether the announcement is good or not.
  EXPECT_FALSE(receiver.announce({{100}, 1, {}}, kMax).abort);
  EXPECT_TRUE(receiver.announce({{100}, 2, {}}, 1).abort);
  EXPECT_FALSE(receiver.on_chunk({over + 1, 0}, chunk).abort);
  EXPECT_FALSE(receiver.on_chunk({over + 2, 0}, chunk).abort);
  EXPECT_TRUE(receiver.on_chunk({over + 3, 0}, chunk).abort);
}

TEST(Bulk, IgnoresCreditForATransferThatEnded) {
  BulkSender sender(BulkSender::Side::host);
  EXPECT_TRUE(sender.on_credit({2, 100}));
  const auto id = sender.start(test::random_payload(1, {10'000'000}));
  EXPECT_FALSE(sender.on_credit({id, 1})) << "nothing was sent yet";
  EXPECT_TRUE(sender.abort(id));
  EXPECT_FALSE(sender.abort(id));
  EXPECT_FALSE(sender.next());
}

}  // namespace
}  // namespace flame::wire
