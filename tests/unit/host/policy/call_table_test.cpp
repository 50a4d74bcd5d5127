// CallTable: budgets, retries, `started`, and exactly one completion.
#include "host/src/policy/call_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {
namespace call_table_test {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Instant kStart{};
constexpr RunnerId kRunner = 4;

CallTable table() {
  return CallTable({.queue = 30s, .run = 60s});
}

event::Submit plain(CallId call) {
  return {.call = call};
}
event::Submit budget(CallId call, Duration budget) {
  return {.call = call, .budget = budget};
}
event::Submit idempotent(CallId call, std::uint32_t retries) {
  return {.call = call, .budget = 100s, .retries = retries, .idempotent = true};
}

Error failure(ErrorCode code) {
  Error error;
  error.code = code;
  return error;
}

TEST(CallTable, GivesAPlainCallTheQueueLimitAndThenTheRunLimit) {
  CallTable calls = table();
  calls.submit(plain(1), kStart);
  EXPECT_EQ(calls.next_deadline(), kStart + 30s);
  const CallTable::Attempt attempt = calls.sent(1, kRunner, kStart + 29s);
  EXPECT_EQ(attempt.remaining, 60s);
  EXPECT_EQ(attempt.number, 1u);
  EXPECT_EQ(calls.next_deadline(), kStart + 89s);
}

TEST(CallTable, SpendsAnExplicitBudgetOnQueueAndRun) {
  CallTable calls = table();
  calls.submit(budget(1, 10s), kStart);
  EXPECT_EQ(calls.sent(1, kRunner, kStart + 4s).remaining, 6s);
  EXPECT_EQ(calls.next_deadline(), kStart + 10s);
}

TEST(CallTable, NeverExpiresACallWithoutLimit) {
  CallTable calls = table();
  calls.submit(budget(1, kForever), kStart);
  EXPECT_EQ(calls.next_deadline(), kNever);
  EXPECT_EQ(calls.sent(1, kRunner, kStart).remaining, kForever);
  EXPECT_EQ(calls.next_deadline(), kNever);
}

TEST(CallTable, SaysWhetherACallTimedOutInTheQueueOrInTheRun) {
  CallTable calls = table();
  calls.submit(budget(1, 1s), kStart);
  calls.submit(budget(2, 1s), kStart);
  calls.submit(budget(3, 1s), kStart);
  calls.sent(2, kRunner, kStart);
  calls.sent(3, kRunner, kStart);
  calls.begun(kRunner, 3);
  EXPECT_FALSE(calls.expire(kStart + 1s - 1ns, std::nullopt));
  const auto first = calls.expire(kStart + 1s, std::nullopt);
  EXPECT_EQ(first->error->code, ErrorCode::queue_timed_out);
  EXPECT_EQ(first->error->started, Started::no);
  EXPECT_FALSE(first->remote);
  const auto second = calls.expire(kStart + 1s, std::nullopt);
  EXPECT_EQ(second->error->code, ErrorCode::timed_out);
  EXPECT_EQ(second->error->started, Started::unknown);
  EXPECT_TRUE(second->remote);
  const auto third = calls.expire(kStart + 1s, std::nullopt);
  EXPECT_EQ(third->error->started, Started::yes);
  EXPECT_EQ(third->runner, kRunner);
  EXPECT_FALSE(calls.expire(kStart + 1h, std::nullopt));
  EXPECT_EQ(calls.size(), 0u);
}

TEST(CallTable, NamesTheFailedBootThatAWaiterWaitedFor) {
  CallTable calls = table();
  calls.submit(plain(1), kStart);
  Error boot = failure(ErrorCode::boot_failed);
  boot.message = "no such binary";
  boot.log_tail = "exec format error";
  const auto outcome = calls.expire(kStart + 30s, boot);
  EXPECT_EQ(outcome->error->code, ErrorCode::boot_failed);
  EXPECT_THAT(outcome->error->message, HasSubstr("no such binary"));
  EXPECT_EQ(outcome->error->log_tail, "exec format error") << "of its machine";
}

TEST(CallTable, CompletesACallOnce) {
  CallTable calls = table();
  calls.submit(plain(1), kStart);
  calls.sent(1, kRunner, kStart);
  const auto verdict = calls.result(kRunner, 1, std::nullopt);
  ASSERT_TRUE(verdict.outcome);
  EXPECT_FALSE(verdict.outcome->error);
  EXPECT_FALSE(calls.result(kRunner, 1, std::nullopt).outcome);
  EXPECT_FALSE(calls.cancel(1, wire::CancelReason::cancelled));
  EXPECT_FALSE(calls.expire(kStart + 24h, std::nullopt));
  EXPECT_FALSE(calls.lost(kRunner, 1, "gone", true).outcome);
}

TEST(CallTable, CancelsInEveryState) {
  CallTable calls = table();
  for (CallId call : {1U, 2U, 3U}) calls.submit(plain(call), kStart);
  calls.sent(2, kRunner, kStart);
  calls.sent(3, kRunner, kStart);
  calls.begun(kRunner, 3);
  const auto waiting = calls.cancel(1, wire::CancelReason::cancelled);
  EXPECT_EQ(waiting->error->code, ErrorCode::cancelled);
  EXPECT_EQ(waiting->error->started, Started::no);
  EXPECT_FALSE(waiting->remote);
  EXPECT_EQ(calls.cancel(2, wire::CancelReason::cancelled)->error->started, Started::unknown);
  const auto running = calls.cancel(3, wire::CancelReason::shutting_down);
  EXPECT_EQ(running->error->code, ErrorCode::shutting_down);
  EXPECT_EQ(running->error->started, Started::yes);
  EXPECT_TRUE(running->remote);
  EXPECT_FALSE(calls.cancel(3, wire::CancelReason::cancelled));
  EXPECT_EQ(calls.next_deadline(), kNever);
}

TEST(CallTable, RetriesACrashedIdempotentCallWhenItsSlotHasEnded) {
  CallTable calls = table();
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart + 10s);
  auto verdict = calls.result(kRunner, 1, failure(ErrorCode::crashed));
  EXPECT_FALSE(verdict.outcome);
  EXPECT_FALSE(verdict.retry) << "attempts must not overlap";
  verdict = calls.ended(kRunner, 1);
  ASSERT_TRUE(verdict.retry);
  const CallTable::Attempt attempt = calls.sent(1, kRunner + 1, kStart + 20s);
  EXPECT_EQ(attempt.number, 2u);
  EXPECT_EQ(attempt.remaining, 80s) << "a retry keeps what is left of the budget";
  verdict = calls.result(kRunner + 1, 1, failure(ErrorCode::crashed));
  ASSERT_TRUE(verdict.outcome) << "no retries are left";
  EXPECT_EQ(verdict.outcome->error->code, ErrorCode::crashed);
}

TEST(CallTable, KeepsTheRunLimitOfAPlainCallOverItsRetries) {
  CallTable calls = table();
  event::Submit submit = idempotent(1, 5);
  submit.budget.reset();
  calls.submit(submit, kStart);
  calls.sent(1, kRunner, kStart + 10s);
  EXPECT_TRUE(calls.lost(kRunner, 1, "gone", true).retry);
  EXPECT_EQ(calls.sent(1, kRunner + 1, kStart + 30s).remaining, 40s);
}

TEST(CallTable, NeverRetriesOtherFailuresOrTasksThatAreNotIdempotent) {
  CallTable calls = table();
  calls.submit(idempotent(1, 3), kStart);
  calls.sent(1, kRunner, kStart);
  EXPECT_TRUE(calls.result(kRunner, 1, failure(ErrorCode::task_failed)).outcome);
  event::Submit once = plain(2);
  once.retries = 3;
  calls.submit(once, kStart);
  calls.sent(2, kRunner, kStart);
  EXPECT_TRUE(calls.result(kRunner, 2, failure(ErrorCode::crashed)).outcome);
}

TEST(CallTable, FailsTheCallsOfALostRunnerAndSaysWhetherTheyHadBegun) {
  CallTable calls = table();
  for (CallId call : {1U, 2U}) {
    calls.submit(plain(call), kStart);
    calls.sent(call, kRunner, kStart);
  }
  calls.begun(kRunner, 2);
  const auto unknown = calls.lost(kRunner, 1, "killed by signal 9", true).outcome;
  EXPECT_EQ(unknown->error->code, ErrorCode::runner_lost);
  EXPECT_THAT(unknown->error->message, HasSubstr("killed by signal 9"));
  EXPECT_EQ(unknown->error->started, Started::unknown);
  EXPECT_EQ(calls.lost(kRunner, 2, "killed", true).outcome->error->started, Started::yes);
}

TEST(CallTable, IgnoresEventsOfFormerAttempts) {
  CallTable calls = table();
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart);
  EXPECT_TRUE(calls.lost(kRunner, 1, "gone", true).retry);
  EXPECT_FALSE(calls.result(kRunner, 1, std::nullopt).outcome) << "it waits now";
  calls.sent(1, kRunner + 1, kStart);
  EXPECT_FALSE(calls.result(kRunner, 1, std::nullopt).outcome);
  EXPECT_FALSE(calls.ended(kRunner, 1).retry);
  EXPECT_FALSE(calls.lost(kRunner, 1, "gone", true).outcome);
  EXPECT_TRUE(calls.result(kRunner + 1, 1, std::nullopt).outcome);
}

TEST(CallTable, TimesOutWhileARetryWaitsAndKnowsItHadBegun) {
  CallTable calls = table();
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart);
  calls.begun(kRunner, 1);
  EXPECT_TRUE(calls.lost(kRunner, 1, "gone", true).retry);
  const auto outcome = calls.expire(kStart + 100s, std::nullopt);
  EXPECT_EQ(outcome->error->code, ErrorCode::timed_out);
  EXPECT_EQ(outcome->error->started, Started::yes);
  EXPECT_FALSE(outcome->remote);
}

TEST(CallTable, KnowsThatItHadBegunWhateverEndsItsWaitForARetry) {
  CallTable calls = table();
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart);
  calls.begun(kRunner, 1);
  EXPECT_TRUE(calls.lost(kRunner, 1, "gone", true).retry);
  const auto outcome = calls.fail(1, Error{.code = ErrorCode::incompatible, .message = {}, .started = Started::no});
  EXPECT_EQ(outcome->error->started, Started::yes);
}

TEST(CallTable, LetsACallRestUntilItsLastAttemptIsOver) {
  CallTable calls = table();
  event::Submit unlinked = idempotent(1, 1);
  unlinked.linked = false;
  calls.submit(unlinked, kStart);
  calls.submit(plain(2), kStart);
  calls.sent(1, kRunner, kStart);
  calls.sent(2, kRunner, kStart);
  const auto verdict = calls.lost(kRunner, 1, "disconnected", false);
  EXPECT_TRUE(verdict.may_still_run);
  EXPECT_FALSE(verdict.linked);
  EXPECT_FALSE(verdict.retry);
  EXPECT_TRUE(calls.lost(kRunner, 2, "disconnected", false).outcome) << "nothing to wait for";
  EXPECT_TRUE(calls.ended(kRunner, 1).retry);
}

TEST(CallTable, SaysWhyACallWasNotTriedAgainInTime) {
  CallTable calls = table();
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart);
  EXPECT_TRUE(calls.lost(kRunner, 1, "disconnected", false).may_still_run);
  const auto outcome = calls.expire(kStart + 100s, std::nullopt);
  EXPECT_EQ(outcome->error->code, ErrorCode::runner_lost);
  EXPECT_THAT(outcome->error->message, HasSubstr("disconnected"));
  EXPECT_FALSE(outcome->remote);
  EXPECT_FALSE(calls.ended(kRunner, 1).retry) << "proof that comes too late";
}

TEST(CallTable, BelievesARunnerOnlyAboutItsOwnAttempt) {
  CallTable calls = table();
  Error refused = failure(ErrorCode::boot_failed);
  refused.started = Started::no;
  calls.submit(idempotent(1, 2), kStart);
  calls.sent(1, kRunner, kStart);
  EXPECT_TRUE(calls.ended(kRunner, 1).retry);
  calls.sent(1, kRunner, kStart);
  EXPECT_EQ(calls.result(kRunner, 1, refused).outcome->error->started, Started::unknown) << "the first may have begun";
  calls.submit(idempotent(2, 2), kStart);
  calls.sent(2, kRunner, kStart);
  Error crashed = failure(ErrorCode::crashed);
  crashed.started = Started::yes;
  calls.result(kRunner, 2, crashed);
  EXPECT_TRUE(calls.ended(kRunner, 2).retry);
  calls.sent(2, kRunner, kStart);
  EXPECT_EQ(calls.result(kRunner, 2, refused).outcome->error->started, Started::yes);
}

TEST(CallTable, DoesNotTakeACrashForABeginning) {
  CallTable calls = table();
  Error crashed = failure(ErrorCode::crashed);
  crashed.started = Started::no;  // the slot died before it had the call
  calls.submit(idempotent(1, 1), kStart);
  calls.sent(1, kRunner, kStart);
  calls.result(kRunner, 1, crashed);
  EXPECT_TRUE(calls.ended(kRunner, 1).retry);
  EXPECT_NE(calls.cancel(1, wire::CancelReason::cancelled)->error->started, Started::yes);
}

TEST(CallTable, AnswersACallWhoseSlotEndedWithoutAResult) {
  CallTable calls = table();
  calls.submit(plain(1), kStart);
  calls.sent(1, kRunner, kStart);
  EXPECT_EQ(calls.ended(kRunner, 1).outcome->error->code, ErrorCode::runner_lost);
}

TEST(CallTable, ListsCallsInTheOrderTheyCame) {
  CallTable calls = table();
  for (CallId call : {9U, 2U, 5U}) calls.submit(plain(call), kStart);
  EXPECT_THAT(calls.all(), ElementsAre(9, 2, 5));
}

TEST(CallTable, ABrokenClockEndsNobodysProgram) {
  const base::AssertionsThrow throws;
  CallTable calls = table();
  EXPECT_THROW(calls.machine_placed(kStart), base::BrokenInvariant) << "none was queued for";
}

}  // namespace call_table_test
}  // namespace flame::pool
