// Session: what it makes of a runner's messages, in which order it tells it, and what it puts on the wire.
#include "host/src/transport/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/unit/host/transport/told_pool.hpp"
#include "tests/unit/plugin_sdk/wire/payloads.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kSession = 42;
constexpr std::uint64_t kPayloadMax = 16 * limits::MiB;

class SessionTest : public testing::Test {
 protected:
  SessionTest() { session_.attach_bulk(bulk_); }

  /// The runner says this.
  Result<void> say(wire::Body body, std::span<const std::byte> payload = {}) {
    return session_.on_message(std::move(body), payload, {});
  }
  void say_well(wire::Body body, std::span<const std::byte> payload = {}) {
    const auto taken = say(std::move(body), payload);
    EXPECT_TRUE(taken.has_value()) << taken.error().message;
  }
  /// The result of `call`, whose bytes are transfer 1 (or another of the runner's).
  static wire::Result by_transfer(CallId call, const detail::Payload& payload, std::uint64_t transfer = 1) {
    auto info = *wire::describe(payload, std::uint64_t{1} << 40);
    info.transfer = transfer;
    return wire::make_result(call, std::move(info), {});
  }
  void chunk(const detail::Payload& payload, std::uint64_t transfer = 1) {
    say_well(wire::Chunk{.transfer = transfer, .offset = 0}, wire::pack(payload));
  }

  static std::shared_ptr<RemoteCall> call_of(CallId id, detail::Payload arguments) {
    static const auto executor = std::make_shared<Executor>([](const char*) {});
    CallRecord record;
    record.set_id(id);
    record.task = "tasks::work";
    record.invoke.digest = std::string(64, 'a');
    record.invoke.payload = *wire::describe(arguments, kPayloadMax);
    record.wire_bytes = wire::wire_size(arguments);
    record.arguments = std::move(arguments);
    return std::make_shared<RemoteCall>(executor, std::make_shared<Inbox>(), std::move(record));
  }
  void send(CallId id, detail::Payload arguments = test::payload_of({"small"})) {
    session_.send(call_of(id, std::move(arguments)), Instant{} + 1s, 1);
  }
  void flush() {
    while (session_.flush(Instant{}) == Session::Flushed::more) {
    }
  }
  template <typename Message>
  std::optional<Message> heard_by(PeerId peer) {
    const auto heard = transport_.hear(peer);
    if (!heard) return std::nullopt;
    EXPECT_EQ(heard->envelope.session, kSession);
    const auto* message = std::get_if<Message>(&heard->envelope.body);
    EXPECT_NE(message, nullptr) << "message kind " << heard->envelope.body.index();
    return message == nullptr ? std::nullopt : std::optional(*message);
  }

  const PeerId control_ = test::FakeTransport::peer(Line::control);
  const PeerId bulk_ = test::FakeTransport::peer(Line::bulk);
  test::FakeTransport transport_;
  test::ToldPool pool_;
  Unsent unsent_;
  Session session_{Session::Around{transport_, pool_, unsent_},
                   SessionInfo{.id = kSession, .name = "ffmpeg-1", .control = control_, .payload_max = kPayloadMax}};
  const detail::Payload large_ = test::random_payload(1, {100'000, 100});
};

TEST_F(SessionTest, TellsWhatComesInTheOrderInWhichItCame) {
  const detail::Payload payload = test::payload_of({"table", "attachment"});
  say_well(wire::Begun{.id = 7});
  say_well(wire::Output{.id = 7, .text = "line"});
  say_well(wire::Progress{.id = 7, .fraction = 0.5});
  say_well(wire::make_result(7, *wire::describe(payload, kPayloadMax), {}), wire::pack(payload));
  say_well(wire::make_ended(7));
  EXPECT_THAT(pool_.told(), ElementsAre("begun 7", "output 7", "progress 7", "result 7", "ended 7"));
  test::expect_same(pool_.payload, payload);
}

TEST_F(SessionTest, AFailedCallSaysWhatItUsed) {
  Error error;
  error.code = ErrorCode::task_failed;
  wire::Result result = wire::make_failure(7, error);
  result.usage.wall_ns = 5;
  say_well(result);
  EXPECT_THAT(pool_.told(), ElementsAre("task_failed 7"));
  EXPECT_EQ(pool_.error.usage.wall_ns, 5);
}

TEST_F(SessionTest, EndedNeverOvertakesAResultWhoseBytesAreUnderWay) {
  say_well(by_transfer(7, large_));
  say_well(wire::make_ended(7));
  say_well(wire::make_ended(8));
  EXPECT_THAT(pool_.told(), ElementsAre("ended 8"));
  chunk(large_);
  EXPECT_THAT(pool_.told(), ElementsAre("result 7", "ended 7"));
  test::expect_same(pool_.payload, large_);
}

TEST_F(SessionTest, BytesMayOvertakeTheirResult) {
  chunk(large_);
  EXPECT_THAT(pool_.told(), IsEmpty());
  say_well(by_transfer(7, large_));
  EXPECT_THAT(pool_.told(), ElementsAre("result 7"));
  test::expect_same(pool_.payload, large_);
}

TEST_F(SessionTest, WhyATransferWasAbortedReachesTheCaller) {
  detail::Payload with_objects = large_;
  with_objects.resources = {5, 6};
  say_well(by_transfer(7, with_objects));
  say_well(wire::make_ended(7));
  Error death;
  death.code = ErrorCode::out_of_memory;
  death.message = "The slot was killed.";
  say_well(wire::make_abort(1, "its slot died", death));
  EXPECT_THAT(pool_.told(), ElementsAre("out_of_memory 7", "ended 7"));
  EXPECT_EQ(pool_.error.message, "The result was not sent to the end. The slot was killed.");
  EXPECT_EQ(pool_.error.started, Started::yes);
  EXPECT_THAT(pool_.payload.resources, ElementsAre(5, 6)) << "they have to be let go all the same";
  chunk(large_);
  EXPECT_THAT(pool_.told(), IsEmpty()) << "late bytes";
}

TEST_F(SessionTest, AnAbortWithoutAnErrorIsACrashWithItsReason) {
  say_well(by_transfer(7, large_));
  say_well(wire::make_abort(1, "its slot died"));
  EXPECT_THAT(pool_.told(), ElementsAre("crashed 7"));
  EXPECT_THAT(pool_.error.message, HasSubstr("its slot died"));
}

TEST_F(SessionTest, ASecondResultByTransferIsABrokenRunner) {
  say_well(by_transfer(7, large_));
  const auto same_call = say(by_transfer(7, large_, 3));
  ASSERT_FALSE(same_call.has_value());
  EXPECT_EQ(same_call.error().code, ErrorCode::incompatible);
  const auto same_transfer = say(by_transfer(8, large_));
  ASSERT_FALSE(same_transfer.has_value());
  EXPECT_EQ(same_transfer.error().code, ErrorCode::incompatible);
  EXPECT_THAT(pool_.told(), IsEmpty());
}

TEST_F(SessionTest, AResultOverPayloadMaxIsTooLargeAndLeavesItsObjectsToBeLetGo) {
  wire::Result inline_result = wire::make_result(7, {.parts = {kPayloadMax + 1}, .resources = {5}}, {});
  say_well(inline_result);
  EXPECT_THAT(pool_.told(), ElementsAre("too_large 7"));
  EXPECT_THAT(pool_.payload.resources, ElementsAre(5));
  inline_result.id = 8;
  inline_result.payload.transfer = 1;
  say_well(inline_result);
  EXPECT_THAT(pool_.told(), ElementsAre("too_large 8"));
  EXPECT_THAT(pool_.payload.resources, ElementsAre(5));
  EXPECT_EQ(pool_.error.started, Started::yes);
  flush();
  EXPECT_EQ(heard_by<wire::Abort>(bulk_).value_or(wire::Abort{}).transfer, 1U) << "the runner need not send it";
}

TEST_F(SessionTest, AResultWhoseFrameHasAnotherSizeIsABrokenRunner) {
  const auto taken = say(wire::make_result(7, {.parts = {100}}, {}), std::vector<std::byte>(16));
  ASSERT_FALSE(taken.has_value());
  EXPECT_THAT(pool_.told(), ElementsAre("incompatible 7")) << "its caller is answered all the same";
}

TEST_F(SessionTest, ACallThatTheRunnerDoesNotKnowIsIncompatibleAndHasEnded) {
  session_.on_unsupported({.id = 7, .what = "message kind 99"}, {});
  EXPECT_THAT(pool_.told(), ElementsAre("incompatible 7", "ended 7"));
  EXPECT_EQ(pool_.error.started, Started::no);
  EXPECT_THAT(pool_.error.message, HasSubstr("message kind 99"));
}

TEST_F(SessionTest, AnAnswerToRetireWaitsForResultsThatAreUnderWay) {
  say_well(by_transfer(7, large_, 1));
  say_well(by_transfer(8, large_, 3));
  session_.post(wire::RetireReply{.granted = true});
  session_.post(wire::Drain{.grace_ns = 5});
  flush();
  EXPECT_TRUE(heard_by<wire::Drain>(control_)) << "nothing else waits";
  chunk(large_, 1);
  session_.post(wire::Drain{.grace_ns = 6});
  flush();
  EXPECT_TRUE(heard_by<wire::Drain>(control_)) << "one result is still under way";
  say_well(wire::make_abort(3, "its slot died"));
  flush();
  const auto reply = heard_by<wire::RetireReply>(control_);
  EXPECT_TRUE(reply && reply->granted);
}

TEST_F(SessionTest, AnAnswerToRetireIsNotHeldUpByNothing) {
  session_.post(wire::RetireReply{.granted = true});
  flush();
  EXPECT_TRUE(heard_by<wire::RetireReply>(control_));
}

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
    EXPECT_EQ(invoke->remaining_ns, Duration(1s).count());
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
