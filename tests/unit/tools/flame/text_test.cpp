// Lines in, text out: standard input, bars, errors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"
#include "tools/flame/line_reader.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/status_line.hpp"

namespace flame::cli {
namespace text_test {

base::UniqueFd opened(const test::TempDir& directory, const std::string& text) {
  return base::UniqueFd(::open(directory.write("input", text).c_str(), O_RDONLY | O_CLOEXEC));
}

TEST(LineReader, SkipsBlankLinesButCountsThem) {
  const test::TempDir directory;
  const auto fd = opened(directory, "one\n\n  \t\nfour\nfive");
  EXPECT_EQ(count_lines(fd.get()), 3U);
  LineReader reader(fd.get(), -1);
  auto line = reader.next();
  EXPECT_EQ(line->text, "one");
  EXPECT_EQ(line->number, 1U);
  line = reader.next();
  EXPECT_EQ(line->text, "four");
  EXPECT_EQ(line->number, 4U);
  EXPECT_EQ(reader.next()->text, "five");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(LineReader, MarksALineThatIsTooLongAndGoesOn) {
  const test::TempDir directory;
  const auto fd = opened(directory, std::string(300'000, 'x') + "\nshort\n" + std::string(200, 'y'));
  LineReader reader(fd.get(), -1, 100);
  EXPECT_TRUE(reader.next()->too_long);
  EXPECT_EQ(reader.next()->text, "short");
  const auto last = reader.next();
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->too_long);
  EXPECT_FALSE(reader.next());
}

TEST(LineReader, EndsWhenItIsToldToStop) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const base::UniqueFd read_end(ends[0]);
  const base::UniqueFd write_end(ends[1]);
  const base::EventFd stop;
  LineReader reader(read_end.get(), stop.fd());
  stop.signal();
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(count_lines(read_end.get()));
}

TEST(Bar, FillsFromLeftToRight) {
  EXPECT_EQ(bar(0, 12), "[          ]");
  EXPECT_EQ(bar(0.5, 12), "[====>     ]");
  EXPECT_EQ(bar(1, 12), "[==========]");
  EXPECT_EQ(bar(7, 12), "[==========]");
  EXPECT_EQ(bar(std::stod("nan"), 12), "[          ]");
}

TEST(Report, LeavesOutWhatAnErrorDoesNotSay) {
  const Error error{.code = ErrorCode::crashed, .message = "it died", .signal = 11};
  EXPECT_EQ(failure(error).dump(), R"({"ok":false,"error":{"code":"crashed","message":"it died","signal":11}})");
}

TEST(Report, SaysWhetherALostCallHadBegun) {
  const Error error{.code = ErrorCode::runner_lost, .message = "gone", .started = Started::yes};
  EXPECT_EQ(error_to_json(error)["started"], "yes");
}

TEST(Report, NamesTheInvocationForFlameWhy) {
  const Error error{.code = ErrorCode::timed_out, .message = "late", .started = Started::yes, .invocation = 17};
  EXPECT_EQ(error_to_json(error)["invocation"], 17);
}

TEST(Printable, KeepsControlBytesFromTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\tc\n"), "a?[31mb\tc\n");
}

}  // namespace text_test
}  // namespace flame::cli
