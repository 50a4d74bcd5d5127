// Structs that grew at the end still talk to their older selves.
#include "tests/unit/plugin_sdk/codec/evolution.hpp"

#include <gtest/gtest.h>

#include <flame/detail/compatible.hpp>

#include "tests/unit/plugin_sdk/codec/round_trip.hpp"

namespace {

using codec_test::decoded;
using codec_test::Objects;
using flame::detail::Callee;
using flame::detail::compatible;
using flame::detail::encode_arguments;
using flame::detail::signature_text;

TEST(Evolution, ReadsFieldsThatWereNotSentAsZeroOrEmpty) {
  Objects objects;
  const auto [job] = decoded<after::run>(encode_arguments<before::run>(before::Job{"a.mp4", {720}}), objects);
  EXPECT_EQ(job.path, "a.mp4");
  EXPECT_EQ(job.options.height, 720);
  EXPECT_EQ(job.options.width, 0);  // never the default initialiser
  EXPECT_EQ(job.options.size, (std::array<std::int32_t, 2>{0, 0}));
  EXPECT_EQ(job.priority, std::nullopt);
  EXPECT_TRUE(job.tags.empty());
  EXPECT_EQ(job.extra.count, 0);
  EXPECT_EQ(job.mode, after::Mode::slow);  // the smallest enumerator: there is no zero
}

TEST(Evolution, IgnoresFieldsThatTheReaderDoesNotKnow) {
  Objects objects;
  const after::Job sent{"b.mp4", {480, 640, {3, 4}}, 5, {"x"}, {7}, after::Mode::fast};
  const auto [job] = decoded<before::run>(encode_arguments<after::run>(sent), objects);
  EXPECT_EQ(job.path, "b.mp4");
  EXPECT_EQ(job.options.height, 480);
}

// The schema of `after` under the names of `before`: what a rebuilt contract with the same namespace would print.
std::string renamed(std::string_view schema) {
  std::string text(schema);
  for (std::size_t at = text.find("after_"); at != text.npos; at = text.find("after_")) text.replace(at, 6, "before_");
  return text;
}

TEST(Compatible, AcceptsFieldsAppendedOnEitherSide) {
  const std::string_view old_schema = Callee<before::run>::schema;
  const std::string new_schema = renamed(Callee<after::run>::schema);
  EXPECT_TRUE(compatible(old_schema, old_schema));
  std::string difference;
  EXPECT_TRUE(compatible(old_schema, new_schema, &difference)) << difference;
  EXPECT_TRUE(compatible(new_schema, old_schema, &difference)) << difference;
}

TEST(Compatible, NamesBothSignaturesInADifference) {
  std::string difference;
  EXPECT_FALSE(compatible(Callee<before::run>::schema, Callee<after::run>::schema, &difference));
  EXPECT_NE(difference.find("caller: (before_Job) -> [before_Job]"), std::string::npos) << difference;
  EXPECT_NE(difference.find("plugin: (after_Job) -> [after_Job]"), std::string::npos) << difference;
}

std::string schema(std::string_view types, std::string_view call, std::string_view result = "  value:int;\n") {
  return std::string(types) + "table Call {\n" + std::string(call) + "}\n\ntable Return {\n" + std::string(result) +
         "}\n\nroot_type Call;\n";
}

void refuses(const std::string& caller, const std::string& plugin, std::string_view why) {
  for (const bool swapped : {false, true}) {
    std::string difference;
    EXPECT_FALSE(swapped ? compatible(plugin, caller, &difference) : compatible(caller, plugin, &difference));
    EXPECT_NE(difference.find(why), std::string::npos) << difference;
  }
}

TEST(Compatible, RefusesAnotherNumberOfParametersOrResults) {
  refuses(schema("", "  f0:int;\n"), schema("", "  f0:int;\n  f1:int;\n"), "number of parameters");
  refuses(schema("", ""), schema("", "", ""), "one side has a result");
}

TEST(Compatible, RefusesChangedFields) {
  const auto with = [](std::string_view field) {
    return schema("table T {\n  a:int;\n" + std::string(field) + "}\n\n", "  f0:T;\n");
  };
  const std::string plain = with("  b:int;\n");
  refuses(plain, with("  c:int;\n"), "T has `");
  refuses(plain, with("  b:long;\n"), "T has `");
  refuses(plain, with("  b:[int];\n"), "T has `");
  refuses(plain, with("  b:int = null;\n"), "T has `");
  refuses(with("  b:long (flame_unit: \"1/1s\");\n"), with("  b:long (flame_unit: \"1/1000s\");\n"), "T has `");
  EXPECT_TRUE(compatible(plain, with("")));
}

TEST(Compatible, RefusesFieldsAppendedOnBothSides) {
  const auto with = [](std::string_view a, std::string_view b) {
    return schema("table A {\n  x:int;\n" + std::string(a) + "}\n\ntable B {\n  x:int;\n" + std::string(b) + "}\n\n",
                  "  f0:A;\n  f1:B;\n");
  };
  refuses(with("  y:int;\n", ""), with("", "  y:int;\n"), "both sides");
  EXPECT_TRUE(compatible(with("", ""), with("  y:int;\n", "  y:int;\n")));
}

TEST(Compatible, RefusesChangedVariantsAndEnumerations) {
  refuses(schema("table V (flame_variant) {\n  f0:int = null;\n}\n\n", "  f0:V;\n"),
          schema("table V (flame_variant) {\n  f0:int = null;\n  f1:string;\n}\n\n", "  f0:V;\n"), "alternatives");
  refuses(schema("enum E : int { a = 0 }\n\n", "  f0:E;\n"), schema("enum E : int { a = 0, b = 1 }\n\n", "  f0:E;\n"),
          "enumeration E");
}

TEST(Compatible, RefusesTextThatIsNoSchema) {
  const std::string good = schema("", "");
  for (const std::string_view bad : {"", "table Call {\n", "x", "table Call {\n}\n\ntable Call {\n}\n",
                                     "table Call {\n  a:b:c;\n}\ntable Return {\n}\n", "\n\n\n", "root_type Call;\n"}) {
    std::string difference;
    EXPECT_FALSE(compatible(good, bad, &difference));
    EXPECT_NE(difference.find("the plugin has no readable schema"), std::string::npos);
    EXPECT_EQ(signature_text(bad), "(?)");
  }
  refuses(schema("", "  f0:Missing;\n"), schema("table Missing {\n}\n\n", "  f0:Missing;\n"), "Missing");
}

TEST(Compatible, FollowsDeepAndRecursiveTypesWithoutRecursion) {
  std::string types;
  for (int i = 0; i < 5000; ++i) {
    types += "table T" + std::to_string(i) + " {\n  a:T" + std::to_string(i + 1) + ";\n  b:T0;\n}\n\n";
  }
  types += "table T5000 {\n}\n\n";
  std::string longer = types;
  longer.insert(longer.size() - 3, "  z:int;\n");
  EXPECT_TRUE(compatible(schema(types, "  f0:T0;\n"), schema(longer, "  f0:T0;\n")));
}

}  // namespace
