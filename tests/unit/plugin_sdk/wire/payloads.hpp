// Makes payloads for tests and compares them.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include <flame/detail/payload.hpp>

namespace flame::test {

/// The first text is the table, the others attachments.
inline detail::Payload payload_of(const std::vector<std::string>& parts) {
  detail::Payload payload;
  payload.table = Bytes(parts[0].data(), parts[0].size());
  for (std::size_t i = 1; i < parts.size(); ++i) payload.attachments.emplace_back(parts[i].data(), parts[i].size());
  return payload;
}

inline detail::Payload random_payload(unsigned seed, const std::vector<std::size_t>& sizes) {
  std::mt19937 random(seed);
  std::vector<std::string> parts;
  for (const std::size_t size : sizes) {
    std::string part(size, '\0');
    for (char& c : part) c = static_cast<char>(random());
    parts.push_back(std::move(part));
  }
  return payload_of(parts);
}

inline std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void expect_same(const detail::Payload& a, const detail::Payload& b) {
  EXPECT_TRUE(a.table == b.table);
  EXPECT_EQ(a.resources, b.resources);
  ASSERT_EQ(a.attachments.size(), b.attachments.size());
  for (std::size_t i = 0; i < a.attachments.size(); ++i) EXPECT_TRUE(a.attachments[i] == b.attachments[i]) << i;
}

}  // namespace flame::test
