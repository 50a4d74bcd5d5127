// The exception firewall: which error each kind of exception becomes.
#include "plugin_sdk/sdk/firewall.hpp"

#include <gtest/gtest.h>

#include <flame/testing.hpp>

#include "sample.hpp"

namespace {

using flame::ErrorCode;
using flame::testing::call;

TEST(Firewall, GivesTypeAndMessageOfAStandardException) {
  const auto result = call<sample::throw_standard>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().type, "std::out_of_range");
  EXPECT_EQ(result.error().message, "the message");
  EXPECT_EQ(result.error().started, flame::Started::yes);
}

TEST(Firewall, JoinsNestedExceptionsOutermostFirst) {
  const auto result = call<sample::throw_nested>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().type, "std::invalid_argument");
  EXPECT_EQ(result.error().message,
            "outer\ncaused by std::runtime_error: middle\ncaused by std::logic_error: innermost");
}

TEST(Firewall, NamesTheTypeOfAnythingElse) {
  const auto result = call<sample::throw_int>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().type, "int");
  EXPECT_EQ(result.error().message, "unknown exception");
}

TEST(Firewall, TurnsBadAllocIntoOutOfMemory) {
  const auto result = call<sample::throw_no_memory>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_EQ(result.error().type, "std::bad_alloc");
}

TEST(Firewall, SurvivesAWhatThatGivesNull) {
  const auto result = call<sample::throw_unprintable>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().message, "");
}

}  // namespace
