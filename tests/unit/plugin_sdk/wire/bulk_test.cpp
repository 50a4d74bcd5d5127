// Many transfers at once: fair turns, both orders of envelope and chunks, aborts, broken peers.
#include <gtest/gtest.h>

#include <map>

#include "plugin_sdk/wire/bulk_receiver.hpp"
#include "plugin_sdk/wire/bulk_sender.hpp"

#include "tests/unit/plugin_sdk/wire/payloads.hpp"

namespace flame::wire {
namespace bulk_test {

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
    auto step = receiver.on_chunk(frame->header, frame->bytes.span());
    EXPECT_FALSE(step.abort) << step.abort->reason;
    if (step.credit) {
      EXPECT_TRUE(sender.on_credit(*step.credit));
    }
    if (step.complete) complete.emplace(step.transfer, std::move(*step.complete));
  }
  return complete;
}

TEST(Bulk, GivesEachSideItsOwnIds) {
  BulkSender host(Side::host);
  BulkSender runner(Side::runner);
  EXPECT_EQ(host.start(test::payload_of({"x"})), 2u);
  EXPECT_EQ(host.start(test::payload_of({"x"})), 4u);
  EXPECT_EQ(runner.start(test::payload_of({"x"})), 1u);
  EXPECT_EQ(runner.start(test::payload_of({"x"})), 3u);
}

TEST(Bulk, TakesTurnsSoThatASmallTransferDoesNotWaitForALargeOne) {
  BulkSender sender(Side::host);
  const auto large = sender.start(test::random_payload(1, {3'000'000}));
  const auto small = sender.start(test::random_payload(2, {limits::kChunkMax * 2}));
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 5; ++i) order.push_back(sender.next()->header.transfer);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{large, small, large, small, large}));
}

TEST(Bulk, DeliversManyTransfersWhole) {
  BulkSender sender(Side::runner);
  BulkReceiver receiver(Side::runner);
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
  BulkSender sender(Side::host);
  BulkReceiver receiver(Side::host);
  const auto payload = test::random_payload(3, {100'000});
  const auto id = sender.start(payload);
  EXPECT_TRUE(pump(sender, receiver).empty());
  auto step = receiver.announce(announced(payload, id), kMax);
  ASSERT_TRUE(step.complete);
  test::expect_same(*step.complete, payload);
}

TEST(Bulk, ALargeTransferWhoseEnvelopeIsLateGoesOnThen) {
  BulkSender sender(Side::host);
  BulkReceiver receiver(Side::host);
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
  BulkReceiver receiver(Side::host);
  const auto payload = test::random_payload(3, {100'000});
  static_cast<void>(receiver.announce(announced(payload, 2), kMax));
  EXPECT_TRUE(receiver.abort(2));
  const auto step = receiver.on_chunk({.transfer = 2, .offset = 0}, std::vector<std::byte>(10));
  EXPECT_FALSE(step.abort || step.credit || step.complete);
  EXPECT_EQ(receiver.active(), 0u);
  EXPECT_FALSE(receiver.abort(2)) << "twice";
}

TEST(Bulk, RemembersABoundedNumberOfEndedTransfers) {
  BulkReceiver receiver(Side::host);
  const std::vector<std::byte> chunk(1);
  for (std::uint64_t i = 1; i <= limits::kClosedTransfersMax + 1; ++i) receiver.abort(2 * i);
  EXPECT_FALSE(receiver.on_chunk({.transfer = 4, .offset = 0}, chunk).abort);
  EXPECT_EQ(receiver.active(), 0u) << "the second one's chunk is late";
  EXPECT_FALSE(receiver.on_chunk({.transfer = 2, .offset = 0}, chunk).abort);
  EXPECT_EQ(receiver.active(), 1u) << "the first one is forgotten";
}

TEST(Bulk, AnAbortThatOvertakesItsEnvelopeEndsTheTransferToo) {
  BulkReceiver receiver(Side::host);
  EXPECT_FALSE(receiver.abort(2));
  EXPECT_TRUE(receiver.announce(announced(test::random_payload(3, {100'000}), 2), kMax).abort);
}

TEST(Bulk, AnswersABrokenChunkWithAbortAndForgetsTheTransfer) {
  BulkReceiver receiver(Side::host);
  static_cast<void>(receiver.announce(announced(test::random_payload(3, {100'000}), 2), kMax));
  const auto step = receiver.on_chunk({.transfer = 2, .offset = 5}, std::vector<std::byte>(10));
  ASSERT_TRUE(step.abort);
  EXPECT_EQ(step.abort->transfer, 2u);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, AnswersAnEnvelopeOverTheLimitWithAbort) {
  BulkReceiver receiver(Side::host);
  const auto step = receiver.announce({.parts = {1001}, .transfer = 2}, 1000);
  ASSERT_TRUE(step.abort);
  EXPECT_NE(step.abort->reason.find("limit of 1000 bytes"), std::string::npos);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, BoundsTransfersWithoutAnEnvelope) {
  BulkReceiver receiver(Side::runner);
  const std::vector<std::byte> chunk(1);
  std::uint64_t over = 1;
  for (std::size_t i = 0; i < limits::kUnannouncedMax; ++i, over += 2) {
    ASSERT_FALSE(receiver.on_chunk({.transfer = over, .offset = 0}, chunk).abort);
  }
  EXPECT_TRUE(receiver.on_chunk({.transfer = over, .offset = 0}, chunk).abort);
  // Announcing one makes room for one, whether the announcement is good or not.
  EXPECT_FALSE(receiver.announce({.parts = {100}, .transfer = 1}, kMax).abort);
  EXPECT_TRUE(receiver.announce({.parts = {100}, .transfer = 3}, 1).abort);
  EXPECT_FALSE(receiver.on_chunk({.transfer = over + 2, .offset = 0}, chunk).abort);
  EXPECT_FALSE(receiver.on_chunk({.transfer = over + 4, .offset = 0}, chunk).abort);
  EXPECT_TRUE(receiver.on_chunk({.transfer = over + 6, .offset = 0}, chunk).abort);
}

TEST(Bulk, BoundsTheBytesOfAllTransfersWithoutAnEnvelope) {
  BulkReceiver receiver(Side::runner);
  const std::vector<std::byte> chunk(limits::kChunkMax);
  constexpr std::size_t kPerTransfer = limits::kTransferWindow / limits::kChunkMax;
  std::uint64_t transfer = 1;
  std::size_t kept = 0;
  bool refused = false;
  for (; !refused && transfer < 2 * limits::kUnannouncedMax; transfer += 2) {
    for (std::size_t i = 0; !refused && i < kPerTransfer; ++i) {
      refused = receiver.on_chunk({.transfer = transfer, .offset = i * chunk.size()}, chunk).abort.has_value();
      if (!refused) kept += chunk.size();
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(kept, limits::kUnannouncedBytesMax);
  // What its envelope announces is bounded by its window, and makes room for others.
  EXPECT_FALSE(receiver.announce({.parts = {kMax / 2}, .transfer = 1}, kMax).abort);
  EXPECT_FALSE(receiver.on_chunk({.transfer = transfer, .offset = 0}, chunk).abort);
}

TEST(Bulk, IgnoresCreditForATransferThatEnded) {
  BulkSender sender(Side::host);
  EXPECT_TRUE(sender.on_credit({.transfer = 2, .bytes = 100}));
  const auto id = sender.start(test::random_payload(1, {10'000'000}));
  EXPECT_FALSE(sender.on_credit({.transfer = id, .bytes = 1})) << "nothing was sent yet";
  EXPECT_TRUE(sender.abort(id));
  EXPECT_FALSE(sender.abort(id));
  EXPECT_FALSE(sender.next());
}

TEST(Bulk, RefusesIdsThatThePeerMayNotGive) {
  BulkReceiver receiver(Side::runner);
  const std::vector<std::byte> chunk(1);
  EXPECT_TRUE(receiver.on_chunk({.transfer = 2, .offset = 0}, chunk).abort);
  EXPECT_TRUE(receiver.announce({.parts = {100}, .transfer = 4}, kMax).abort);
  EXPECT_TRUE(BulkReceiver(Side::host).on_chunk({.transfer = 0, .offset = 0}, chunk).abort);
  EXPECT_EQ(receiver.active(), 0u);
}

TEST(Bulk, AChunkWithinOnePartIsSentFromWhereThePartIs) {
  BulkSender sender(Side::host);
  const auto payload = test::random_payload(1, {16, 3 * limits::kChunkMax});
  const auto* begin = payload.attachments[0].data();
  static_cast<void>(sender.start(payload));
  EXPECT_NE(sender.next()->bytes.span().data(), payload.table.span().data()) << "it spans two parts";
  const auto second = sender.next();
  EXPECT_EQ(second->bytes.span().data(), begin + limits::kChunkMax - 16);
  EXPECT_EQ(second->bytes.size(), limits::kChunkMax);
}

TEST(Bulk, AChunkOutlivesItsPayload) {
  BulkSender sender(Side::host);
  auto payload = test::random_payload(1, {100'000});
  const Bytes copy(payload.table.span().data(), payload.table.size());
  static_cast<void>(sender.start(std::move(payload)));
  const auto chunk = sender.next();
  EXPECT_TRUE(chunk->last);
  EXPECT_EQ(sender.active(), 0u);
  EXPECT_EQ(chunk->bytes, copy);
}

TEST(Bulk, AStreamSendsWhatItWasGiven) {
  BulkSender sender(Side::runner);
  const auto id = sender.start_stream(limits::kChunkMax + 16);
  EXPECT_FALSE(sender.ready());
  EXPECT_FALSE(sender.next());
  sender.append(id, Bytes(std::vector<std::byte>(limits::kChunkMax)));
  auto chunk = sender.next();
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->streamed);
  EXPECT_FALSE(chunk->last);
  EXPECT_FALSE(sender.next());
  sender.append(id, Bytes(std::vector<std::byte>(16)));
  chunk = sender.next();
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->last);
  EXPECT_EQ(chunk->header.offset, limits::kChunkMax);
  sender.append(id, Bytes(std::vector<std::byte>(16)));
  EXPECT_FALSE(sender.next()) << "it is over";
}

TEST(Bulk, AStreamWithoutBytesDoesNotHoldTheOthersUp) {
  BulkSender sender(Side::runner);
  static_cast<void>(sender.start_stream(limits::MiB));
  const auto other = sender.start(test::random_payload(1, {100'000}));
  ASSERT_TRUE(sender.ready());
  EXPECT_EQ(sender.next()->header.transfer, other);
}

Bytes chunk_of(std::size_t size) {
  return Bytes(std::vector<std::byte>(size, std::byte{1}));
}

TEST(BulkQueue, ChunksWaitUntilTheyAreUsedAndThenGiveCredit) {
  BulkQueue queue(Side::host);
  ASSERT_EQ(*queue.announce(2, 8 * limits::MiB), 0u);
  std::uint64_t offset = 0;
  for (; offset < limits::kTransferWindow; offset += limits::kChunkMax) {
    ASSERT_TRUE(queue.on_chunk({.transfer = 2, .offset = offset}, chunk_of(limits::kChunkMax)));
  }
  EXPECT_FALSE(queue.on_chunk({.transfer = 2, .offset = offset}, chunk_of(limits::kChunkMax))) << "past the window";
  std::uint64_t credit = 0;
  for (auto bytes = queue.front(2); !bytes.empty(); bytes = queue.front(2)) credit += queue.consume(2, bytes.size());
  EXPECT_EQ(credit, limits::kTransferWindow);
  EXPECT_TRUE(queue.on_chunk({.transfer = 2, .offset = offset}, chunk_of(limits::kChunkMax)));
}

TEST(BulkQueue, PartsOfAChunkCanBeUsed) {
  BulkQueue queue(Side::host);
  ASSERT_TRUE(queue.on_chunk({.transfer = 2, .offset = 0}, chunk_of(100)));
  EXPECT_EQ(queue.consume(2, 30), 0u);
  EXPECT_EQ(queue.front(2).size(), 70u);
}

TEST(BulkQueue, KeepsTheFramesThatCameAndCopiesNone) {
  BulkQueue queue(Side::host);
  Bytes chunk = chunk_of(100);
  const std::byte* at = chunk.span().data();
  ASSERT_TRUE(queue.on_chunk({.transfer = 2, .offset = 0}, std::move(chunk)));
  EXPECT_EQ(queue.front(2).data(), at);
}

TEST(BulkQueue, ChunksMayOvertakeTheirEnvelope) {
  BulkQueue queue(Side::host);
  ASSERT_TRUE(queue.on_chunk({.transfer = 2, .offset = 0}, chunk_of(100)));
  ASSERT_TRUE(queue.announce(2, 200));
  ASSERT_TRUE(queue.on_chunk({.transfer = 2, .offset = 100}, chunk_of(100)));
  EXPECT_FALSE(queue.on_chunk({.transfer = 2, .offset = 200}, chunk_of(1))) << "more than announced";
}

TEST(BulkQueue, BrokenRulesAreRefused) {
  BulkQueue queue(Side::host);
  EXPECT_FALSE(queue.on_chunk({.transfer = 3, .offset = 0}, chunk_of(10))) << "the runner's own ids";
  EXPECT_FALSE(queue.on_chunk({.transfer = 0, .offset = 0}, chunk_of(10)));
  EXPECT_FALSE(queue.on_chunk({.transfer = 2, .offset = 5}, chunk_of(10))) << "not at the start";
  EXPECT_FALSE(queue.on_chunk({.transfer = 4, .offset = 0}, Bytes()));
  EXPECT_FALSE(queue.on_chunk({.transfer = 6, .offset = 0}, chunk_of(limits::kChunkMax + 1)));
  EXPECT_FALSE(queue.announce(7, 10));
  ASSERT_TRUE(queue.on_chunk({.transfer = 8, .offset = 0}, chunk_of(100)));
  EXPECT_FALSE(queue.announce(8, 99)) << "more bytes came than it announces";
  ASSERT_TRUE(queue.announce(10, 100));
  EXPECT_FALSE(queue.announce(10, 100)) << "two invocations name it";
}

TEST(BulkQueue, TransfersThatNobodyAnnouncesAreBounded) {
  BulkQueue queue(Side::host);
  std::size_t taken = 0;
  for (std::uint64_t id = 2; id < 8 * limits::kUnannouncedMax; id += 2) {
    taken += queue.on_chunk({.transfer = id, .offset = 0}, chunk_of(1)) ? 1 : 0;
  }
  EXPECT_EQ(taken, limits::kUnannouncedMax);
}

TEST(BulkQueue, SmallChunksAreBoundedInNumber) {
  BulkQueue queue(Side::host);
  std::uint64_t taken = 0;
  while (taken < 1000 && queue.on_chunk({.transfer = 2, .offset = taken}, chunk_of(1))) ++taken;
  EXPECT_EQ(taken, 64u) << "each frame costs more than its byte";
}

TEST(BulkQueue, LateChunksOfAClosedTransferAreDropped) {
  BulkQueue queue(Side::host);
  ASSERT_TRUE(queue.announce(2, 100));
  EXPECT_TRUE(queue.close(2)) << "bytes were still to come";
  EXPECT_TRUE(queue.on_chunk({.transfer = 2, .offset = 0}, chunk_of(10)));
  EXPECT_TRUE(queue.front(2).empty());
  EXPECT_FALSE(queue.announce(2, 100));
  EXPECT_EQ(queue.active(), 0u);
}

}  // namespace bulk_test
}  // namespace flame::wire
