// Types that flatc generates from other schemas travel as nested buffers.
#include <gtest/gtest.h>

#include <random>

#include <monster_generated.h>

#include "tests/unit/plugin_sdk/codec/round_trip.hpp"
#include "tests/unit/plugin_sdk/codec/sample.hpp"

namespace work {
zoo::MonsterT feed(zoo::MonsterT monster, std::vector<zoo::MonsterT> friends);
void look(zoo::MonsterT monster);
void look_at_bytes(std::vector<std::uint8_t> monster);  // the same on the wire
}  // namespace work

namespace flat_objects_test {
namespace {

using codec_test::Objects;
using flame::Bytes;
using flame::detail::Callee;
using flame::detail::Payload;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

zoo::MonsterT monster(const std::string& name) {
  zoo::MonsterT result;
  result.name = name;
  result.hp = 7;
  result.parts.push_back(std::make_unique<zoo::PartT>());
  result.parts.back()->name = "arm";
  result.parts.back()->size = 1LL << 40;
  return result;
}

TEST(FlatObjects, TravelAsNestedBuffers) {
  EXPECT_NE(Callee<work::feed>::schema.find("f0:[ubyte] (flame_nested: \"zoo.Monster\");"), std::string_view::npos);
  std::vector<zoo::MonsterT> friends;
  friends.push_back(monster("b"));
  friends.push_back(monster("c"));
  const Payload payload = flame::detail::encode_arguments<work::feed>(monster("a"), friends);
  Objects objects;
  const auto [copy, others] = codec_test::decoded<work::feed>(payload, objects);
  EXPECT_EQ(copy.name, "a");
  EXPECT_EQ(copy.hp, 7);
  ASSERT_EQ(copy.parts.size(), 1U);
  EXPECT_EQ(copy.parts[0]->size, 1LL << 40);
  ASSERT_EQ(others.size(), 2U);
  EXPECT_EQ(others[1].name, "c");
}

TEST(FlatObjects, ThatDoNotVerifyAreRefused) {
  const Payload payload = flame::detail::encode_arguments<work::feed>(monster("a"), std::vector<zoo::MonsterT>());
  std::vector<std::byte> table(payload.table.data(), payload.table.data() + payload.table.size());
  const std::string_view text = text_of(payload.table);
  const std::size_t name = text.find("arm");
  ASSERT_NE(name, text.npos);
  table[name - 1] = std::byte{0x7f};  // its length
  Objects objects;
  flame::Error error;
  EXPECT_FALSE(flame::detail::decode_arguments<work::feed>({Bytes(std::move(table)).span(), {}}, objects, error));
  EXPECT_NE(error.message.find("argument f0: its bytes are not a valid FlatBuffers buffer"), std::string::npos)
      << error.message;
}

TEST(FlatObjects, KeepUnionsStructsAndRecursion) {
  zoo::MonsterT value = monster("a");
  value.tags = {"one", "", "three"};
  value.home = std::make_unique<zoo::Place>(1.F, 2.F);
  value.path = {zoo::Place(3.F, 4.F), zoo::Place(5.F, 6.F)};
  zoo::PartT part;
  part.name = "sword";
  value.held.Set(part);
  value.pack.resize(3);
  value.pack[0].Set(part);
  value.pack[1].Set(zoo::Place(7.F, 8.F));
  value.pack[2].Set(std::string("read me"));
  value.mate = std::make_unique<zoo::MonsterT>(monster("b"));
  value.raw = {1, 2, 3};
  const Payload payload = flame::detail::encode_arguments<work::look>(value);
  Objects objects;
  const auto [copy] = codec_test::decoded<work::look>(payload, objects);
  EXPECT_EQ(copy.tags, value.tags);
  EXPECT_EQ(copy.home->y(), 2.F);
  EXPECT_EQ(copy.path.at(1).x(), 5.F);
  EXPECT_EQ(copy.held.AsPart()->name, "sword");
  ASSERT_EQ(copy.pack.size(), 3U);
  EXPECT_EQ(copy.pack[0].AsPart()->name, "sword");
  EXPECT_EQ(copy.pack[1].AsPlace()->x(), 7.F);
  EXPECT_EQ(*copy.pack[2].AsNote(), "read me");
  EXPECT_EQ(copy.mate->name, "b");
  EXPECT_EQ(copy.raw, value.raw);
}

// Whether `buffer` is decoded. FlatBuffers itself would take it.
bool accepted(const flatbuffers::FlatBufferBuilder& buffer) {
  flatbuffers::Verifier stock(buffer.GetBufferPointer(), buffer.GetSize(), 64, buffer.GetSize() / 4);
  EXPECT_TRUE(stock.VerifyBuffer<zoo::Monster>(nullptr)) << "then it proves nothing about our own walk";
  const std::vector<std::uint8_t> bytes(buffer.GetBufferPointer(), buffer.GetBufferPointer() + buffer.GetSize());
  const Payload payload = flame::detail::encode_arguments<work::look_at_bytes>(bytes);
  Objects objects;
  flame::Error error;
  const auto decoded = flame::detail::decode_arguments<work::look>(payload, objects, error);
  if (!decoded) {
    EXPECT_NE(error.message.find("argument f0: its bytes are not a valid FlatBuffers buffer"), std::string::npos);
  }
  return decoded.has_value();
}

TEST(FlatObjects, ATextThatManyElementsShareIsRefused) {
  flatbuffers::FlatBufferBuilder builder;
  // 1 MB that would decode to 64 GB.
  const auto text = builder.CreateString(std::string(500'000, 'x'));
  const auto tags = builder.CreateVector(std::vector<flatbuffers::Offset<flatbuffers::String>>(125'000, text));
  zoo::MonsterBuilder monster(builder);
  monster.add_tags(tags);
  builder.Finish(monster.Finish());
  EXPECT_FALSE(accepted(builder));
}

TEST(FlatObjects, TablesAndTheirVectorsThatAreSharedAreRefused) {
  flatbuffers::FlatBufferBuilder builder;
  const auto name = builder.CreateString(std::string(100'000, 'x'));
  const auto part = zoo::CreatePart(builder, name, 1);
  const auto parts = builder.CreateVector(std::vector<flatbuffers::Offset<zoo::Part>>(10'000, part));
  zoo::MonsterBuilder monster(builder);
  monster.add_parts(parts);
  builder.Finish(monster.Finish());
  EXPECT_FALSE(accepted(builder));
}

TEST(FlatObjects, UnionsThatShareTheirValueAreRefused) {
  flatbuffers::FlatBufferBuilder builder;
  const auto note = builder.CreateString(std::string(100'000, 'x'));
  const auto types = builder.CreateVector(std::vector<std::uint8_t>(10'000, static_cast<std::uint8_t>(zoo::Item_Note)));
  const auto values = builder.CreateVector(std::vector<flatbuffers::Offset<void>>(10'000, note.Union()));
  zoo::MonsterBuilder monster(builder);
  monster.add_pack_type(types);
  monster.add_pack(values);
  builder.Finish(monster.Finish());
  EXPECT_FALSE(accepted(builder));
}

TEST(FlatObjects, AChainOfTablesIsAsDeepAsPayloadsMayBe) {
  const auto chain = [](int length) {
    flatbuffers::FlatBufferBuilder builder;
    flatbuffers::Offset<zoo::Monster> last;
    for (int i = 0; i < length; ++i) {
      zoo::MonsterBuilder monster(builder);
      if (i > 0) monster.add_mate(last);
      last = monster.Finish();
    }
    builder.Finish(last);
    return builder;
  };
  EXPECT_TRUE(accepted(chain(63)));
  const auto deeper = chain(66);
  const std::vector<std::uint8_t> bytes(deeper.GetBufferPointer(), deeper.GetBufferPointer() + deeper.GetSize());
  Objects objects;
  flame::Error error;
  EXPECT_FALSE(flame::detail::decode_arguments<work::look>(flame::detail::encode_arguments<work::look_at_bytes>(bytes),
                                                           objects, error));
}

TEST(FlatObjects, AnyDamageIsRefusedOrDecodesToLittle) {
  zoo::MonsterT value = monster("a");
  value.tags = {"one", "two"};
  value.pack.resize(1);
  value.pack[0].Set(std::string("note"));
  value.mate = std::make_unique<zoo::MonsterT>(monster("b"));
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(zoo::Monster::Pack(builder, &value));
  const std::vector<std::uint8_t> good(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  std::mt19937 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::uint8_t> bytes = good;
    for (unsigned i = 0; i <= random() % 3; ++i) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (round % 5 == 0) bytes.resize(random() % bytes.size());
    Objects objects;
    flame::Error error;
    static_cast<void>(flame::detail::decode_arguments<work::look>(
        flame::detail::encode_arguments<work::look_at_bytes>(bytes), objects, error));
  }
}

}  // namespace
}  // namespace flat_objects_test
