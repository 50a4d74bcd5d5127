// Numbers from JSON and back.
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

#include "tests/unit/tools/flame/conversion.hpp"

namespace flame::cli {
namespace json_numbers_test {

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

const Conversion& scalars() {
  static const Conversion conversion(kScalars);
  return conversion;
}

// What came back for the text of one member; "refused" for what was refused.
std::string back_again(const std::string& member, const std::string& number) {
  const auto payload = scalars().encode("{\"" + member + "\": " + number + "}");
  return payload ? scalars().decode(*payload, "/" + member).value() : "refused";
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // a tenth as fast
constexpr int kNumbers = 2'000;
#else
constexpr int kNumbers = 20'000;
#endif

template <class Float, class Bits>
void every_float_comes_back(const char* member, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < kNumbers; ++i) {
    const auto bits = static_cast<Bits>(random());
    const auto number = std::bit_cast<Float>(bits);
    if (!std::isfinite(number)) continue;
    char text[64];
    const std::string written(text, std::to_chars(text, text + sizeof text, number).ptr);
    const auto payload = scalars().encode(std::string("{\"") + member + "\": " + written + "}");
    ASSERT_TRUE(payload) << written << ": " << payload.error().message;
    // What is printed is what a next call gets.
    const auto printed = scalars().decode(*payload, std::string("/") + member).value();
    const auto again = std::bit_cast<Bits>(static_cast<Float>(std::strtod(printed.c_str(), nullptr)));
    ASSERT_EQ(again, bits) << "seed " << seed << ": " << written << " came back as " << printed;
  }
}

TEST(JsonNumbers, EveryFloatComesBackBitForBit) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) every_float_comes_back<float, std::uint32_t>("f", seed);
}

TEST(JsonNumbers, EveryDoubleComesBackBitForBit) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) every_float_comes_back<double, std::uint64_t>("d", seed);
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

}  // namespace json_numbers_test
}  // namespace flame::cli
