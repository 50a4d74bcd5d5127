// One closed set of error codes: flame::ErrorCode, its names and the schema's enum agree.
#include <gtest/gtest.h>
#include <wire_generated.h>

#include <flame/error.hpp>

namespace flame::wire {
namespace error_code_test {

TEST(ErrorCodes, AreTheSameInTheSchemaAndInPrint) {
  for (const fb::ErrorCode value : fb::EnumValuesErrorCode()) {
    EXPECT_EQ(to_string(static_cast<ErrorCode>(value)), fb::EnumNameErrorCode(value));
  }
  EXPECT_EQ(static_cast<int>(ErrorCode::shutting_down), static_cast<int>(fb::ErrorCode::MAX));
}

TEST(ErrorCodes, AValueOutsideIsUnknown) {
  EXPECT_EQ(to_string(static_cast<ErrorCode>(255)), "unknown");
}

TEST(ErrorCodes, StartedIsTheSameInTheSchema) {
  EXPECT_EQ(static_cast<int>(Started::unknown), static_cast<int>(fb::Started::unknown));
  EXPECT_EQ(static_cast<int>(Started::no), static_cast<int>(fb::Started::no));
  EXPECT_EQ(static_cast<int>(Started::yes), static_cast<int>(fb::Started::yes));
}

}  // namespace error_code_test
}  // namespace flame::wire
