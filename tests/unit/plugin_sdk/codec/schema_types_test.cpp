// Schema texts read back into descriptions.
#include <gtest/gtest.h>

#include <flame/detail/schema_text.hpp>

#include <string>

#include "plugin_sdk/sdk/schema_types.hpp"
#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace {

using flame::detail::Callee;
using flame::detail::Kind;
using flame::detail::Role;
using flame::detail::SchemaTypes;
using flame::detail::SchemaWriter;

// What the printer makes of the descriptions that were read.
std::string printed_again(std::string_view schema) {
  const auto types = SchemaTypes::read(schema);
  if (types == nullptr) return "(refused)";
  std::string text(SchemaWriter(nullptr).write(types->call(), types->returned()), '\0');
  SchemaWriter(text.data()).write(types->call(), types->returned());
  return text;
}

template <auto... F>
void expect_all_printed_again() {
  const auto expect_one = [](std::string_view schema) { EXPECT_EQ(printed_again(schema), schema); };
  (expect_one(Callee<F>::schema), ...);
}

TEST(SchemaTypes, PrintAsTheTextThatTheyWereReadFrom) {
  expect_all_printed_again<work::echo, work::echo_else, work::nothing, work::hand_over, work::recode, work::open,
                           work::open_all, work::make_index, work::choose, work::length>();
}

std::string with_field(const std::string& field) {
  return "enum Mode : byte { low = -2, high = 3 }\n\ntable Call {\n  f0:" + field +
         ";\n}\n\ntable Return {\n}\n\nroot_type Call;\n";
}

const flame::detail::TypeDesc& first(const SchemaTypes& types) {
  return *types.call().fields[0].type;
}

TEST(SchemaTypes, GiveValuesTheRolesOfTheirAttributes) {
  const auto unit = SchemaTypes::read(with_field("[long] (flame_length: 3, flame_unit: \"1/1000s since 1970\")"));
  ASSERT_NE(unit, nullptr);
  EXPECT_TRUE(first(*unit).sized);
  EXPECT_EQ(first(*unit).length, 3U);
  EXPECT_EQ(first(*unit).element->role, Role::time_point);
  EXPECT_EQ(first(*unit).element->unit_num, 1);
  EXPECT_EQ(first(*unit).element->unit_den, 1000);
  const auto tracked = SchemaTypes::read(with_field("uint (flame_tracked: \"a.B<int, c.D>\")"));
  ASSERT_NE(tracked, nullptr);
  EXPECT_EQ(first(*tracked).role, Role::tracked);
  EXPECT_EQ(first(*tracked).name, "a.B<int, c.D>");
  const auto mode = SchemaTypes::read(with_field("Mode = low"));
  ASSERT_NE(mode, nullptr);
  EXPECT_EQ(first(*mode).kind, Kind::int8);
  EXPECT_EQ(first(*mode).values[0].value, static_cast<std::uint64_t>(-2));
}

// Else the verifier would read four bytes where there is one.
TEST(SchemaTypes, RefuseRolesThatTheTypeCannotHave) {
  EXPECT_NE(SchemaTypes::read(with_field("uint (flame_attachment)")), nullptr);
  for (const char* field :
       {"ubyte (flame_attachment)", "ulong (flame_tracked: \"T\")", "[ubyte] (flame_child: \"T\")",
        "Mode (flame_attachment)", "Call (flame_attachment)", "string (flame_unit: \"1/1s\")",
        "[int] (flame_nested: \"T\")", "int (flame_set)", "int (flame_length: 3)", "string = null"}) {
    EXPECT_EQ(SchemaTypes::read(with_field(field)), nullptr) << field;
  }
}

TEST(SchemaTypes, RefuseWhatNoPrinterWrites) {
  EXPECT_NE(SchemaTypes::read(with_field("int")), nullptr);
  for (const char* field :
       {"", "Nothing", "[int", "int]", "int ()", "int (flame_optional", "int (flame_optional,)", "int;\n  f0:int",
        "uint (flame_tracked: \"\")", "uint (flame_tracked: \"T)", "uint (flame_tracked: T)",
        "long (flame_unit: \"1/xs\")", "long (flame_unit: \"99999999999999999999/1s\")", "[int] (flame_length: -3)"}) {
    EXPECT_EQ(SchemaTypes::read(with_field(field)), nullptr) << field;
  }
  for (const char* type : {"enum M : float { a = 1 }", "enum M : bool { a = 1 }", "enum M : int {  }", "enum M : int",
                           "enum M : int { a }", "enum M : int { a = b }", "enum M : int { a = 1, }", "table M {",
                           "table  {\n}", "enum M : int { a = 1 }\ntable M {\n}", "struct M {\n}"}) {
    EXPECT_EQ(SchemaTypes::read(type + std::string("\n\ntable Call {\n}\n\ntable Return {\n}\n")), nullptr) << type;
  }
}

TEST(SchemaTypes, IgnoreAttributesOfALaterVersion) {
  const auto types = SchemaTypes::read(with_field("uint (flame_new, flame_attachment, flame_newer: \"x\")"));
  ASSERT_NE(types, nullptr);
  EXPECT_EQ(first(*types).role, Role::attachment);
}

}  // namespace
