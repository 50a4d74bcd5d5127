// Parts to bytes and back: padding, ranges, limits, and a buffer that does not trust announced sizes.
#include "plugin_sdk/wire/payload_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/unit/plugin_sdk/wire/payloads.hpp"

namespace flame::wire {
namespace payload_frame_test {

using testing::ElementsAre;

constexpr std::uint64_t kMax = limits::GiB;

TEST(PayloadFrame, LiesInPartsPaddedWithZeros) {
  const auto payload = test::payload_of({"table", "", "attachment of 19 b."});
  const auto frame = pack(payload);
  ASSERT_EQ(frame.size(), 48u);
  std::string expected = "table" + std::string(11, '\0') + "attachment of 19 b." + std::string(13, '\0');
  EXPECT_EQ(test::text_of(Bytes(frame)), expected);
  EXPECT_THAT(describe(payload, kMax)->parts, ElementsAre(5, 0, 19));
}

TEST(PayloadFrame, ComesBackAsItWasWithAlignedParts) {
  auto payload = test::payload_of({"table", "one", std::string(100, 'x'), ""});
  payload.resources = {4, 5};
  const auto back = unpack(*describe(payload, kMax), pack(payload), kMax);
  ASSERT_TRUE(back);
  test::expect_same(*back, payload);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back->table.data()) % limits::kPartAlignment, 0u);
  for (const auto& part : back->attachments) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(part.data()) % limits::kPartAlignment, 0u);
  }
}

TEST(PayloadFrame, NoPartsMeanAnEmptyPayload) {
  const auto back = unpack(PayloadInfo{}, {}, kMax);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->table.empty());
  EXPECT_TRUE(back->attachments.empty());
}

TEST(PayloadFrame, AnyRangeIsThatRangeOfTheWhole) {
  const auto payload = test::payload_of({std::string(33, 'a'), "", std::string(16, 'b'), "c", std::string(70, 'd')});
  const auto whole = pack(payload);
  for (std::size_t begin = 0; begin <= whole.size(); ++begin) {
    for (std::size_t end = begin; end <= whole.size(); ++end) {
      std::vector<std::byte> range(end - begin, std::byte{0xEE});
      copy_range(payload, begin, range);
      ASSERT_TRUE(std::equal(range.begin(), range.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)))
          << begin << " to " << end;
      if (begin == end) continue;
      const Bytes shared = share_range(payload, begin, end - begin);
      ASSERT_EQ(shared, Bytes(range)) << begin << " to " << end;
    }
  }
}

TEST(PayloadFrame, TheSenderRefusesWhatIsTooLarge) {
  const auto payload = test::payload_of({std::string(100, 'x')});
  EXPECT_TRUE(describe(payload, 112));
  EXPECT_EQ(describe(payload, 111).error().code, ErrorCode::too_large);
  detail::Payload many;
  many.attachments.resize(limits::kAttachmentsMax + 1);
  EXPECT_EQ(describe(many, kMax).error().code, ErrorCode::too_large);
  detail::Payload resources;
  resources.resources.resize(limits::kAttachmentsMax + 1);
  EXPECT_EQ(describe(resources, kMax).error().code, ErrorCode::too_large);
}

TEST(PayloadFrame, TheReceiverRefusesWhatIsTooLargeOrDoesNotFit) {
  EXPECT_EQ(*check({.parts = {100, 1}}, kMax), 128u);
  EXPECT_EQ(check({.parts = {100, 1}}, 127).error().code, ErrorCode::too_large);
  EXPECT_EQ(check({.parts = std::vector<std::uint64_t>(4097, 1)}, kMax).value(), 4097u * 16);
  EXPECT_EQ(check({.parts = std::vector<std::uint64_t>(4098, 1)}, kMax).error().code, ErrorCode::incompatible);
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(check({.parts = {limits::kPayloadMaxCeiling}}, kAny));
  EXPECT_EQ(check({.parts = {limits::kPayloadMaxCeiling, 1}}, kAny).error().code, ErrorCode::too_large);
  const std::vector<std::byte> frame(32);
  EXPECT_EQ(unpack({.parts = {16}}, frame, kMax).error().code, ErrorCode::incompatible);
  EXPECT_EQ(unpack({.parts = {48}}, frame, kMax).error().code, ErrorCode::incompatible);
}

TEST(PayloadFrame, SumsOfAnnouncedSizesDoNotOverflow) {
  const std::uint64_t huge = ~std::uint64_t{0};
  EXPECT_FALSE(check({.parts = {huge}}, huge));
  EXPECT_FALSE(check({.parts = {huge / 2, huge / 2, 3}}, huge));
  EXPECT_FALSE(check({.parts = std::vector<std::uint64_t>(4097, huge / 4097)}, huge));
}

// --- Assembler

std::vector<std::byte> zeros(std::size_t size) {
  return std::vector<std::byte>(size);
}

TEST(Assembler, HandsOutPartsThatShareOneBuffer) {
  const auto payload = test::random_payload(7, {100, 600'000, 0, 5});
  const auto info = *describe(payload, kMax);
  const auto whole = pack(payload);
  Assembler assembler;
  ASSERT_TRUE(assembler.announce(info, kMax));
  for (std::size_t at = 0; at < whole.size(); at += limits::kChunkMax) {
    EXPECT_FALSE(assembler.complete());
    ASSERT_TRUE(assembler.on_chunk(at, std::span(whole).subspan(at, std::min(limits::kChunkMax, whole.size() - at))));
  }
  ASSERT_TRUE(assembler.complete());
  const auto back = assembler.take();
  test::expect_same(back, payload);
  EXPECT_EQ(back.attachments[0].data(), back.table.data() + 112);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(back.table.data()) % limits::kPartAlignment, 0u);
}

TEST(Assembler, PartsOutliveTheAssembler) {
  const auto payload = test::random_payload(8, {100'000});
  Bytes part;
  {
    Assembler assembler;
    ASSERT_TRUE(assembler.announce(*describe(payload, kMax), kMax));
    ASSERT_TRUE(assembler.on_chunk(0, pack(payload)));
    part = assembler.take().table;
  }
  EXPECT_EQ(part, payload.table);
}

TEST(Assembler, AnAnnouncedSizeBuysNoMemory) {
  Assembler assembler;
  ASSERT_TRUE(assembler.announce({.parts = {limits::GiB - 16}, .transfer = 2}, kMax));
  EXPECT_EQ(assembler.capacity(), 0u);
  const auto chunk = zeros(limits::kChunkMax);
  for (std::size_t at = 0; at < 64 * limits::MiB; at += chunk.size()) {
    ASSERT_TRUE(assembler.on_chunk(at, chunk));
    ASSERT_LE(assembler.capacity(), std::max(4 * limits::MiB, 2 * static_cast<std::size_t>(assembler.received())));
  }
}

TEST(Assembler, ASmallTransferTakesOnlyItsSize) {
  Assembler assembler;
  ASSERT_TRUE(assembler.announce({.parts = {100'000}, .transfer = 2}, kMax));
  ASSERT_TRUE(assembler.on_chunk(0, zeros(1000)));
  EXPECT_EQ(assembler.capacity(), 100'000u);
}

TEST(Assembler, AcceptsOneWindowBeforeItsEnvelopeAndNoByteMore) {
  Assembler assembler;
  const auto chunk = zeros(limits::kChunkMax);
  std::size_t at = 0;
  for (; at < limits::kTransferWindow; at += chunk.size()) EXPECT_EQ(*assembler.on_chunk(at, chunk), 0u);
  Assembler greedy;
  for (at = 0; at < limits::kTransferWindow; at += chunk.size()) ASSERT_TRUE(greedy.on_chunk(at, chunk));
  EXPECT_FALSE(greedy.on_chunk(at, zeros(1)));
  const auto credit = assembler.announce({.parts = {limits::GiB - 16}, .transfer = 2}, kMax);
  ASSERT_TRUE(credit);
  EXPECT_EQ(*credit, limits::kTransferWindow);
}

TEST(Assembler, RefusesMoreThanWasAnnounced) {
  Assembler late;
  ASSERT_TRUE(late.on_chunk(0, zeros(33)));
  EXPECT_FALSE(late.announce({.parts = {32}, .transfer = 2}, kMax));
  Assembler early;
  ASSERT_TRUE(early.announce({.parts = {32}, .transfer = 2}, kMax));
  EXPECT_FALSE(early.on_chunk(0, zeros(33)));
}

}  // namespace payload_frame_test
}  // namespace flame::wire
