// flame::testing: a task's arguments and result really go through the codec and the C trampoline.
#include <flame/testing.hpp>

#include <gtest/gtest.h>

#include "sample.hpp"

namespace {

using flame::ErrorCode;
using flame::testing::call;

TEST(Testing, RunsATaskWithBracesAndDesignatedInitialisers) {
  const auto resized = call<sample::resize_quality>({.path = "a.mp4", .height = 480});
  ASSERT_TRUE(resized) << resized.error().to_string();
  EXPECT_EQ(resized->path, "a.mp4.out");
  EXPECT_EQ(resized->bytes, 480);
  EXPECT_EQ(resized->seconds, 0.5);
}

TEST(Testing, RunsOverloadsAndVoidTasks) {
  EXPECT_EQ((call<flame::overload<int(int)>(sample::area)>(3).value()), 9);
  EXPECT_EQ((call<flame::overload<double(double)>(sample::area)>(2.0).value()), 12.0);
  EXPECT_TRUE(call<sample::nothing>());
}

TEST(Testing, CarriesBytesAsAttachments) {
  const auto reversed = call<sample::reversed>(flame::Bytes("abc", 3));
  ASSERT_TRUE(reversed);
  EXPECT_EQ(*reversed, flame::Bytes("cba", 3));
}

TEST(Testing, TrackedResultsWorkInLaterCalls) {
  {
    const auto index = call<sample::open_index>("a.idx");
    ASSERT_TRUE(index) << index.error().to_string();
    EXPECT_EQ((*index)->key, "a.idx");
    EXPECT_EQ(call<sample::key_of>(*index).value(), "a.idx");
    EXPECT_EQ((call<&sample::Index::query>(*index, "a.idx").value()), (std::vector<std::int64_t>{1, 11}));
    EXPECT_EQ(call<&sample::Index::base_value>(*index).value(), 11);
    EXPECT_EQ(sample::Index::alive, 1);
  }
  EXPECT_EQ(sample::Index::alive, 0);
}

TEST(Testing, TrackedResultsMayBeNested) {
  {
    const auto indexes = call<sample::open_many>(3);
    ASSERT_TRUE(indexes) << indexes.error().to_string();
    ASSERT_EQ(indexes->size(), 3U);
    EXPECT_EQ((*indexes)[2]->key, "2");
    EXPECT_EQ(sample::Index::alive, 3);
  }
  EXPECT_EQ(sample::Index::alive, 0);
}

TEST(Testing, AnEmptyTrackedArgumentGivesTheTasksError) {
  const auto key = call<sample::key_of>(flame::Tracked<sample::Index>());
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::task_failed);
  EXPECT_EQ(key.error().type, "std::logic_error");
}

TEST(Testing, AMethodOfAnEmptyHandleIsAnError) {
  const auto result = call<&sample::Index::base_value>(flame::Tracked<sample::Index>());
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("without an object"), std::string::npos);
}

TEST(Testing, ChildrenKeepTheirState) {
  flame::testing::Runner runner;
  const auto child = runner.call<sample::transcoder>("h264");
  ASSERT_TRUE(child) << child.error().to_string();
  EXPECT_EQ(runner.call<&sample::Transcoder::push>(*child, flame::Bytes("xy", 2)).value().size(), 2U);
  EXPECT_TRUE(runner.call<&sample::Transcoder::push>(*child, flame::Bytes()));
  EXPECT_EQ(runner.call<&sample::Transcoder::frames>(*child).value(), 2);
}

TEST(Testing, AFactoryThatFailsGivesItsException) {
  EXPECT_EQ(call<sample::failing_transcoder>().error().message, "no such codec");
  const auto null = call<sample::no_transcoder>();
  ASSERT_FALSE(null);
  EXPECT_EQ(null.error().code, ErrorCode::task_failed);
  EXPECT_NE(null.error().message.find("null object"), std::string::npos);
}

TEST(Testing, AResultOverTheLimitIsTooLarge) {
  flame::testing::Runner runner;
  runner.set_result_limit(1000);
  EXPECT_TRUE(runner.call<sample::reversed>(flame::Bytes(std::string(100, 'x'))));
  const auto result = runner.call<sample::reversed>(flame::Bytes(std::string(2000, 'x')));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_NE(result.error().message.find("payload_max"), std::string::npos);
}

}  // namespace
