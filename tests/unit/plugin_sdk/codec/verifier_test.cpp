// The verifier refuses what could not have been encoded, and never lets a payload grow when it is decoded.
#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tests/unit/plugin_sdk/codec/round_trip.hpp"
#include "tests/unit/plugin_sdk/codec/sample.hpp"

namespace work {
void take_texts(std::vector<std::string> texts);
void take_tree(Tree tree);
void take_variant(Variant value);
void take_set(std::set<std::int32_t> values);
void take_map(std::map<std::string, std::int32_t> values);
void take_bytes(std::vector<flame::Bytes> values);
void take_triple(std::array<std::int32_t, 3> values);
void take_vector(std::vector<std::int32_t> values);
void take_set_as_vector(std::vector<std::int32_t> values);
void take_entries(std::vector<std::pair<std::string, std::int32_t>> values);
}  // namespace work

namespace {

using codec_test::Objects;
using flame::Bytes;
using flame::Error;
using flame::detail::decode_arguments;
using flame::detail::encode_arguments;
using flame::detail::Encoder;
using flame::detail::Payload;

template <auto F>
std::string refusal(const Payload& payload) {
  Objects objects;
  Error error;
  if (decode_arguments<F>(payload, objects, error)) return "accepted";
  EXPECT_EQ(error.code, flame::ErrorCode::invalid_argument);
  return error.message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::uint32_t word(const Payload& payload, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, payload.table.data() + at, sizeof value);
  return value;
}

// A vector of `count` texts that all refer to one text of `size` bytes.
Payload shared_texts(std::size_t count, std::size_t size) {
  Encoder out(nullptr);
  out.begin_table();
  out.add_reference(0);
  const std::size_t field = out.reference_at(out.commit_table(Encoder::kRoot), 0);
  const std::size_t first = out.put_vector(field, count, 4);
  out.put_string(first, std::string(size, 'x'));
  // The text begins right behind the vector.
  const std::size_t text = first + 4 * count;
  for (std::size_t i = 1; i < count; ++i) out.store(first + 4 * i, text - (first + 4 * i), 4);
  out.end_table();
  return out.finish();
}

TEST(Verifier, AcceptsWhatTheEncoderWrites) {
  EXPECT_EQ(refusal<work::echo>(encode_arguments<work::echo>(work::sample())), "accepted");
  EXPECT_EQ(refusal<work::take_texts>(shared_texts(1, 10)), "accepted");
}

TEST(Verifier, RefusesAnObjectThatIsUsedTwice) {
  const std::string message = refusal<work::take_texts>(shared_texts(2, 10));
  EXPECT_TRUE(contains(message, "argument f0[1]: it is used twice")) << message;
}

TEST(Verifier, RefusesThreeMegabytesThatWouldDecodeToHundredsOfGigabytes) {
  const Payload payload = shared_texts(500'000, 1'000'000);
  EXPECT_LT(payload.table.size(), 4'000'000U);
  EXPECT_TRUE(contains(refusal<work::take_texts>(payload), "it is used twice"));
}

// Offsets that point a little further into one another's bytes: no start is shared, the bytes are.
TEST(Verifier, RefusesObjectsThatOverlap) {
  Encoder out(nullptr);
  out.begin_table();
  out.add_reference(0);
  const std::size_t field = out.reference_at(out.commit_table(Encoder::kRoot), 0);
  constexpr std::size_t kCount = 200;
  const std::size_t first = out.put_vector(field, kCount, 4);
  out.put_string(first, std::string(8 * kCount, '\0'));
  const std::size_t text = first + 4 * kCount;
  for (std::size_t i = 1; i < kCount; ++i) {
    out.store(first + 4 * i, text + 4 * i - (first + 4 * i), 4);
    out.store(text + 4 * i, 4 * kCount, 4);  // its length
  }
  out.end_table();
  const std::string message = refusal<work::take_texts>(out.finish());
  EXPECT_TRUE(contains(message, "overlap")) << message;
}

TEST(Verifier, RefusesEveryTruncation) {
  const Payload whole = encode_arguments<work::echo_else>(work::sample_else());
  for (std::size_t size = 0; size < whole.table.size(); ++size) {
    Payload cut = whole;
    cut.table = Bytes(whole.table.data(), size);
    ASSERT_NE(refusal<work::echo_else>(cut), "accepted") << size;
  }
}

TEST(Verifier, RefusesAPayloadThatIsTooSmallForATable) {
  Payload payload;
  EXPECT_EQ(refusal<work::nothing>(payload).substr(0, 10), "arguments:");
  payload.table = Bytes("\4\0\0\0\0\0\0\0", 8);
  EXPECT_NE(refusal<work::nothing>(payload), "accepted");
}

TEST(Verifier, RefusesDeeperNestingThanTheEncoderAllows) {
  // Trees by hand: each level is one table {name, children} with one child.
  Encoder out(nullptr);
  std::size_t reference = Encoder::kRoot;
  for (int i = 0; i < 80; ++i) {
    out.begin_table();
    out.add_reference(i == 0 ? 0 : 1);
    reference = out.reference_at(out.commit_table(reference), i == 0 ? 0 : 1);
    out.end_table();
    if (i > 0) reference = out.put_vector(reference, 1, 4);
  }
  out.begin_table();
  out.commit_table(reference);
  out.end_table();
  const std::string message = refusal<work::take_tree>(out.finish());
  EXPECT_TRUE(contains(message, "deeper than 64")) << message;
}

TEST(Verifier, RefusesAVariantWithNoneOrTwoAlternatives) {
  for (const bool both : {false, true}) {
    Encoder out(nullptr);
    out.begin_table();
    out.add_reference(0);
    const std::size_t variant = out.reference_at(out.commit_table(Encoder::kRoot), 0);
    out.begin_table();
    if (both) out.add_inline(0, 1, 1);
    if (both) out.add_inline(1, 7, 4);
    out.commit_table(variant);
    const std::string message = refusal<work::take_variant>(out.finish());
    EXPECT_TRUE(contains(message, "argument f0: exactly one alternative")) << message;
  }
}

TEST(Verifier, RefusesAnArrayOfAnotherLength) {
  const std::string message = refusal<work::take_triple>(encode_arguments<work::take_vector>(std::vector{1, 2}));
  EXPECT_TRUE(contains(message, "argument f0: it has the wrong number of elements")) << message;
}

TEST(Verifier, RefusesAnAttachmentThatIsUsedTwice) {
  const Payload payload = encode_arguments<work::take_bytes>(std::vector{Bytes("a", 1), Bytes("b", 1)});
  std::vector<std::byte> table(payload.table.data(), payload.table.data() + payload.table.size());
  for (std::size_t at = 0; at + 8 <= table.size(); at += 4) {
    if (word(payload, at) == 1 && word(payload, at + 4) == 2) table[at + 4] = std::byte{1};
  }
  const std::string message = refusal<work::take_bytes>({Bytes(std::move(table)), payload.attachments, {}});
  EXPECT_TRUE(contains(message, "argument f0[1]: it names an attachment that another value uses")) << message;
}

TEST(Decoder, RefusesRepeatedKeysAndElements) {
  const std::string set = refusal<work::take_set>(encode_arguments<work::take_set_as_vector>(std::vector{1, 2, 1}));
  EXPECT_TRUE(contains(set, "argument f0: a key or element appears twice")) << set;
  const std::string map = refusal<work::take_map>(
      encode_arguments<work::take_entries>(std::vector<std::pair<std::string, std::int32_t>>{{"a", 1}, {"a", 2}}));
  EXPECT_TRUE(contains(map, "argument f0: a key or element appears twice")) << map;
}

TEST(Verifier, NamesTheResultInErrorsAboutResults) {
  Payload payload = flame::detail::encode_void_result();
  payload.table = Bytes(payload.table.data(), payload.table.size() - 1);
  const auto result = flame::detail::decode_result<work::choose>(payload, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message.substr(0, 7), "result:");
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()(std::uint64_t below) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % below;
  }

 private:
  std::uint64_t state_;
};

void mutate(std::vector<std::byte>& table, Random& random) {
  constexpr std::uint32_t kInteresting[] = {0, 1, 4, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 0x10000};
  for (std::uint64_t edits = 1 + random(4); edits > 0; --edits) {
    const std::size_t at = random(table.size());
    switch (random(4)) {
      case 0:
        table[at] ^= static_cast<std::byte>(1U << random(8));
        break;
      case 1:
        table[at] = static_cast<std::byte>(random(256));
        break;
      case 2:
        if (at + 4 <= table.size()) std::memcpy(&table[at & ~std::size_t{3}], &kInteresting[random(8)], 4);
        break;
      default:
        table.resize(1 + at);
        break;
    }
  }
}

// Decoding reads only what the verifier has seen: run it under AddressSanitizer.
template <auto F, class... A>
std::size_t accepted_mutations(int count, const A&... arguments) {
  const Payload whole = encode_arguments<F>(arguments...);
  Random random(0x9e3779b97f4a7c15);
  std::size_t accepted = 0;
  for (int i = 0; i < count; ++i) {
    std::vector<std::byte> table(whole.table.data(), whole.table.data() + whole.table.size());
    mutate(table, random);
    Objects objects;
    Error error;
    const Payload mutated{Bytes(std::move(table)), whole.attachments, {}};
    if (decode_arguments<F>(mutated, objects, error)) {
      ++accepted;
    } else {
      EXPECT_FALSE(error.message.empty());
    }
  }
  return accepted;
}

TEST(Verifier, SurvivesAHundredThousandMutatedPayloads) {
  const std::size_t everything = accepted_mutations<work::echo>(40'000, work::sample());
  const std::size_t others = accepted_mutations<work::echo_else>(40'000, work::sample_else());
  const std::size_t frames =
      accepted_mutations<work::recode>(20'000, work::Frame{"h264", Bytes("a", 1), {Bytes("b", 1), Bytes("c", 1)}});
  EXPECT_GT(everything + others + frames, 1000U);
  EXPECT_LT(everything + others + frames, 90'000U);
}

}  // namespace
