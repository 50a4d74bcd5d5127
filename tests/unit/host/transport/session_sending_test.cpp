// Session: what it puts on the wire, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host/transport/session_fixture.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(SessionTest, NumbersCallsAsTheyGoOnTheWire) {
  send(7);
  send(8, test::random_payload(1, {limits::kInlinePayloadMax}));
  send(9);
  EXPECT_EQ(session_.sent_seq(), 0U);
  flush();
  EXPECT_EQ(session_.sent_seq(), 3U);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    const auto invoke = heard_by<wire::Invoke>(control_);
    ASSERT_TRUE(invoke);
    EXPECT_EQ(invoke->id, seq + 6);
    EXPECT_EQ(invoke->seq, seq);
    EXPECT_EQ(invoke->remaining_ns, Duration(kLimit).count());
  }
}

TEST_F(SessionTest, ACallThatIsCancelledInTheQueueIsNeverSent) {
  send(7);
  send(8);
  EXPECT_TRUE(session_.cancel(7, wire::CancelReason::cancelled));
  flush();
  EXPECT_EQ(heard_by<wire::Invoke>(control_).value_or(wire::Invoke{}).id, 8U);
  EXPECT_FALSE(session_.cancel(8, wire::CancelReason::timed_out));
  flush();
  const auto cancel = heard_by<wire::Cancel>(control_);
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->id, 8U);
  EXPECT_EQ(cancel->reason, wire::CancelReason::timed_out);
}

// Reads chunks until the window is used up, and then what comes.
TEST_F(SessionTest, ACallThatEndsBeforeItsArgumentsHaveArrivedAbortsThem) {
  send(7, test::random_payload(1, {2 * limits::kTransferWindow}));
  flush();
  const std::uint64_t transfer = heard_by<wire::Invoke>(control_).value_or(wire::Invoke{}).payload.transfer;
  EXPECT_NE(transfer, 0U);
  say_well(wire::make_ended(7));
  EXPECT_THAT(pool_.told(), ElementsAre("ended 7"));
  flush();
  for (std::size_t sent = 0; sent < limits::kTransferWindow; sent += limits::kChunkMax)
    ASSERT_TRUE(heard_by<wire::Chunk>(bulk_)) << sent;
  EXPECT_EQ(heard_by<wire::Abort>(bulk_).value_or(wire::Abort{}).transfer, transfer);
}

TEST_F(SessionTest, CreditThatWasNotOwedIsABrokenRunner) {
  send(7, test::random_payload(1, {2 * limits::kTransferWindow}));
  flush();
  EXPECT_FALSE(say(wire::Credit{.transfer = 2, .bytes = std::uint64_t{1} << 40}).has_value());
  EXPECT_TRUE(say(wire::Credit{.transfer = 2, .bytes = limits::kTransferWindow / 4}).has_value());
}

TEST_F(SessionTest, ARunnerThatIsGoneIsNoticedWhenItIsSentTo) {
  transport_.hang_up(control_);
  session_.post(wire::Drain{.grace_ns = 5});
  EXPECT_EQ(session_.flush(Instant{}), Session::Flushed::gone);
}

TEST_F(SessionTest, WhatASocketDoesNotTakeIsSentLaterInItsOrder) {
  transport_.be_full(control_, true);
  send(7);
  send(8);
  EXPECT_EQ(session_.flush(Instant{}), Session::Flushed::parked);
  EXPECT_EQ(session_.sent_seq(), 0U);
  EXPECT_TRUE(session_.cancel(7, wire::CancelReason::cancelled)) << "it is still here";
  transport_.be_full(control_, false);
  EXPECT_EQ(session_.flush(Instant{}), Session::Flushed::done);
  EXPECT_EQ(heard_by<wire::Invoke>(control_).value_or(wire::Invoke{}).id, 8U);
}

TEST_F(SessionTest, IsAmongTheUnsentOnceWhoeverGaveItSomething) {
  unsent_.clear();
  flush();  // since its second connection stands
  unsent_.clear();
  session_.post(wire::Drain{.grace_ns = 5});
  send(7);
  session_.beat();
  EXPECT_THAT(unsent_, ElementsAre(&session_));
  unsent_.clear();
  transport_.be_full(control_, true);
  EXPECT_EQ(session_.flush(Instant{}), Session::Flushed::parked);
  EXPECT_THAT(unsent_, ElementsAre(&session_)) << "it has something left";
  unsent_.clear();
  transport_.be_full(control_, false);
  EXPECT_EQ(session_.flush(Instant{}), Session::Flushed::done);
  EXPECT_THAT(unsent_, IsEmpty());
}

TEST_F(SessionTest, SaysItsFarewellInPlaceOfWhatIsQueuedAndNothingMore) {
  send(7);
  session_.close(wire::Bye{.reason = "over"});
  EXPECT_EQ(heard_by<wire::Bye>(control_).value_or(wire::Bye{}).reason, "over");
  unsent_.clear();
  session_.post(wire::Drain{.grace_ns = 5});
  EXPECT_THAT(unsent_, IsEmpty());
  EXPECT_FALSE(transport_.hear(control_));
}

}  // namespace
}  // namespace flame::pool
