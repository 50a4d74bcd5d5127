// A loop that fails: nothing is done twice, nobody waits for it in vain, and it can be ended.
#include "host/src/loop/loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

using test::eventually;
using testing::HasSubstr;

class LoopTest : public testing::Test {
 protected:
  void SetUp() override {
    auto router = Router::bind({.control_ipc = "ipc://" + directory_ / "control.ipc",
                                .bulk_ipc = "ipc://" + directory_ / "bulk.ipc",
                                .tcp = {}});
    ASSERT_TRUE(router.has_value()) << router.error().message;
    descriptor_ = (*router)->fds().front();
    loop_ = std::make_unique<Loop>(Loop::Parts{.router = std::move(*router),
                                               .inbox = inbox_,
                                               .backends = {},
                                               .pools = {},
                                               .log = {},
                                               .host_name = "test",
                                               .liveness = {}});
  }
  [[nodiscard]] bool refuses() {
    return eventually([&] { return !inbox_->push(command::None()); });
  }
  /// Has the loop call this.
  [[nodiscard]] bool push(std::function<void()> what) {
    auto reply = [what = std::move(what)](const control::Answer&) { what(); };
    return inbox_->push(command::AskHost{
        std::make_shared<control::Question>(control::Question{control::StatusRequest{}, std::move(reply)})});
  }

  test::TempDir directory_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  int descriptor_ = -1;  // one that the loop is going to watch
  std::unique_ptr<Loop> loop_;
};

TEST_F(LoopTest, AReplyThatThrowsIsNotDoneAgain) {
  std::atomic<int> runs{0};
  loop_->start();
  ASSERT_TRUE(push([&] {
    ++runs;
    throw std::runtime_error("told by a test");
  }));
  EXPECT_TRUE(refuses());
  loop_.reset();
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(inbox_->refusal().message, HasSubstr("told by a test"));
}

TEST_F(LoopTest, AReplyIsGoneOnceItIsDoneThoughTheLoopHasFailed) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> there = held;
  ASSERT_TRUE(push([this, held = std::move(held)]() mutable {
    static_cast<void>(push([held = std::move(held)] {}));
    throw std::runtime_error("told by a test");
  }));
  loop_->start();
  EXPECT_TRUE(eventually([&] { return there.expired(); })) << "a promise in it would never be broken";
}

TEST_F(LoopTest, ThatCannotBeginAnswersWhoWaitsAndEnds) {
  inbox_->leader().watch(descriptor_, 0);  // a second time, it is an error
  std::atomic<bool> answered{false};
  ASSERT_TRUE(push([&] { answered = true; }));
  loop_->start();
  EXPECT_TRUE(refuses());
  loop_.reset();
  EXPECT_TRUE(answered);
  EXPECT_THAT(inbox_->refusal().message, HasSubstr("the host has failed"));
}

}  // namespace
}  // namespace flame::pool
