// Output: lines, the cap per invocation, and the tail for errors.
#include "runner/policy/output_collector.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flame::runner {
namespace output_collector_test {

class OutputTest : public testing::Test {
 protected:
  void feed(std::string_view text, wire::Stream stream = wire::Stream::out) { output.feed(stream, text, sent); }
  std::size_t bytes() const {
    std::size_t total = 0;
    for (const auto& message : sent) total += message.text.size() + 1;
    return total;
  }

  OutputCollector output;
  std::vector<wire::Output> sent;
};

TEST_F(OutputTest, PassesWholeLinesOnAndKeepsTheRest) {
  output.start(7);
  feed("one\ntwo\nthr");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].text, "one\ntwo");
  EXPECT_EQ(sent[0].id, 7u);
  feed("ee\n");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].text, "three");
}

TEST_F(OutputTest, AnUnfinishedLineIsPassedOnAtTheEnd) {
  output.start(7);
  feed("no newline");
  EXPECT_TRUE(sent.empty());
  output.finish(sent);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].text, "no newline");
}

TEST_F(OutputTest, StdoutAndStderrDoNotMixWithinALine) {
  output.start(7);
  feed("out");
  feed("err\n", wire::Stream::err);
  feed("put\n");
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].text, "err");
  EXPECT_EQ(sent[0].stream, wire::Stream::err);
  EXPECT_EQ(sent[1].text, "output");
}

TEST_F(OutputTest, AnEndlessLineIsCut) {
  output.start(7);
  feed(std::string(3 * limits::kTextMax, 'x'));
  EXPECT_EQ(sent.size(), 3u);
  for (const auto& message : sent) EXPECT_EQ(message.text.size(), limits::kTextMax);
}

TEST_F(OutputTest, BeyondTheCapOnlyTheEndIsSentAndTheRestCounted) {
  output.start(7);
  const std::string line = std::string(99, 'x') + "\n";
  for (int i = 0; i < 40000; ++i) feed(line);
  feed("the end\n");
  EXPECT_LE(bytes(), OutputCollector::kLiveBytes);
  output.finish(sent);
  EXPECT_LE(bytes(), limits::kOutputMax);
  EXPECT_GT(bytes(), limits::kOutputMax - 40 * limits::KiB);
  EXPECT_EQ(sent.back().text.substr(sent.back().text.size() - 7), "the end");
  std::uint64_t dropped = 0;
  for (const auto& message : sent) dropped += message.dropped;
  EXPECT_EQ(dropped + bytes(), 40000u * 100u + 8u);
}

TEST_F(OutputTest, TheNextInvocationHasItsOwnCap) {
  output.start(7);
  for (int i = 0; i < 40000; ++i) feed(std::string(99, 'x') + "\n");
  output.finish(sent);
  sent.clear();
  output.start(8);
  feed("fresh\n");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].id, 8u);
  EXPECT_EQ(output.log_tail(), "fresh\n");
}

TEST_F(OutputTest, TheLogTailIsTheLastLinesOfAllStreams) {
  output.start(7);
  for (int i = 0; i < 5000; ++i) feed("line " + std::to_string(i) + "\n");
  output.log(wire::Level::error, "from ctx.log", sent);
  const std::string tail = output.log_tail();
  EXPECT_LE(tail.size(), limits::kLogTailMax);
  EXPECT_GT(tail.size(), limits::kLogTailMax / 2);
  EXPECT_EQ(tail.substr(0, 5), "line ");
  EXPECT_NE(tail.find("line 4999\nfrom ctx.log\n"), std::string::npos);
}

}  // namespace output_collector_test
}  // namespace flame::runner
