// Where a result's parts lie.
#include "runner/slot/result_store.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flame::slot {
namespace result_store_test {

class ResultStoreTest : public testing::Test {
 protected:
  std::vector<std::byte> arena_ = std::vector<std::byte>(limits::kArenaBytes);
  ResultStore store_{arena_.data(), 16 << 20};
};

TEST_F(ResultStoreTest, SmallResultsTravelInline) {
  ASSERT_NE(store_.allocate_table(100), nullptr);
  ASSERT_NE(store_.allocate_attachment(5), nullptr);
  EXPECT_EQ(store_.carrier(), Carrier::inline_bytes);
  EXPECT_EQ(store_.total(), 112u + 16u);
}

TEST_F(ResultStoreTest, LargerOnesLieInTheArenasOutputHalf) {
  const std::byte* table = store_.allocate_table(kInlineMax + 1);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(store_.carrier(), Carrier::arena);
  EXPECT_EQ(store_.offset(store_.parts()[0]), kArenaInput);
  EXPECT_EQ(table, arena_.data() + kArenaInput);
}

TEST_F(ResultStoreTest, WhatDoesNotFitIsStreamed) {
  ASSERT_NE(store_.allocate_table(kArenaOutput), nullptr);
  EXPECT_EQ(store_.carrier(), Carrier::arena);
  ASSERT_NE(store_.allocate_attachment(1), nullptr);
  EXPECT_EQ(store_.carrier(), Carrier::stream);
  store_.reset();
  EXPECT_EQ(store_.carrier(), Carrier::inline_bytes);
  EXPECT_EQ(store_.total(), 0u);
}

TEST_F(ResultStoreTest, RefusesASecondTableAndWhatExceedsTheLimit) {
  EXPECT_EQ(store_.allocate_table((16 << 20) + 1), nullptr);
  EXPECT_EQ(store_.allocate_table(~std::size_t{0}), nullptr);
  ASSERT_NE(store_.allocate_table(16 << 20), nullptr);
  EXPECT_EQ(store_.allocate_table(1), nullptr);
  EXPECT_EQ(store_.allocate_attachment(17), nullptr);
}

TEST_F(ResultStoreTest, RefusesMoreAttachmentsThanAPayloadHas) {
  for (std::size_t i = 1; i < kPartsMax; ++i) ASSERT_NE(store_.allocate_attachment(1), nullptr);
  EXPECT_EQ(store_.allocate_attachment(1), nullptr);
}

}  // namespace result_store_test
}  // namespace flame::slot
