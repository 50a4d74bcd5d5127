// The secrets of tasks: read together, bounded, never shown.
#include "host/src/loop/task_secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace task_secrets_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string refusal(const std::map<std::string, Secret>& secrets) {
  const auto values = reveal(secrets);
  if (values) return "they were taken";
  EXPECT_EQ(values.error().code, ErrorCode::invalid_argument);
  return values.error().message;
}

TEST(TaskSecrets, AreValuesByVariable) {
  const auto values = reveal({{"A", Secret::literal("one")}, {"B", Secret::literal("two\nlines")}});
  ASSERT_TRUE(values);
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ((*values)[0].key + "=" + (*values)[0].value, "A=one");
  EXPECT_EQ((*values)[1].key + "=" + (*values)[1].value, "B=two\nlines");
}

TEST(TaskSecrets, OneThatCannotBeReadIsNamed) {
  EXPECT_THAT(refusal({{"A", Secret::literal("one")}, {"B", Secret::from_env("FLAME_TEST_UNSET")}}),
              AllOf(HasSubstr("secret B: "), HasSubstr("FLAME_TEST_UNSET is not set"), Not(HasSubstr("one"))));
}

TEST(TaskSecrets, HaveNoZeroByte) {
  EXPECT_THAT(refusal({{"A", Secret::literal(std::string("hush\0hush", 9))}}),
              AllOf(HasSubstr("secret A: "), HasSubstr("zero byte"), Not(HasSubstr("hush"))));
}

TEST(TaskSecrets, HaveRoomInADescriptorTogether) {
  const std::string most(limits::kTaskSecretsBytesMax - 3, 'x');
  EXPECT_EQ(refusal({{"A", Secret::literal(most)}, {"B", Secret::literal("y")}}), "they were taken");
  EXPECT_THAT(refusal({{"A", Secret::literal(most)}, {"B", Secret::literal("yy")}}),
              AllOf(HasSubstr("secret B: "), HasSubstr("12 KiB together"), Not(HasSubstr("yy"))));
}

}  // namespace task_secrets_test
}  // namespace flame::pool
