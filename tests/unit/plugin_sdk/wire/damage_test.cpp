// Truncated, flipped and spliced messages decode to an error or to a valid value, and never crash.
#include <gtest/gtest.h>

#include <random>

#include "plugin_sdk/wire/envelope.hpp"
#include "tests/unit/plugin_sdk/wire/samples.hpp"

namespace flame::wire {
namespace damage_test {

// Whatever decodes must be a value that encodes and decodes again: its limits hold.
void expect_sound(std::span<const std::byte> frame) {
  const auto decoded = decode(frame);
  if (!decoded) {
    EXPECT_EQ(decoded.error().code, ErrorCode::incompatible);
    EXPECT_FALSE(decoded.error().message.empty());
    return;
  }
  const auto* unknown = std::get_if<Undecoded>(&decoded->body);
  EXPECT_TRUE(decode(encode(decoded->session, unknown != nullptr ? Body(unknown->answer) : decoded->body)));
}

// A heap block of exactly the frame's size, so that a sanitizer sees each byte read past its end.
void expect_sound_exactly(const std::vector<std::byte>& bytes, std::size_t size) {
  const std::vector<std::byte> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  expect_sound(exact);
}

TEST(Damage, EveryTruncationOfEveryMessageIsSound) {
  for (const auto& body : test::sample_bodies()) {
    const auto frame = encode(1, body);
    for (std::size_t size = 0; size < frame.size(); ++size) expect_sound_exactly(frame, size);
  }
}

TEST(Damage, EveryBitFlipOfEveryMessageIsSound) {
  for (const auto& body : test::sample_bodies()) {
    auto frame = encode(1, body);
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
      const auto mask = static_cast<std::byte>(1u << bit % 8);
      frame[bit / 8] ^= mask;
      expect_sound(frame);
      frame[bit / 8] ^= mask;
    }
  }
}

TEST(Damage, RandomWordsInEveryMessageAreSound) {
  std::mt19937 random(20240607);
  const std::uint32_t interesting[] = {0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 0xffff};
  for (const auto& body : test::sample_bodies()) {
    const auto original = encode(1, body);
    for (int round = 0; round < 2000; ++round) {
      auto frame = original;
      for (unsigned i = 0; i < 1 + random() % 3; ++i) {
        const std::uint32_t word = random() % 2 == 0 ? interesting[random() % 8] : static_cast<std::uint32_t>(random());
        std::memcpy(&frame[random() % (frame.size() - 3)], &word, sizeof word);
      }
      expect_sound(frame);
    }
  }
}

TEST(Damage, EveryTruncationAndBitFlipOfAParentIsSound) {
  const std::string bytes = encode_parent(test::sample_parent());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    static_cast<void>(decode_parent(std::string(bytes.substr(0, size))));
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    const auto decoded = decode_parent(damaged);
    if (decoded) {
      EXPECT_TRUE(decode_parent(encode_parent(*decoded)));
    }
  }
}

}  // namespace damage_test
}  // namespace flame::wire
