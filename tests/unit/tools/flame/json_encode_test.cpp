// Arguments from JSON.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/tools/flame/conversion.hpp"
#include "tests/unit/tools/flame/schemas.hpp"

namespace flame::cli {
namespace json_encode_test {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Call and Return of kManyTypes have the same member type, so what was encoded can be read back.
const Conversion& many_types() {
  static const Conversion conversion(kManyTypes);
  return conversion;
}

std::string complaint(const char* schema, const std::string& arguments) {
  return Conversion(schema).complaint(arguments);
}

TEST(JsonEncode, CarriesEveryKindOfValue) {
  EXPECT_EQ(many_types().back(R"([{"name": "a\"b", "small": -128, "huge": 18446744073709551615, "flag": true,
    "ratio": 0.1, "colour": "green", "wait": 1500, "maybe": 0, "note": "", "point": {"x": 1, "y": 2.5},
    "points": [{"x": 3, "y": 0}], "shape": {"f1": {"x": 7}}, "tags": {"z": 1, "a": 2}, "rows": [[1, 2], []]}])"),
            R"({"name":"a\"b","small":-128,"huge":18446744073709551615,"flag":true,"ratio":0.1,"colour":"green",)"
            R"("wait":1500,"maybe":0,"note":"","point":{"x":1,"y":2.5},"points":[{"x":3,"y":0.0}],)"
            R"("shape":{"f1":{"x":7,"y":0.0}},"tags":{"a":2,"z":1},"rows":[[1,2],[]],"data":""})");
}

TEST(JsonEncode, ReadsWhatWasNotSentAsZeroEmptyOrNull) {
  EXPECT_EQ(many_types().back("[{}]"),
            R"({"name":"","small":0,"huge":0,"flag":false,"ratio":0.0,"colour":"red","wait":0,"maybe":null,)"
            R"("note":null,"point":{"x":0,"y":0.0},"points":[],"shape":null,"tags":{},"rows":[],"data":""})");
}

TEST(JsonEncode, TakesASingleValueForTheOnlyArgument) {
  EXPECT_EQ(many_types().back(R"({"name": "x"})", "/name"), R"("x")");
}

TEST(JsonEncode, CarriesNumbersThatJsonHasNoNameFor) {
  const std::string json = R"([{"point": {"y": "nan"}, "points": [{"y": "inf"}, {"y": "-inf"}]}])";
  EXPECT_EQ(many_types().back(json, "/point/y"), R"("nan")");
  EXPECT_EQ(many_types().back(json, "/points/0/y"), R"("inf")");
  EXPECT_EQ(many_types().back(json, "/points/1/y"), R"("-inf")");
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
  EXPECT_EQ(many_types().back(R"([{"wait": 3.0}])", "/wait"), "3");
  EXPECT_EQ(many_types().back(R"([{"wait": 1e6}])", "/wait"), "1000000");
}

TEST(JsonEncode, SortsMapsAndRefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(many_types().back(R"([{"tags": {"b": 1, "\u00e9": 2, "a\u0000": 3, "a": 4, "": 5}}])", "/tags"),
            R"({"":5,"a":4,"a\u0000":3,"b":1,"é":2})");
  EXPECT_TRUE(contains(complaint(kManyTypes, R"([{"tags": [{"key": "x"}, {"key": "x"}]}])"),
                       "argument 1.tags: the key \"x\" is there twice"));
}

// What a map with keys of this type comes back as.
std::string map_back(const std::string& type, const std::string& json) {
  const std::string schema = "enum Level : byte { low = -1, high = 1 }\n\ntable Entry {\n  key:" + type +
                             " (key);\n  value:int;\n}\n\ntable Call {\n  f0:[Entry];\n}\n\ntable Return {\n  "
                             "value:[Entry];\n}\n\nroot_type Call;\n";
  return Conversion(schema).back(json);
}

TEST(JsonEncode, SortsMapsOfNumbersByTheirValue) {
  EXPECT_EQ(map_back("short", R"([{"10": 1, "-3": 2, "9": 3}])"),
            R"([{"key":-3,"value":2},{"key":9,"value":3},{"key":10,"value":1}])");
  EXPECT_EQ(map_back("ulong", R"([{"18446744073709551615": 1, "1": 2}])"),
            R"([{"key":1,"value":2},{"key":18446744073709551615,"value":1}])");
  EXPECT_EQ(map_back("float", R"([[{"key": 2.5}, {"key": "-inf"}, {"key": -1}, {"key": 0.5}]])"),
            R"([{"key":"-inf","value":0},{"key":-1.0,"value":0},{"key":0.5,"value":0},{"key":2.5,"value":0}])");
  EXPECT_EQ(map_back("Level = high", R"([{"high": 1, "low": 2}])"),
            R"([{"key":"low","value":2},{"key":"high","value":1}])");
  EXPECT_EQ(map_back("double", R"([{"0": 1, "-0": 1}])"), "argument 1: the key 0 is there twice.");
  EXPECT_EQ(map_back("int", R"([{"x": 1}])"), "argument 1.x: the keys of this map are numbers.");
}

TEST(JsonEncode, NeedsTheKeysOfMapsThatAreTexts) {
  EXPECT_EQ(complaint(kManyTypes, R"([{"tags": [{"value": 1}]}])"),
            "argument 1.tags[0].key: expected a string, got null.");
  EXPECT_EQ(map_back("int", R"([[{"value": 1}, {"key": -1}]])"), R"([{"key":-1,"value":0},{"key":0,"value":1}])");
}

TEST(JsonEncode, LimitsTheDepth) {
  constexpr const char* kTree = "table Tree {\n  v:[Tree];\n}\n\ntable Call {\n  f0:Tree;\n}\n\ntable Return {\n}\n";
  EXPECT_EQ(complaint(kTree, "[[[[]]]]"), "(no error)");
  EXPECT_TRUE(contains(complaint(kTree, std::string(100, '[') + std::string(100, ']')), "64 levels"));
  EXPECT_EQ(Conversion(kTree).signature(), "([[[[[[[[{v: [{v: [Tree]}]}]]]]]]]])");
}

TEST(JsonEncode, ReadsBytesFromAFileFromBase64AndFromText) {
  const test::TempDir directory;
  const auto path = directory.write("photo", std::string("\0\xff!", 3));
  const auto payload = Conversion(kBytes).encode("[\"@" + path + R"(", ["base64:AAE=", "plain", ""]])");
  ASSERT_TRUE(payload) << payload.error().message;
  ASSERT_EQ(payload->attachments.size(), 3U);
  EXPECT_EQ(payload->attachments[0], Bytes("\0\xff!", 3));
  EXPECT_EQ(payload->attachments[1], Bytes("\0\1", 2));
  EXPECT_EQ(payload->attachments[2], Bytes("plain", 5));
}

TEST(JsonEncode, NamesAFileThatIsNotThere) {
  const auto payload = Conversion(kBytes).encode(R"(["@/no/such/file", []])");
  ASSERT_FALSE(payload);
  EXPECT_EQ(payload.error().code, ErrorCode::not_found);
  EXPECT_TRUE(contains(payload.error().message, "/no/such/file"));
}

TEST(JsonEncode, RefusesASchemaItCannotUse) {
  for (const char* schema : {"table Call {", "table Call {}", ""}) {
    try {
      const Conversion conversion(schema);
      FAIL() << schema;
    } catch (const CallError& error) {
      EXPECT_EQ(error.code(), ErrorCode::incompatible);
    }
  }
}

TEST(JsonEncode, DescribesTheParameters) {
  EXPECT_EQ(Conversion(kTwoArguments).parameters(), "([int32], [int32, string])");
  EXPECT_EQ(Conversion(kBytes).signature(), "(bytes, [bytes]) -> bytes");
}

}  // namespace json_encode_test
}  // namespace flame::cli
