// Load and its answers: what they name is a digest, and a directory that a file system may have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tests/unit/plugin_sdk/wire/samples.hpp"

namespace flame::wire {
namespace load_test {

using testing::HasSubstr;

std::string refusal(std::span<const std::byte> frame) {
  const auto decoded = decode(frame);
  return decoded ? "it was accepted" : decoded.error().message;
}

TEST(LoadMessages, NameAPluginByNothingButItsDigest) {
  Load load = test::sample_load();
  load.plugin.digest = "../../etc/passwd";
  EXPECT_THAT(refusal(encode(1, load)), HasSubstr("load.plugin.digest"));
  EXPECT_THAT(refusal(encode(1, make_loaded("latest"))), HasSubstr("loaded.digest"));
  EXPECT_THAT(refusal(encode(1, EndGeneration{.digest = "latest"})), HasSubstr("end_generation.digest"));
  EXPECT_THAT(refusal(encode(1, GenerationEnded{.digest = "latest"})), HasSubstr("generation_ended.digest"));
}

TEST(LoadMessages, HaveADirectoryThatAFileSystemMayHave) {
  const auto with_directory_of = [](std::size_t size) {
    flatbuffers::FlatBufferBuilder b;
    const auto path = b.CreateString(std::string(size, 'x'));
    b.Finish(fb::CreateEnvelope(b, 5, fb::Body::Load, fb::CreateLoad(b, 0, path).Union()), fb::EnvelopeIdentifier());
    return refusal(std::as_bytes(std::span(b.GetBufferPointer(), b.GetSize())));
  };
  EXPECT_EQ(with_directory_of(limits::kPathMax), "it was accepted");
  EXPECT_THAT(with_directory_of(limits::kPathMax + 1), HasSubstr("\"load.directory\" is longer"));
}

TEST(LoadMessages, SayNothingOfAnErrorWhenAllIsWell) {
  const auto decoded = decode(encode(1, make_loaded(test::kDigest)));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::get<Loaded>(decoded->body).error.code, ErrorCode::none);
}

}  // namespace load_test
}  // namespace flame::wire
