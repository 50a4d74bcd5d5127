// Arguments from JSON.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/tools/schemas.hpp"
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
  const auto payload = codec.encode(Json::parse(text));
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
  const auto payload = codec.encode(Json::parse(text));
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

TEST(ParseJson, RefusesTextThatIsNestedWithoutEnd) {
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_FALSE(parse_json(std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')));
}

}  // namespace
}  // namespace flame::cli
