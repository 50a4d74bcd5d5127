// Arguments from JSON.
#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/tools/flame/schemas.hpp"
#include "tools/flame/json_codec.hpp"

namespace flame::cli {
namespace {

JsonCodec codec_of(const char* schema) {
  auto codec = JsonCodec::from_schema(schema);
  if (!codec) throw CallError(codec.error());
  return std::move(*codec);
}

// What encode() says is wrong with `text`.
std::string complaint(const char* schema, const std::string& text) {
  auto codec = codec_of(schema);
  const auto payload = codec.encode(*parse_json(text));
  if (payload) return "(no error)";
  EXPECT_EQ(payload.error().code, ErrorCode::invalid_argument);
  return payload.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Call and Return of kManyTypes have the same member type, so what was encoded can be read back.
Json round_trip(const std::string& text) {
  auto codec = codec_of(kManyTypes);
  const auto payload = codec.encode(*parse_json(text));
  if (!payload) throw CallError(payload.error());
  const auto back = codec.decode(*payload);
  if (!back) throw CallError(back.error());
  return *back;
}

TEST(JsonEncode, CarriesEveryKindOfValue) {
  const auto back = round_trip(R"([{"name": "a\"b", "small": -128, "huge": 18446744073709551615, "flag": true,
    "ratio": 0.1, "colour": "green", "wait": 1500, "maybe": 0, "note": "", "point": {"x": 1, "y": 2.5},
    "points": [{"x": 3, "y": 0}], "shape": {"f1": {"x": 7}}, "tags": {"z": 1, "a": 2}, "rows": [[1, 2], []]}])");
  EXPECT_EQ(back["name"], "a\"b");
  EXPECT_EQ(back["small"], -128);
  EXPECT_EQ(back["huge"].get<std::uint64_t>(), 18446744073709551615ULL);
  EXPECT_EQ(back["flag"], true);
  EXPECT_EQ(back["ratio"].dump(), "0.1");
  EXPECT_EQ(back["colour"], "green");
  EXPECT_EQ(back["wait"], 1500);
  EXPECT_EQ(back["maybe"], 0);
  EXPECT_EQ(back["note"], "");
  EXPECT_EQ(back["point"].dump(), R"({"x":1,"y":2.5})");
  EXPECT_EQ(back["points"].dump(), R"([{"x":3,"y":0.0}])");
  EXPECT_EQ(back["shape"].dump(), R"({"f1":{"x":7,"y":0.0}})");
  EXPECT_EQ(back["tags"].dump(), R"({"a":2,"z":1})");
  EXPECT_EQ(back["rows"].dump(), "[[1,2],[]]");
}

TEST(JsonEncode, ReadsWhatWasNotSentAsZeroEmptyOrNull) {
  const auto back = round_trip("[{}]");
  EXPECT_EQ(back["name"], "");
  EXPECT_EQ(back["small"], 0);
  EXPECT_EQ(back["colour"], "red");
  EXPECT_TRUE(back["maybe"].is_null());
  EXPECT_TRUE(back["note"].is_null());
  EXPECT_EQ(back["point"].dump(), R"({"x":0,"y":0.0})");
  EXPECT_EQ(back["points"].dump(), "[]");
  EXPECT_EQ(back["tags"].dump(), "{}");
  EXPECT_EQ(back["data"], "");
}

TEST(JsonEncode, TakesASingleValueForTheOnlyArgument) {
  EXPECT_EQ(round_trip(R"({"name": "x"})")["name"], "x");
}

TEST(JsonEncode, CarriesNumbersThatJsonHasNoNameFor) {
  auto back = round_trip(R"([{"point": {"y": "nan"}, "points": [{"y": "inf"}, {"y": "-inf"}]}])");
  EXPECT_EQ(back["point"]["y"], "nan");
  EXPECT_EQ(back["points"][0]["y"], "inf");
  EXPECT_EQ(back["points"][1]["y"], "-inf");
}

TEST(JsonEncode, CountsArguments) {
  EXPECT_TRUE(contains(complaint(kTwoArguments, "[[1]]"), "takes 2 arguments, 1 given"));
  EXPECT_TRUE(contains(complaint(kManyTypes, "[1, 2]"), "takes 1 argument, 2 given"));
  EXPECT_EQ(complaint(kTwoArguments, R"([[1, 2], [3, "x"]])"), "(no error)");
}

TEST(JsonEncode, SaysWhereWhatAndWhy) {
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"name": 3}])"), "argument 1.name: expected a string, got 3"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"small": 128}])"), "from -128 to 127, got 128"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"huge": -1}])"), "from 0 to 18446744073709551615"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"small": 1.5}])"), "expected a whole number"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"flag": 1}])"), "expected true or false"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"colour": "gren"}])"), "did you mean \"green\""));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"colour": 3}])"), "expected one of red, green"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"nmae": "x"}])"), "did you mean \"name\""));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"points": [{"x": "1"}]}])"), "argument 1.points[0].x"));
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"shape": {"f0": 1, "f1": {}}}])"), "exactly one of f0, f1"));
  EXPECT_TRUE(contains(complaint(kTwoArguments, R"([[1], [1]])"), "expected 2 elements, got 1"));
}

TEST(JsonEncode, AcceptsWholeNumbersWrittenAsFractions) {
  EXPECT_EQ(round_trip(R"([{"wait": 3.0}])")["wait"], 3);
  EXPECT_EQ(round_trip(R"([{"wait": 1e6}])")["wait"], 1000000);
}

constexpr const char* kScalars = R"(enum Big : ulong { none = 0, all = 18446744073709551615 }
enum Small : byte { minus = -1, zero = 0 }

table ns_Scalars {
  i8:byte;
  u8:ubyte;
  i16:short;
  u16:ushort;
  i32:int;
  u32:uint;
  i64:long;
  u64:ulong;
  f:float;
  d:double;
  big:Big;
  small:Small;
}

table Call {
  f0:ns_Scalars;
}

table Return {
  value:ns_Scalars;
}

root_type Call;
)";

// What came back for the text of one member; "refused" for what was refused.
std::string back_again(const std::string& member, const std::string& number) {
  auto codec = codec_of(kScalars);
  const auto json = parse_json("{\"" + member + "\": " + number + "}");
  if (!json) return "refused";
  const auto payload = codec.encode(*json);
  if (!payload) return "refused";
  return codec.decode(*payload).value()[member].dump();
}

template <class Float, class Bits>
void every_float_comes_back(const char* member, std::uint64_t seed) {
  auto codec = codec_of(kScalars);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = static_cast<Bits>(random());
    const auto number = std::bit_cast<Float>(bits);
    if (!std::isfinite(number)) continue;
    char text[64];
    const std::string written(text, std::to_chars(text, text + sizeof text, number).ptr);
    const auto payload = codec.encode(*parse_json(std::string("{\"") + member + "\": " + written + "}"));
    ASSERT_TRUE(payload) << written << ": " << payload.error().message;
    // What is printed is what a next call gets.
    const auto printed = codec.decode(*payload).value()[member].dump();
    const auto again = std::bit_cast<Bits>(static_cast<Float>(std::strtod(printed.c_str(), nullptr)));
    ASSERT_EQ(again, bits) << "seed " << seed << ": " << written << " came back as " << printed;
  }
}

TEST(JsonNumbers, EveryFloatComesBackBitForBit) {
  for (const std::uint64_t seed : {1, 2, 3}) every_float_comes_back<float, std::uint32_t>("f", seed);
}

TEST(JsonNumbers, EveryDoubleComesBackBitForBit) {
  for (const std::uint64_t seed : {1, 2, 3}) every_float_comes_back<double, std::uint64_t>("d", seed);
}

template <class Whole>
void whole_numbers_come_back_or_are_refused(const char* member) {
  using Limits = std::numeric_limits<Whole>;
  std::mt19937_64 random(7);
  std::vector<std::int64_t> values = {Limits::min(), 0, 1, -1};
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<std::int64_t>(random()) >> (random() % 64));
  for (const auto value : values) {
    const auto text = std::to_string(value);
    const auto expected = std::in_range<Whole>(value) ? text : "refused";
    EXPECT_EQ(back_again(member, text), expected);
    EXPECT_EQ(back_again(member, text + ".0"), expected) << text;
    if (value != 0) {
      EXPECT_EQ(back_again(member, text + "000e-3"), expected) << text;
    }
  }
  const auto highest = std::to_string(Limits::max());
  EXPECT_EQ(back_again(member, highest), highest);
  EXPECT_EQ(back_again(member, highest + "e0"), highest);
}

TEST(JsonNumbers, WholeNumbersComeBackExactlyOrAreRefused) {
  whole_numbers_come_back_or_are_refused<std::int8_t>("i8");
  whole_numbers_come_back_or_are_refused<std::uint8_t>("u8");
  whole_numbers_come_back_or_are_refused<std::int16_t>("i16");
  whole_numbers_come_back_or_are_refused<std::uint16_t>("u16");
  whole_numbers_come_back_or_are_refused<std::int32_t>("i32");
  whole_numbers_come_back_or_are_refused<std::uint32_t>("u32");
  whole_numbers_come_back_or_are_refused<std::int64_t>("i64");
  whole_numbers_come_back_or_are_refused<std::uint64_t>("u64");
}

TEST(JsonNumbers, AreWholeByWhatIsWrittenNotByWhatADoubleMakesOfIt) {
  EXPECT_EQ(back_again("i64", "9007199254740993.0"), "9007199254740993");
  EXPECT_EQ(back_again("u64", "1.8446744073709551615e19"), "18446744073709551615");
  EXPECT_EQ(back_again("u64", "18446744073709551616"), "refused");
  EXPECT_EQ(back_again("i64", "9223372036854775808"), "refused");
  EXPECT_EQ(back_again("i64", "4503599627370497.2"), "refused");
  EXPECT_EQ(back_again("i32", "3.0000000000000000000001"), "refused");
  EXPECT_EQ(back_again("i64", "1e400"), "refused");
  EXPECT_EQ(back_again("i64", "1e99999999999999999999"), "refused");
  EXPECT_EQ(back_again("i64", "0e99999999999999999999"), "0");
  EXPECT_EQ(back_again("i64", "0e-99999999999999999999"), "0");
  EXPECT_EQ(back_again("i32", "-0"), "0");
  EXPECT_EQ(back_again("i32", "01"), "refused");
}

TEST(JsonNumbers, KeepTheSignOfZero) {
  for (const char* zero : {"-0.0", "-0", "-0e5", "-0.000"}) {
    EXPECT_EQ(back_again("d", zero), "-0.0") << zero;
    EXPECT_EQ(back_again("f", zero), "-0.0") << zero;
  }
  EXPECT_EQ(back_again("d", "0"), "0.0");
}

TEST(JsonNumbers, ThatAFloatOrDoubleCannotHoldAreRefused) {
  EXPECT_EQ(back_again("f", "1e39"), "refused");
  EXPECT_EQ(back_again("f", "-1e39"), "refused");
  EXPECT_EQ(back_again("f", "3.4028235e38"), "3.4028235e+38");
  EXPECT_EQ(back_again("f", "3.4028236e38"), "refused");
  EXPECT_EQ(back_again("f", "1e-45"), "1e-45");
  EXPECT_EQ(back_again("f", "1e-46"), "refused");
  EXPECT_EQ(back_again("d", "1e400"), "refused");
  EXPECT_EQ(back_again("d", "1e-400"), "refused");
  EXPECT_EQ(back_again("d", "5e-324"), "5e-324");
  EXPECT_EQ(back_again("d", "123456789012345678901234567890"), "1.2345678901234568e+29");
}

TEST(JsonNumbers, OfEnumeratorsAreComparedWithTheirSign) {
  EXPECT_EQ(back_again("big", "18446744073709551615"), "\"all\"");
  EXPECT_EQ(back_again("big", "\"all\""), "\"all\"");
  EXPECT_EQ(back_again("big", "-1"), "refused");
  EXPECT_EQ(back_again("small", "-1"), "\"minus\"");
  EXPECT_EQ(back_again("small", "18446744073709551615"), "refused");
}

TEST(JsonEncode, SortsMapsAndRefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(round_trip(R"([{"tags": {"b": 1, "\u00e9": 2, "a\u0000": 3, "a": 4, "": 5}}])")["tags"].dump(),
            R"({"":5,"a":4,"a\u0000":3,"b":1,"é":2})");
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"tags": [{"key": "x"}, {"key": "x"}]}])"),
                       "argument 1.tags: the key \"x\" is there twice"));
}

TEST(JsonEncode, ReadsBytesFromAFileFromBase64AndFromText) {
  const test::TempDir directory;
  const auto path = directory.write("photo", std::string("\0\xff!", 3));
  auto codec = codec_of(kBytes);
  const auto payload = codec.encode(Json::array({"@" + path, Json::array({"base64:AAE=", "plain", ""})}));
  ASSERT_TRUE(payload) << payload.error().message;
  ASSERT_EQ(payload->attachments.size(), 3U);
  EXPECT_EQ(payload->attachments[0], Bytes("\0\xff!", 3));
  EXPECT_EQ(payload->attachments[1], Bytes("\0\1", 2));
  EXPECT_EQ(payload->attachments[2], Bytes("plain", 5));
}

TEST(JsonEncode, NamesAFileThatIsNotThere) {
  auto codec = codec_of(kBytes);
  const auto payload = codec.encode(Json::parse(R"(["@/no/such/file", []])"));
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, ErrorCode::not_found);
  EXPECT_TRUE(contains(payload.error().message, "/no/such/file"));
}

TEST(JsonEncode, RefusesASchemaItCannotUse) {
  EXPECT_EQ(JsonCodec::from_schema("table Call {").error().code, ErrorCode::incompatible);
  EXPECT_EQ(JsonCodec::from_schema("table Call {}").error().code, ErrorCode::incompatible);
}

TEST(JsonEncode, DescribesTheParameters) {
  EXPECT_EQ(codec_of(kTwoArguments).parameters(), "([int32], [int32, string])");
  EXPECT_EQ(codec_of(kBytes).signature(), "(bytes, [bytes]) -> bytes");
}

TEST(ParseJson, SaysWhereTextIsNoJson) {
  const auto parsed = parse_json("[1,\n x]");
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(contains(parsed.error().message, "line 2")) << parsed.error().message;
}

TEST(ParseJson, RefusesAMemberThatIsThereTwiceWithItsPlace) {
  const auto parsed = parse_json("[1, {\"a\": {\"b\": 1,\n \"c\": 2,\n \"b\": 3}}]");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "the member \"b\" is there twice, at line 3, column 4 ([1].a.b).");
  EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": 1}, {"b": {"a": 1}, "a": 2}])"));
}

TEST(ParseJson, NamesANulByteAndItsPlaceAlsoWhereTheTextBeforeItIsWhole) {
  for (const std::string& text : {std::string("[1,\0 2]", 7), std::string("[1]\0[2", 6), std::string("\"a\0\"", 4)}) {
    const auto parsed = parse_json(text);
    ASSERT_FALSE(parsed) << text;
    const std::string column = std::to_string(text.find('\0') + 1);
    EXPECT_EQ(parsed.error().message, "no valid JSON: there is a NUL byte at line 1, column " + column + ".");
  }
}

TEST(ParseJson, SaysWhichNumberNoDoubleHolds) {
  EXPECT_EQ(parse_json("{\"a\": 1e400}").error().message,
            "the number 1e400 is larger than every double, at line 1, column 12 (a).");
}

TEST(ParseJson, GivesWhatWasWritten) {
  for (const std::string text : {R"({"z":[1,-2,{"a":null}],"a":"\u001f\"é","":true,"n":0.1})", "[]", "{}", "\"x\"",
                                 "[[],{}]", "-9223372036854775808", "18446744073709551615", "1e-07", "-0.0"}) {
    EXPECT_EQ(parse_json(text).value().dump(), text);
  }
  for (const char* text :
       {"", " ", "[1,]", "{\"a\"}", "nul", "\"\xff\"", "\"\\ud800\"", "[1] 2", "+1", ".5", "NaN", "'a'"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(ParseJson, RefusesTextThatIsNestedWithoutEnd) {
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_FALSE(parse_json(std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')));
}

}  // namespace
}  // namespace flame::cli
