// Operations with changes that the test lets end: numbers, limits, what is remembered, and the end of a host.
#include "host/src/setup/operations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <string>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tests/support/eventually.hpp"

namespace flame::pool {
namespace operations_test {

using control::ChangeRequest;
using control::OperationStatus;
using testing::HasSubstr;

class OperationsTest : public testing::Test {
 protected:
  ~OperationsTest() override { end_held(); }

  Result<ActivateResult> change(const ChangeRequest& request) {
    if (request.plugin == "held") ended_.wait();
    if (request.plugin == "bad") return base::make_error(ErrorCode::incompatible, "no pool takes it");
    if (request.plugin == "throws") throw std::runtime_error("a disk is gone");
    return ActivateResult{
        .plugin = request.plugin, .version = "1.0.0", .digest = {}, .switched = {}, .passed_over = {}};
  }
  void end_held() {
    if (!std::exchange(let_go_, true)) end_.set_value();
  }
  std::uint64_t start(const std::string& plugin) {
    const auto answer = operations_.start({.plugin = plugin, .options = {}});
    if (!answer) ADD_FAILURE() << answer.error().message;
    return answer ? std::get<OperationStatus>(*answer).number : 0;
  }
  /// Once it has ended.
  control::Answer outcome(std::uint64_t number) {
    const auto under_way = [](const control::Answer& answer) {
      return answer && std::get<OperationStatus>(*answer).state == "under_way";
    };
    EXPECT_TRUE(test::eventually([&] { return !under_way(operations_.find(number)); }));
    return operations_.find(number);
  }

  std::promise<void> end_;
  std::shared_future<void> ended_ = end_.get_future().share();
  bool let_go_ = false;
  Operations operations_{[this](const ChangeRequest& request) { return change(request); }};
};

TEST_F(OperationsTest, AreUnderWayUntilTheirChangeHasEnded) {
  const auto begun = operations_.start({.plugin = "held", .options = {}});
  ASSERT_TRUE(begun);
  const auto& status = std::get<OperationStatus>(*begun);
  EXPECT_EQ(status.number, 1U);
  EXPECT_EQ(status.change, "activate held");
  EXPECT_EQ(status.state, "under_way");
  EXPECT_FALSE(status.result);
  EXPECT_EQ(start("video"), 2U) << "which need not wait for the first";
  ASSERT_TRUE(outcome(2));
  EXPECT_EQ(std::get<OperationStatus>(*operations_.find(1)).state, "under_way");
  end_held();
  const auto done = outcome(1);
  ASSERT_TRUE(done);
  EXPECT_EQ(std::get<OperationStatus>(*done).state, "done");
  EXPECT_EQ(std::get<OperationStatus>(*done).result->version, "1.0.0");
}

TEST_F(OperationsTest, AFailedOneIsAnsweredWithItsOwnError) {
  const auto failed = outcome(start("bad"));
  ASSERT_TRUE(failed.has_error());
  EXPECT_EQ(failed.error().code, ErrorCode::incompatible);
  EXPECT_EQ(failed.error().message, "no pool takes it");
  const auto thrown = outcome(start("throws"));
  ASSERT_TRUE(thrown.has_error());
  EXPECT_THAT(thrown.error().message, HasSubstr("a disk is gone"));
}

TEST_F(OperationsTest, AnUnknownNumberIsToldHowManyAreRemembered) {
  for (const std::uint64_t number : {0U, 2U}) {
    static_cast<void>(outcome(number == 0 ? start("video") : 1));
    const auto answer = operations_.find(number);
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().code, ErrorCode::not_found);
    EXPECT_THAT(answer.error().message, HasSubstr("no operation " + std::to_string(number)));
    EXPECT_THAT(answer.error().message, HasSubstr("the last " + std::to_string(limits::kOperationsKept)));
  }
}

TEST_F(OperationsTest, NoMoreThanTheLimitAreUnderWayAtOnce) {
  for (std::size_t i = 0; i < limits::kOperationsRunningMax; ++i) start("held");
  const auto refused = operations_.start({.plugin = "video", .options = {}});
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, ErrorCode::queue_full);
  EXPECT_THAT(refused.error().message, HasSubstr(std::to_string(limits::kOperationsRunningMax) + " changes"));
  end_held();
  for (std::uint64_t number = 1; number <= limits::kOperationsRunningMax; ++number) ASSERT_TRUE(outcome(number));
  EXPECT_EQ(start("video"), limits::kOperationsRunningMax + 1);
}

TEST_F(OperationsTest, TheLastOnesAreRemembered) {
  const std::uint64_t held = start("held");
  for (std::size_t i = 0; i < limits::kOperationsKept + 1; ++i) ASSERT_TRUE(outcome(start("video")));
  EXPECT_TRUE(operations_.find(held)) << "one that is under way is never forgotten";
  EXPECT_TRUE(operations_.find(2).has_error());
  EXPECT_TRUE(operations_.find(3));
}

TEST_F(OperationsTest, WhenTheHostEndsNoneBeginsAndThoseUnderWayAreWaitedFor) {
  const std::uint64_t number = start("held");
  auto closed = std::async(std::launch::async, [&] { operations_.close(); });
  ASSERT_TRUE(test::eventually([&] {
    const auto refused = operations_.start({.plugin = "video", .options = {}});
    return refused.has_error() && refused.error().code == ErrorCode::shutting_down;
  }));
  EXPECT_EQ(std::get<OperationStatus>(*operations_.find(number)).state, "under_way");
  end_held();
  closed.get();
  EXPECT_EQ(std::get<OperationStatus>(*operations_.find(number)).state, "done");
}

}  // namespace operations_test
}  // namespace flame::pool
