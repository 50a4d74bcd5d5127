// The printed schema is true: flatc and the readers it generates read and write the same bytes as the codec.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include <everything_generated.h>  // made by flatc from what print_schema prints
#include <sys/wait.h>

#include "plugin_sdk/base/spawn.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugin_sdk/codec/round_trip.hpp"
#include "tests/unit/plugin_sdk/codec/sample.hpp"

namespace {

using codec_test::Objects;
using flame::Bytes;
using flame::detail::Callee;
using flame::detail::Payload;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

int run_flatc(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FLAME_TEST_FLATC);
  const auto spawned = flame::base::spawn({.path = FLAME_TEST_FLATC, .argv = std::move(arguments)});
  int status = -1;
  return spawned && ::waitpid(spawned->pid, &status, 0) == spawned->pid ? status : -1;
}

// bytes → JSON → bytes, all by flatc.
template <auto F>
Payload through_json(const Payload& payload, const std::string& root) {
  const flame::test::TempDir dir;
  const std::string schema = dir.write("schema.fbs", Callee<F>::schema);
  const std::string data = dir.write("data.bin", text_of(payload.table));
  EXPECT_EQ(
      run_flatc({"--json", "--strict-json", "--raw-binary", "--root-type", root, "-o", dir.path(), schema, "--", data}),
      0);
  EXPECT_EQ(std::remove(data.c_str()), 0);
  EXPECT_EQ(run_flatc({"--binary", "--root-type", root, "-o", dir.path(), schema, dir / "data.json"}), 0);
  return {Bytes(read(data)), payload.attachments, payload.resources};
}

TEST(Flatc, TurnsArgumentsIntoJsonAndBack) {
  const work::Everything value = work::sample();
  const Payload payload = through_json<work::echo>(flame::detail::encode_arguments<work::echo>(value), "Call");
  Objects objects;
  EXPECT_EQ(std::get<0>(codec_test::decoded<work::echo>(payload, objects)), value);
}

TEST(Flatc, TurnsResultsIntoJsonAndBack) {
  const work::EverythingElse value = work::sample_else();
  Objects objects;
  const Payload payload =
      through_json<work::echo_else>(flame::detail::encode_result<work::echo_else>(value, objects), "Return");
  EXPECT_EQ(flame::detail::decode_result<work::echo_else>(payload, nullptr).value(), value);
}

TEST(Flatc, ReadsNoArgumentsAndVoidResults) {
  const Payload call = flame::detail::encode_arguments<work::nothing>();
  Objects objects;
  EXPECT_EQ(codec_test::decoded<work::nothing>(through_json<work::nothing>(call, "Call"), objects), std::tuple<>());
}

TEST(GeneratedReader, VerifiesAndReadsWhatTheCodecWrites) {
  const Payload payload = flame::detail::encode_arguments<work::echo>(work::sample());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(payload.table.data());
  flatbuffers::Verifier verifier(bytes, payload.table.size());
  ASSERT_TRUE(VerifyCallBuffer(verifier));
  const work_Everything* value = GetCall(bytes)->f0();
  EXPECT_EQ(value->i64(), -64000000000);
  EXPECT_EQ(value->color(), work_Color_red);
  EXPECT_EQ(value->maybe(), flatbuffers::Optional<std::int32_t>(0));
  EXPECT_EQ(value->numbers()->Get(1), -2.5);
  EXPECT_EQ(value->path()->str(), "/tmp/a file");
  EXPECT_EQ(value->by_name()->LookupByKey("a")->value()->Get(1), 3);
  EXPECT_EQ(value->by_name()->LookupByKey("")->value()->Get(0), 1);
  EXPECT_EQ(value->lookup()->LookupByKey("q")->value()->f0(), 3);
  EXPECT_EQ(value->by_name()->LookupByKey("none"), nullptr);
  EXPECT_EQ(value->variants()->Get(2)->f2()->str(), "text");
}

TEST(GeneratedReader, WritesWhatTheCodecReads) {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = builder.CreateString("from flatc");
  const std::vector<double> numbers = {1, 2, 3};
  const auto vector = builder.CreateVector(numbers);
  const std::vector<std::int16_t> triple = {7, 8, 9};
  const auto array = builder.CreateVector(triple);
  work_EverythingBuilder everything(builder);
  everything.add_text(text);
  everything.add_numbers(vector);
  everything.add_triple(array);
  everything.add_u64(77);
  everything.add_perhaps(false);
  const auto value = everything.Finish();
  CallBuilder call(builder);
  call.add_f0(value);
  FinishCallBuffer(builder, call.Finish());
  Objects objects;
  const Payload payload{Bytes(builder.GetBufferPointer(), builder.GetSize()), {}, {}};
  const auto [copy] = codec_test::decoded<work::echo>(payload, objects);
  work::Everything expected;
  expected.color = work::Color::green;  // the smallest: what an absent Color reads as
  expected.raw = {};
  expected.text = "from flatc";
  expected.numbers = numbers;
  expected.triple = {7, 8, 9};
  expected.u64 = 77;
  expected.perhaps = false;
  EXPECT_EQ(copy, expected);
}

}  // namespace
