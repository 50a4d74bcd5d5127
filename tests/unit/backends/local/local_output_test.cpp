// Lines and tail of a runner's output.
#include "backends/local/output.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flame::backends {
namespace {

TEST(OutputLines, PassesOnWholeLinesOnly) {
  OutputLines lines;
  EXPECT_EQ(lines.add("one\ntw"), "one\n");
  EXPECT_EQ(lines.add("o"), "");
  EXPECT_EQ(lines.add("\nthree\nfour"), "two\nthree\n");
  EXPECT_EQ(lines.finish(), "four\n");
  EXPECT_EQ(lines.finish(), "");
}

TEST(OutputLines, CutsALineThatNeverEnds) {
  OutputLines lines;
  const std::string passed = lines.add(std::string(OutputLines::kLineMax, 'x'));
  EXPECT_EQ(passed.size(), OutputLines::kLineMax + 1);
  EXPECT_EQ(passed.back(), '\n');
  EXPECT_EQ(lines.finish(), "");
}

TEST(OutputLines, KeepsTheLastLinesAndStartsAtALinesBegin) {
  OutputLines lines;
  for (int i = 0; i < 1000; ++i) static_cast<void>(lines.add("line number " + std::to_string(i) + "\n"));
  const std::string tail = lines.tail();
  EXPECT_LE(tail.size(), OutputLines::kTailMax);
  EXPECT_TRUE(tail.starts_with("line number ")) << tail;
  EXPECT_TRUE(tail.ends_with("line number 999")) << tail;
}

TEST(OutputLines, KeepsTheEndOfOneLongLine) {
  OutputLines lines;
  static_cast<void>(lines.add(std::string(100'000, 'a') + "end"));
  EXPECT_EQ(lines.tail().size(), OutputLines::kTailMax);
  EXPECT_TRUE(lines.tail().ends_with("end"));
}

}  // namespace
}  // namespace flame::backends
