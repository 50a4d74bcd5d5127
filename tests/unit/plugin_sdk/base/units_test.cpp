// Durations and sizes: what parses, what does not and what the message says.
#include "plugin_sdk/base/units.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace flame::base {
namespace {

using namespace std::chrono_literals;

TEST(Units, ParsesDurations) {
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("5min"), 5min);
  EXPECT_EQ(*parse_duration("1h30min"), 90min);
  EXPECT_EQ(*parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(*parse_duration("0.000001d"), 86'400us);
  EXPECT_EQ(*parse_duration("2d"), 48h);
  EXPECT_EQ(*parse_duration("7us"), 7us);
  EXPECT_EQ(*parse_duration("0s"), 0s);
  EXPECT_EQ(*parse_duration("infinite"), kInfinite);
}

TEST(Units, ParsesSizes) {
  EXPECT_EQ(*parse_size("1GiB"), 1ull << 30);
  EXPECT_EQ(*parse_size("512MiB"), 512ull << 20);
  EXPECT_EQ(*parse_size("512 MiB"), 512ull << 20);
  EXPECT_EQ(*parse_size("64KB"), 64'000u);
  EXPECT_EQ(*parse_size("1.5GiB"), 3ull << 29);
  EXPECT_EQ(*parse_size("0B"), 0u);
  EXPECT_EQ(*parse_size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
}

std::string duration_problem(std::string_view text) {
  const auto parsed = parse_duration(text);
  if (parsed) return "it parsed";
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  return parsed.error().message;
}

TEST(Units, SaysWhatIsWrongWithADurationAndHowToWriteOne) {
  EXPECT_EQ(duration_problem("30"),
            "\"30\" is not a duration: a unit is missing (ns, us, ms, s, min, h, d); write for example \"30s\", "
            "\"250ms\", \"1h30min\" or \"infinite\"");
  EXPECT_NE(duration_problem("30 seconds").find("unknown unit \"seconds\""), std::string::npos);
  EXPECT_NE(duration_problem("").find("empty"), std::string::npos);
  EXPECT_NE(duration_problem("-5s").find("negative"), std::string::npos);
  EXPECT_NE(duration_problem("s").find("number is missing"), std::string::npos);
  EXPECT_NE(duration_problem("1.s").find("after the point"), std::string::npos);
  EXPECT_NE(duration_problem("1.1234567s").find("six decimal places"), std::string::npos);
  EXPECT_NE(duration_problem("30min1h").find("smaller from left to right"), std::string::npos);
  EXPECT_NE(duration_problem("1s1s").find("smaller from left to right"), std::string::npos);
}

TEST(Units, RefusesOverflow) {
  for (const char* text : {"99999999999999999999s", "300000d", "9223372036854775807ns", "200000000h200000000min"}) {
    EXPECT_NE(duration_problem(text).find("too large"), std::string::npos) << text;
  }
  for (const char* text : {"18446744073709551616B", "99999999TiB", "16777216TiB"}) {
    const auto parsed = parse_size(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("too large"), std::string::npos) << text;
  }
}

TEST(Units, RefusesWrongSizes) {
  for (const char* text : {"", "1", "GiB", "-1B", "1GiB1MiB", "1 gib", "1GiB ", "0x10B", "1,5GiB", "1.5.5B"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Units, PrintsWhatParsesBack) {
  for (const Duration d : {Duration(1ns), Duration(90min), Duration(1500ms), Duration(0s), Duration(26h + 3s + 7ns),
                           kInfinite, kInfinite - 1ns}) {
    EXPECT_EQ(*parse_duration(format_duration(d)), d) << format_duration(d);
  }
  for (const std::uint64_t size : {0ull, 1ull, 1536ull, 1ull << 30, ~0ull}) {
    EXPECT_EQ(*parse_size(format_size(size)), size) << format_size(size);
  }
}

TEST(Units, PrintsShortTexts) {
  EXPECT_EQ(format_duration(90min), "1h30min");
  EXPECT_EQ(format_duration(1500ms), "1s500ms");
  EXPECT_EQ(format_duration(-5s), "-5s");
  EXPECT_EQ(format_duration(kInfinite), "infinite");
  EXPECT_EQ(format_size(1ull << 30), "1GiB");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(approximate_size(1536), "1.5 KiB");
  EXPECT_EQ(approximate_size(730), "730 B");
  EXPECT_EQ(approximate_size(5000ull << 20), "4.8 GiB");
}

}  // namespace
}  // namespace flame::base
