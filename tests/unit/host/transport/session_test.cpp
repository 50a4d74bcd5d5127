// Session: what it makes of a runner's messages, and in which order it tells it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host/transport/session_fixture.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

}  // namespace
}  // namespace flame::pool
