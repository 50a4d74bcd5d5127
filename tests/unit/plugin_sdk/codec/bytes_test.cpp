// flame::Bytes shares when copied and un-shares when written.
#include <flame/bytes.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

namespace {

using flame::Bytes;

TEST(Bytes, SharesItsBufferWhenCopied) {
  const Bytes a("abc", 3);
  const Bytes b = a;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(a.data(), b.data());
  EXPECT_EQ(a, b);
}

TEST(Bytes, UnsharesOnNonConstData) {
  Bytes a("abc", 3);
  Bytes b = a;
  b.data()[0] = std::byte{'x'};
  EXPECT_EQ(std::memcmp(std::as_const(a).data(), "abc", 3), 0);
  EXPECT_EQ(std::memcmp(std::as_const(b).data(), "xbc", 3), 0);
  const std::byte* before = std::as_const(a).data();
  EXPECT_EQ(a.data(), before);  // alone again: no copy
}

TEST(Bytes, TakesVectorsAndStringsOverWithoutCopyingThem) {
  std::string text(1000, 'x');
  const char* data = text.data();
  const Bytes from_string(std::move(text));
  EXPECT_EQ(static_cast<const void*>(from_string.data()), data);
  std::vector<std::byte> vector(1000);
  const std::byte* elements = vector.data();
  const Bytes from_vector(std::move(vector));
  EXPECT_EQ(from_vector.data(), elements);
}

TEST(Bytes, CopiesABorrowedViewBeforeWriting) {
  auto owner = std::make_shared<std::string>("view");
  Bytes bytes(owner, reinterpret_cast<const std::byte*>(owner->data()), owner->size());
  bytes.data()[0] = std::byte{'V'};
  EXPECT_EQ(*owner, "view");
  EXPECT_EQ(bytes, Bytes("View", 4));
}

TEST(Bytes, MayBeEmpty) {
  Bytes bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.data(), nullptr);
  EXPECT_EQ(bytes, Bytes(std::string()));
  EXPECT_EQ(bytes, Bytes(nullptr, 0));
}

}  // namespace
