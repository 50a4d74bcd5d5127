// JSON text to values.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/tools/flame/conversion.hpp"

namespace flame::cli {
namespace json_text_test {

TEST(ParseJson, SaysWhereTextIsNoJson) {
  const auto json = parsed("[1,\n x]");
  ASSERT_FALSE(json);
  EXPECT_NE(json.error().message.find("line 2"), std::string::npos) << json.error().message;
}

TEST(ParseJson, RefusesAMemberThatIsThereTwiceWithItsPlace) {
  const auto json = parsed("[1, {\"a\": {\"b\": 1,\n \"c\": 2,\n \"b\": 3}}]");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().message, "the member \"b\" is there twice, at line 3, column 4 ([1].a.b).");
  EXPECT_TRUE(parsed(R"([{"a": 1}, {"a": 1}, {"b": {"a": 1}, "a": 2}])"));
}

TEST(ParseJson, NamesANulByteAndItsPlaceAlsoWhereTheTextBeforeItIsWhole) {
  for (const std::string& text : {std::string("[1,\0 2]", 7), std::string("[1]\0[2", 6), std::string("\"a\0\"", 4)}) {
    const auto json = parsed(text);
    ASSERT_FALSE(json) << text;
    const std::string column = std::to_string(text.find('\0') + 1);
    EXPECT_EQ(json.error().message, "no valid JSON: there is a NUL byte at line 1, column " + column + ".");
  }
}

TEST(ParseJson, SaysWhichNumberNoDoubleHolds) {
  EXPECT_EQ(parsed("{\"a\": 1e400}").error().message,
            "the number 1e400 is larger than every double, at line 1, column 12 (a).");
}

TEST(ParseJson, GivesWhatWasWritten) {
  for (const std::string text : {R"({"z":[1,-2,{"a":null}],"a":"\u001f\"é","":true,"n":0.1})", "[]", "{}", "\"x\"",
                                 "[[],{}]", "-9223372036854775808", "18446744073709551615", "1e-07", "-0.0"}) {
    EXPECT_EQ(parsed(text).value(), text);
  }
  for (const char* text :
       {"", " ", "[1,]", "{\"a\"}", "nul", "\"\xff\"", "\"\\ud800\"", "[1] 2", "+1", ".5", "NaN", "'a'"}) {
    EXPECT_FALSE(parsed(text)) << text;
  }
}

TEST(ParseJson, RefusesTextThatIsNestedWithoutEnd) {
  EXPECT_FALSE(parsed(std::string(100'000, '[')));
  EXPECT_FALSE(parsed(std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_TRUE(parsed(std::string(100, '[') + std::string(100, ']')));
}

}  // namespace json_text_test
}  // namespace flame::cli
