// What people do with the command's JSON: numbers at the edges of their types, objects of many members.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/edge/edge_command.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// ---- P5: JSON costs what it must

#ifdef __SANITIZE_ADDRESS__
constexpr int kMany = 20'000;
#else
constexpr int kMany = 200'000;  // a minute and more, if each looks at all others
#endif

std::string object_of(int members) {
  std::string text = "{";
  for (int i = 0; i < members; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + "}";
}

TEST_F(EdgeCommand, AnObjectOfManyMembersCostsWhatItMust) {
  const auto result = call("members", object_of(kMany));
  EXPECT_EQ(result.out, std::to_string(kMany) + "\n") << result.err.substr(0, 500);
}

TEST_F(EdgeCommand, AResultOfManyMembersCostsWhatItMust) {
  const auto result = call("many", "[" + std::to_string(kMany) + "]");
  ASSERT_EQ(result.code, 0) << result.err.substr(0, 500);
  EXPECT_EQ(json::parse(result.out).size(), std::size_t{kMany});
}

TEST_F(EdgeCommand, AListOfManyObjectsCostsWhatItMust) {
  std::string text = "[[";
  for (int i = 0; i < kMany; ++i) text += (i > 0 ? ",{\"number\":" : "{\"number\":") + std::to_string(i) + "}";
  EXPECT_EQ(call("items", text + "]]").out, std::to_string(kMany) + "\n");
}

TEST_F(EdgeCommand, AKeyThatIsThereTwiceIsRefusedWithItsPlace) {
  const auto result = call("members", "{\"a\": 1,\n \"b\": 2,\n \"a\": 3}");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("\"a\""));
  EXPECT_THAT(result.err, HasSubstr("line 3"));
  EXPECT_THAT(call("items", R"([[{"number": 1}, {"number": 1, "number": 2}]])").err, HasSubstr("[0][1].number"));
}

// ---- P6: numbers bit for bit, or refused

TEST_F(EdgeCommand, EdgeValuesComeBackAsTheyWere) {
  for (const std::string value :
       {R"({"i8":-128,"u8":255,"i16":-32768,"u16":65535,"i32":-2147483648,"u32":4294967295,)"
        R"("i64":-9223372036854775808,"u64":18446744073709551615,"f":3.4028235e+38,"d":1.7976931348623157e+308})",
        R"({"i8":127,"u8":0,"i16":32767,"u16":0,"i32":2147483647,"u32":0,)"
        R"("i64":9223372036854775807,"u64":0,"f":1e-45,"d":5e-324})",
        R"({"i8":0,"u8":0,"i16":0,"u16":0,"i32":0,"u32":0,"i64":0,"u64":0,"f":-0.0,"d":-0.0})"}) {
    const auto result = call("echo", value);
    EXPECT_EQ(result.out, value + "\n") << result.err;
  }
}

TEST_F(EdgeCommand, TheTaskGetsTheBitsThatWereWritten) {
  EXPECT_EQ(call("bits", R"({"f": -0.0, "d": -0.0})").out, "[\"80000000\",\"8000000000000000\"]\n");
  EXPECT_EQ(call("bits", R"({"f": -0, "d": -0})").out, "[\"80000000\",\"8000000000000000\"]\n");
  EXPECT_EQ(call("bits", R"({"f": 0.1, "d": 0.1})").out, "[\"3dcccccd\",\"3fb999999999999a\"]\n");
}

TEST_F(EdgeCommand, WholeNumbersAreExactHoweverTheyAreWritten) {
  EXPECT_THAT(call("echo", R"({"i64": 9007199254740993.0})").out, HasSubstr("\"i64\":9007199254740993,"));
  EXPECT_THAT(call("echo", R"({"u64": 1.8446744073709551615e19})").out, HasSubstr("\"u64\":18446744073709551615,"));
}

TEST_F(EdgeCommand, NumbersThatATypeCannotHoldAreRefused) {
  for (const std::string value :
       {R"({"f": 1e39})", R"({"f": -3.5e38})", R"({"f": 1e-60})", R"({"d": 1e400})", R"({"u64": 18446744073709551616})",
        R"({"i64": 9223372036854775808})", R"({"i64": -9223372036854775809})", R"({"u8": -1})", R"({"i8": 128})",
        R"({"i32": 1.5})", R"({"i64": 4503599627370497.2})", R"({"i64": 1e400})", R"({"i32": 01})",
        R"({"u32": 1e10})"}) {
    const auto result = call("echo", value);
    EXPECT_EQ(result.code, 2) << value << " -> " << result.out;
  }
}

}  // namespace
}  // namespace flame::test
