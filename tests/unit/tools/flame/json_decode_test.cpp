// Results to JSON: what plugin code sends is not trusted.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/tools/flame/conversion.hpp"
#include "tests/unit/tools/flame/schemas.hpp"

namespace flame::cli {
namespace json_decode_test {

std::string bytes_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string sample_table() {
  const auto payload = Conversion(kManyTypes).encode(R"([{"name": "hello", "points": [{"x": 1}, {"y": 2}],
    "shape": {"f0": 1}, "tags": {"a": 1}, "rows": [[1], [2, 3]], "data": "some text"}])");
  return bytes_of(payload->table);
}

TEST(JsonDecode, GivesNullForATaskWithoutResult) {
  const Conversion codec(kTwoArguments);
  const auto decoded = codec.decode({});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, "null");
}

TEST(JsonDecode, RefusesBytesThatAreNoTable) {
  const Conversion codec(kManyTypes);
  EXPECT_FALSE(codec.decode({}));
  EXPECT_FALSE(codec.decode({.table = Bytes("garbage garbage garbage!", 24)}));
  const auto decoded = codec.decode({.table = Bytes(std::string(64, '\xff'))});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::incompatible);
}

TEST(JsonDecode, SurvivesEveryTruncation) {
  const Conversion codec(kManyTypes);
  const auto whole = sample_table();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = codec.decode({.table = Bytes(whole.data(), size)});
    if (!decoded) {
      EXPECT_EQ(decoded.error().code, ErrorCode::incompatible);
    }
  }
}

TEST(JsonDecode, SurvivesMutatedBytes) {
  const Conversion codec(kManyTypes);
  const auto whole = sample_table();
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string mutated = whole;
    for (int i = 0; i < 3; ++i) mutated[random() % mutated.size()] = static_cast<char>(random());
    static_cast<void>(codec.decode({.table = Bytes(std::move(mutated))}));
  }
}

TEST(JsonDecode, RefusesAnAttachmentThatDidNotCome) {
  const Conversion codec(kManyTypes);
  const auto decoded = codec.decode({.table = Bytes(sample_table())});
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("attachment"), std::string::npos) << decoded.error().message;
}

TEST(JsonDecode, ShowsBytesAsBase64OrAsTheWriterSays) {
  const Conversion codec(kManyTypes);
  const detail::Payload payload{.table = Bytes(sample_table()), .attachments = {Bytes("\0\1", 2)}};
  EXPECT_EQ(codec.decode(payload, "/data").value(), R"("base64:AAE=")");
  EXPECT_EQ(codec.decode(payload, "/data", "@x").value(), R"("@x")");
}

TEST(JsonDecode, RefusesAStringThatIsNoUtf8AndNamesItsPlace) {
  constexpr const char* kNames = R"(table Call {
}
table Person {
  names:[string];
}
table Return {
  value:[Person];
}
root_type Call;
)";
  // Call and Return exchanged: what is encoded with the one is decoded with the other.
  const Conversion encoder(R"(table Person {
  names:[string];
}
table Call {
  f0:[Person];
}
table Return {
}
root_type Call;
)");
  auto payload = encoder.encode(R"([[{"names": ["é"]}, {"names": ["x", "caf\u00e9!"]}]])");
  ASSERT_TRUE(payload) << payload.error().message;
  const Conversion codec(kNames);
  EXPECT_EQ(codec.decode(*payload).value(), R"([{"names":["é"]},{"names":["x","café!"]}])");
  std::string bytes = bytes_of(payload->table);
  bytes[bytes.find("caf\xc3\xa9!") + 3] = '\xe9';  // "caf", two bytes of Latin-1, "!"
  const auto decoded = codec.decode({.table = Bytes(bytes.data(), bytes.size())});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(decoded.error().message.find("result[1].names[1]: "), std::string::npos) << decoded.error().message;
  EXPECT_NE(decoded.error().message.find("flame::Bytes"), std::string::npos) << decoded.error().message;
}

TEST(JsonDecode, RefusesABufferThatUsesTheSameBytesAgainAndAgain) {
  // A vector of many offsets that all lead to one table, nested: small on the wire, huge when walked.
  constexpr const char* kNested = R"(table Call {
}
table Node {
  next:[Node];
}
table Return {
  value:Node;
}
root_type Call;
)";
  const Conversion codec(kNested);
  std::string table;
  const auto put32 = [&table](std::uint32_t value) { table.append(reinterpret_cast<const char*>(&value), 4); };
  const auto put16 = [&table](std::uint16_t value) { table.append(reinterpret_cast<const char*>(&value), 2); };
  constexpr std::uint32_t kFan = 16;
  constexpr std::uint32_t kLevels = 12;
  // Layout: root offset, one shared vtable {6, 8, 4} and padding, the Return table, then per level a Node table and its
  // vector.
  put32(12);
  put16(6), put16(8), put16(4), put16(0);
  put32(8);  // Return table at 12: its vtable is at 4
  put32(4);  // value -> Node at 20
  for (std::uint32_t level = 0; level < kLevels; ++level) {
    const bool last = level + 1 == kLevels;
    put32(static_cast<std::uint32_t>(table.size()) - 4);  // vtable at 4
    put32(4);                                             // next -> the vector that follows
    put32(last ? 0 : kFan);
    for (std::uint32_t i = 0; !last && i < kFan; ++i) put32((kFan - i) * 4);
  }
  const auto decoded = codec.decode({.table = Bytes(std::move(table))});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::incompatible);
}

}  // namespace json_decode_test
}  // namespace flame::cli
