// Batches: in order, within their limits, and refused when they are not what they announce.
#include "plugin_sdk/wire/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {
namespace batch_test {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Batch, GivesItsMessagesBackInOrder) {
  BatchWriter writer;
  ASSERT_TRUE(writer.add(bytes("first"), bytes("payload")));
  ASSERT_TRUE(writer.add(bytes("second"), {}));
  const auto entries = unpack_batch(writer.header(), writer.bytes());
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(text((*entries)[0].envelope), "first");
  EXPECT_EQ(text((*entries)[0].payload), "payload");
  EXPECT_EQ(text((*entries)[1].envelope), "second");
  EXPECT_TRUE((*entries)[1].payload.empty());
}

TEST(Batch, TakesNoMoreThanItsLimits) {
  BatchWriter writer;
  const std::vector<std::byte> half(limits::kBatchBytesMax / 2);
  EXPECT_TRUE(writer.add(bytes("e"), half));
  EXPECT_FALSE(writer.add(bytes("e"), half));
  EXPECT_EQ(writer.header().count, 1u);
  writer.clear();
  for (std::uint32_t i = 0; i < limits::kBatchCountMax; ++i) ASSERT_TRUE(writer.add(bytes("e"), {}));
  EXPECT_FALSE(writer.add(bytes("e"), {}));
  EXPECT_TRUE(unpack_batch(writer.header(), writer.bytes()));
}

TEST(Batch, RefusesAFrameThatDoesNotHoldWhatItAnnounces) {
  BatchWriter writer;
  ASSERT_TRUE(writer.add(bytes("first"), bytes("payload")));
  ASSERT_TRUE(writer.add(bytes("second"), {}));
  const auto frame = writer.bytes();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    const auto cut = unpack_batch(writer.header(), frame.first(size));
    ASSERT_TRUE(cut.has_error()) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::incompatible);
  }
  EXPECT_TRUE(unpack_batch({.count = 1}, frame).has_error());
  EXPECT_TRUE(unpack_batch({.count = 3}, frame).has_error());
  EXPECT_TRUE(unpack_batch({.count = 0xffffffff}, frame).has_error());
}

TEST(Batch, RefusesSizesThatPointOutside) {
  BatchWriter writer;
  ASSERT_TRUE(writer.add(bytes("first"), bytes("payload")));
  std::vector<std::byte> frame(writer.bytes().begin(), writer.bytes().end());
  for (std::size_t at = 0; at < 8; ++at) {
    auto damaged = frame;
    damaged[at] ^= std::byte{0xff};
    EXPECT_TRUE(unpack_batch(writer.header(), damaged).has_error()) << at;
  }
}

}  // namespace batch_test
}  // namespace flame::wire
