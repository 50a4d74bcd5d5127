// BulkOut and BulkIn: turns, windows, credit, and peers that break the rules.
#include "runner/bulk.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

slot::PayloadBuffer buffer(std::size_t size, int fill = 0) {
  slot::PayloadBuffer bytes(size);
  std::memset(bytes.data(), fill, size);
  return bytes;
}

Frame frame(std::size_t size) {
  Frame bytes(size);
  std::memset(bytes.data(), 1, size);
  return bytes;
}

TEST(BulkOut, SendsAPayloadInChunksAndStopsAtTheWindow) {
  BulkOut out;
  const auto id = out.start(7, buffer(5 * limits::MiB));
  EXPECT_EQ(id, 1u);
  std::size_t sent = 0;
  while (const auto piece = out.next()) {
    EXPECT_EQ(piece->header.offset, sent);
    EXPECT_EQ(piece->invocation, 7u);
    sent += piece->bytes.size();
  }
  EXPECT_EQ(sent, limits::kTransferWindow);
  EXPECT_TRUE(out.on_credit({id, limits::MiB}));
  bool last = false;
  while (const auto piece = out.next()) {
    sent += piece->bytes.size();
    last = piece->last;
  }
  EXPECT_EQ(sent, 5 * limits::MiB);
  EXPECT_TRUE(last);
  EXPECT_TRUE(out.empty());
}

TEST(BulkOut, TransfersTakeTurns) {
  BulkOut out;
  const auto first = out.start(1, buffer(limits::MiB, 1));
  const auto second = out.start(2, buffer(limits::MiB, 2));
  EXPECT_EQ(out.next()->header.transfer, first);
  EXPECT_EQ(out.next()->header.transfer, second);
  EXPECT_EQ(out.next()->header.transfer, first);
}

TEST(BulkOut, AStreamSendsWhatTheSlotGave) {
  BulkOut out;
  const auto id = out.start_stream(7, limits::kChunkMax + 16);
  EXPECT_FALSE(out.next().has_value());
  out.append(id, buffer(limits::kChunkMax));
  auto piece = out.next();
  ASSERT_TRUE(piece.has_value());
  EXPECT_TRUE(piece->streamed);
  EXPECT_FALSE(piece->last);
  out.append(id, buffer(16));
  piece = out.next();
  ASSERT_TRUE(piece.has_value());
  EXPECT_TRUE(piece->last);
}

TEST(BulkOut, CreditForBytesThatWereNeverSentIsABrokenPeer) {
  BulkOut out;
  const auto id = out.start(7, buffer(5 * limits::MiB));
  EXPECT_FALSE(out.on_credit({id, limits::MiB}));
  EXPECT_TRUE(out.on_credit({99, limits::MiB})) << "late news of a transfer that is over";
}

TEST(BulkOut, AnAbortNamesTheInvocation) {
  BulkOut out;
  const auto id = out.start(7, buffer(limits::MiB));
  EXPECT_EQ(out.abort(id), 7u);
  EXPECT_EQ(out.abort(id), 0u);
  EXPECT_FALSE(out.next().has_value());
}

TEST(BulkIn, ChunksWaitUntilTheyAreConsumedAndThenGiveCredit) {
  BulkIn in;
  ASSERT_TRUE(in.claim(2, 8 * limits::MiB).has_value());
  std::uint64_t offset = 0;
  for (; offset < limits::kTransferWindow; offset += limits::kChunkMax) {
    ASSERT_TRUE(in.on_chunk({2, offset}, frame(limits::kChunkMax)));
  }
  EXPECT_FALSE(in.on_chunk({2, offset}, frame(limits::kChunkMax))) << "past the window";
  std::uint64_t credit = 0;
  for (auto bytes = in.front(2); !bytes.empty(); bytes = in.front(2)) credit += in.consume(2, bytes.size());
  EXPECT_GT(credit, 0u);
  EXPECT_TRUE(in.on_chunk({2, offset}, frame(limits::kChunkMax)));
}

TEST(BulkIn, PartsOfAChunkCanBeConsumed) {
  BulkIn in;
  ASSERT_TRUE(in.on_chunk({2, 0}, frame(100)));
  EXPECT_EQ(in.consume(2, 30), 0u);
  EXPECT_EQ(in.front(2).size(), 70u);
}

TEST(BulkIn, ChunksMayOvertakeTheirInvoke) {
  BulkIn in;
  ASSERT_TRUE(in.on_chunk({2, 0}, frame(100)));
  EXPECT_TRUE(in.claim(2, 200).has_value());
  ASSERT_TRUE(in.on_chunk({2, 100}, frame(100)));
  EXPECT_FALSE(in.on_chunk({2, 200}, frame(1))) << "more than announced";
}

TEST(BulkIn, BrokenRulesAreRefused) {
  BulkIn in;
  EXPECT_FALSE(in.on_chunk({3, 0}, frame(10))) << "the runner's own ids";
  EXPECT_FALSE(in.on_chunk({0, 0}, frame(10)));
  EXPECT_FALSE(in.on_chunk({2, 5}, frame(10))) << "not at the start";
  EXPECT_FALSE(in.on_chunk({4, 0}, Frame()));
  EXPECT_FALSE(in.on_chunk({6, 0}, frame(limits::kChunkMax + 1)));
  EXPECT_FALSE(in.claim(7, 10).has_value());
}

TEST(BulkIn, TransfersThatNobodyClaimsAreBounded) {
  BulkIn in;
  int taken = 0;
  for (std::uint64_t id = 2; id < 2000; id += 2) taken += in.on_chunk({id, 0}, frame(1)) ? 1 : 0;
  EXPECT_LE(taken, 64);
}

TEST(BulkIn, LateChunksOfAClosedTransferAreDropped) {
  BulkIn in;
  ASSERT_TRUE(in.claim(2, 100).has_value());
  EXPECT_TRUE(in.close(2)) << "bytes were still to come";
  EXPECT_TRUE(in.on_chunk({2, 0}, frame(10)));
  EXPECT_TRUE(in.front(2).empty());
  EXPECT_FALSE(in.claim(2, 100).has_value());
}

}  // namespace
}  // namespace flame::runner
