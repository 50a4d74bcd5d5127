// Bytes and Tracked handles travel beside the table.
#include <gtest/gtest.h>

#include "tests/unit/plugin_sdk/codec/round_trip.hpp"
#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace {

using codec_test::decoded;
using codec_test::Objects;
using codec_test::PlainObject;
using flame::Bytes;
using flame::ErrorCode;
using flame::Tracked;
using flame::detail::decode_arguments;
using flame::detail::decode_result;
using flame::detail::encode_arguments;
using flame::detail::encode_result;

TEST(Attachments, ShareTheirMemoryFromEncodingToDecoding) {
  const Bytes bytes("hello", 5);
  const auto payload = encode_arguments<work::reverse>(bytes);
  ASSERT_EQ(payload.attachments.size(), 1U);
  EXPECT_EQ(payload.attachments[0].data(), bytes.data());
  Objects objects;
  const auto [copy] = decoded<work::reverse>(payload, objects);
  EXPECT_EQ(copy.data(), bytes.data());
  EXPECT_LT(payload.table.size(), 64U);
}

TEST(Attachments, TravelAtAnyDepthAndInOrder) {
  work::Frame frame{"h264", Bytes("a", 1), {Bytes("bb", 2), Bytes(), Bytes("c", 1)}};
  const auto payload = encode_arguments<work::recode>(frame);
  EXPECT_EQ(payload.attachments.size(), 3U);  // empty bytes need none
  Objects objects;
  const auto [copy] = decoded<work::recode>(payload, objects);
  EXPECT_EQ(copy.data, frame.data);
  EXPECT_EQ(copy.planes, frame.planes);
}

TEST(Attachments, AreRefusedWhenOneIsMissing) {
  auto payload = encode_arguments<work::recode>(work::Frame{"x", Bytes("a", 1), {Bytes("b", 1)}});
  payload.attachments.pop_back();
  Objects objects;
  flame::Error error;
  EXPECT_FALSE(decode_arguments<work::recode>(payload, objects, error));
  EXPECT_NE(error.message.find("argument f0.planes[0]: it names an attachment that was not sent"), std::string::npos)
      << error.message;
}

TEST(TrackedHandles, PutTheirIdsIntoTheResourceListOfArguments) {
  const Tracked<work::Index> a(std::make_shared<PlainObject>(77, nullptr));
  const Tracked<work::Index> b(std::make_shared<PlainObject>(88, nullptr));
  const auto payload = encode_arguments<work::open_all>(std::map<std::string, std::optional<Tracked<work::Index>>>{
      {"a", a}, {"b", b}, {"none", std::nullopt}, {"z", Tracked<work::Index>()}});
  EXPECT_EQ(payload.resources, (std::vector<std::uint64_t>{77, 88}));
  Objects plugin;
  work::Index first;
  work::Index second;
  second.offset = 20;
  plugin.objects = {std::make_shared<PlainObject>(0, &first), std::make_shared<PlainObject>(0, &second)};
  const auto [known] = decoded<work::open_all>(payload, plugin);
  EXPECT_EQ((*known.at("a"))->query("x"), 11);
  EXPECT_EQ((**known.at("b")).query("x"), 21);
  EXPECT_FALSE(known.at("none"));
  ASSERT_TRUE(known.at("z"));
  EXPECT_FALSE(*known.at("z"));
}

TEST(TrackedHandles, ComeBackInsideOfResults) {
  work::Index index;
  Objects plugin;
  const auto payload =
      encode_result<work::open_all>({Tracked<work::Index>(std::make_shared<PlainObject>(5, &index))}, plugin);
  ASSERT_EQ(plugin.objects.size(), 1U);
  Objects host;
  host.objects = {std::make_shared<PlainObject>(99, nullptr)};
  const auto result = decode_result<work::open_all>(payload, &host).value();
  ASSERT_EQ(result.size(), 1U);
  EXPECT_EQ(result[0].handle()->id(), 99U);
  EXPECT_THROW((void)*result[0], std::logic_error);
}

TEST(TrackedHandles, ThatAreUnknownAreRunnerLost) {
  Objects plugin;
  const auto payload = encode_arguments<work::open_all>(std::map<std::string, std::optional<Tracked<work::Index>>>{
      {"a", Tracked<work::Index>(std::make_shared<PlainObject>(1, nullptr))}});
  flame::Error error;
  EXPECT_FALSE(decode_arguments<work::open_all>(payload, plugin, error));
  EXPECT_EQ(error.code, ErrorCode::runner_lost);
  EXPECT_NE(error.message.find("argument f0"), std::string::npos) << error.message;
  const auto result = decode_result<work::open>(flame::detail::encode_factory_result(1), nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::runner_lost);
}

TEST(TrackedHandles, ThatTheSlotCannotHoldAreRefusedWhenTheResultIsEncoded) {
  Objects plugin("work::Other");
  EXPECT_THROW((void)encode_result<work::open>(Tracked<work::Index>(std::make_shared<PlainObject>(1, nullptr)), plugin),
               flame::CallError);
}

TEST(ChildFactories, GiveTheHostAChild) {
  Objects host;
  host.objects = {std::make_shared<PlainObject>(42, nullptr)};
  auto child = decode_result<work::make_index>(flame::detail::encode_factory_result(1), &host).value();
  static_assert(std::is_same_v<decltype(child), flame::Child<work::Index>>);
  EXPECT_EQ(child.handle()->id(), 42U);
}

}  // namespace
