// The two ends of a transfer: windows, credit, and every rule a broken peer can break.
#include "plugin_sdk/wire/transfer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::wire {
namespace transfer_test {

using limits::kChunkMax;
using limits::kTransferWindow;
using testing::HasSubstr;

TEST(OutgoingTransfer, SendsASmallTransferInOneChunk) {
  OutgoingTransfer transfer(100);
  const auto chunk = transfer.next();
  EXPECT_EQ(chunk.offset, 0u);
  EXPECT_EQ(chunk.size, 100u);
  EXPECT_TRUE(transfer.done());
  EXPECT_EQ(transfer.next().size, 0u);
}

TEST(OutgoingTransfer, StopsAtTheWindowUntilCreditComes) {
  OutgoingTransfer transfer(3 * kTransferWindow);
  while (transfer.ready()) static_cast<void>(transfer.next());
  EXPECT_EQ(transfer.sent(), kTransferWindow);
  ASSERT_TRUE(transfer.on_credit(kChunkMax - 1));
  EXPECT_FALSE(transfer.ready()) << "no small chunks";
  ASSERT_TRUE(transfer.on_credit(1));
  EXPECT_EQ(transfer.next().size, kChunkMax);
  EXPECT_FALSE(transfer.ready());
}

TEST(OutgoingTransfer, RefusesCreditForWhatItNeverSent) {
  OutgoingTransfer transfer(3 * kTransferWindow);
  EXPECT_FALSE(transfer.on_credit(1));
  const auto chunk = transfer.next();
  EXPECT_FALSE(transfer.on_credit(chunk.size + 1));
  EXPECT_FALSE(transfer.on_credit(~std::uint64_t{0}));
  EXPECT_TRUE(transfer.on_credit(chunk.size));
  EXPECT_FALSE(transfer.on_credit(1)) << "twice";
}

TEST(OutgoingTransfer, SendsNothingOnceAborted) {
  OutgoingTransfer transfer(3 * kTransferWindow);
  transfer.abort();
  EXPECT_TRUE(transfer.done());
  EXPECT_EQ(transfer.next().size, 0u);
}

std::string refusal(const flame::Result<std::uint64_t>& result) {
  if (result) return "it was accepted";
  EXPECT_EQ(result.error().code, ErrorCode::incompatible);
  return result.error().message;
}

TEST(IncomingTransfer, RefusesWhatBreaksTheOrder) {
  IncomingTransfer transfer;
  ASSERT_TRUE(transfer.announce(1000));
  ASSERT_TRUE(transfer.on_chunk(0, 100));
  EXPECT_THAT(refusal(transfer.on_chunk(0, 100)), HasSubstr("overlapping"));
  EXPECT_THAT(refusal(transfer.on_chunk(99, 100)), HasSubstr("overlapping"));
  EXPECT_THAT(refusal(transfer.on_chunk(101, 100)), HasSubstr("out of order"));
  EXPECT_THAT(refusal(transfer.on_chunk(~std::uint64_t{0}, 100)), HasSubstr("out of order"));
  EXPECT_THAT(refusal(transfer.on_chunk(100, 0)), HasSubstr("empty"));
  EXPECT_THAT(refusal(transfer.on_chunk(100, 901)), HasSubstr("more bytes than announced"));
  EXPECT_THAT(refusal(transfer.on_chunk(100, kChunkMax + 1)), HasSubstr("a chunk of"));
  EXPECT_EQ(transfer.received(), 100u) << "a refused chunk counts for nothing";
  ASSERT_TRUE(transfer.on_chunk(100, 900));
  EXPECT_TRUE(transfer.complete());
  EXPECT_THAT(refusal(transfer.on_chunk(1000, 1)), HasSubstr("more bytes than announced"));
}

TEST(IncomingTransfer, NeedsNoCreditMessagesForWhatFitsTheWindow) {
  IncomingTransfer transfer;
  ASSERT_EQ(*transfer.announce(kTransferWindow), 0u);
  for (std::size_t at = 0; at < kTransferWindow; at += kChunkMax) EXPECT_EQ(*transfer.on_chunk(at, kChunkMax), 0u);
  EXPECT_TRUE(transfer.complete());
}

TEST(IncomingTransfer, GrantsCreditLongBeforeTheWindowIsUsedUp) {
  IncomingTransfer transfer;
  ASSERT_TRUE(transfer.announce(4 * kTransferWindow));
  std::uint64_t granted = 0;
  for (std::size_t at = 0; at < kTransferWindow / 2; at += kChunkMax) granted += *transfer.on_chunk(at, kChunkMax);
  EXPECT_EQ(granted, kTransferWindow / 2) << "else the sender stops and starts";
}

// Both ends together, with any delay of the credit that the window allows.
void run_to_the_end(std::uint64_t total, std::size_t announce_after_chunks, std::size_t& credits) {
  OutgoingTransfer out(total);
  IncomingTransfer in;
  std::size_t chunks = 0;
  bool announced = false;
  const auto grant = [&](const flame::Result<std::uint64_t>& credit) {
    ASSERT_TRUE(credit) << credit.error().message;
    if (*credit == 0) return;
    ++credits;
    ASSERT_TRUE(out.on_credit(*credit));
  };
  while (!in.complete()) {
    if (!announced && (chunks >= announce_after_chunks || !out.ready())) {
      announced = true;
      grant(in.announce(total));
      continue;
    }
    const auto chunk = out.next();
    ASSERT_GT(chunk.size, 0u) << "stuck after " << out.sent() << " of " << total;
    ++chunks;
    grant(in.on_chunk(chunk.offset, chunk.size));
  }
  EXPECT_TRUE(out.done());
}

TEST(Transfer, RunsToItsEndWithoutGettingStuck) {
  for (const std::uint64_t total :
       {std::uint64_t{1}, std::uint64_t{kChunkMax}, std::uint64_t{kTransferWindow}, std::uint64_t{kTransferWindow} + 1,
        std::uint64_t{kTransferWindow} + kChunkMax + 7, std::uint64_t{100'000'001}}) {
    for (const std::size_t early : {0u, 1u, 7u, 1000u}) {
      std::size_t credits = 0;
      run_to_the_end(total, early, credits);
      EXPECT_LE(credits, total / (kTransferWindow / 4)) << "credit messages stay few";
    }
  }
}

}  // namespace transfer_test
}  // namespace flame::wire
