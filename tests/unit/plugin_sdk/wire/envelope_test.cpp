// Every message survives its encoding; limits hold on both sides; what this version does not know is recognised.
#include "plugin_sdk/wire/envelope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/plugin_sdk/wire/samples.hpp"
#include "tests/unit/plugin_sdk/wire/structural.hpp"

namespace flame::wire {
namespace envelope_test {

using testing::HasSubstr;

template <typename Message>
Message round_trip(const Message& message) {
  const auto decoded = decode(encode(1, message));
  EXPECT_TRUE(decoded) << decoded.error().message;
  const auto* back = decoded ? std::get_if<Message>(&decoded->body) : nullptr;
  EXPECT_NE(back, nullptr);
  return back != nullptr ? *back : Message{};
}

template <typename Message>
const typename Message::TableType& packed_as(const std::vector<std::byte>& frame) {
  return *static_cast<const typename Message::TableType*>(fb::GetEnvelope(frame.data())->body());
}

// A frame as another implementation might write it.
template <typename Build>
std::vector<std::byte> raw(Build build) {
  flatbuffers::FlatBufferBuilder b;
  b.Finish(build(b), fb::EnvelopeIdentifier());
  const auto* data = reinterpret_cast<const std::byte*>(b.GetBufferPointer());
  return {data, data + b.GetSize()};
}

std::string refusal(const std::vector<std::byte>& frame) {
  const auto decoded = decode(frame);
  if (decoded) return "it was accepted";
  EXPECT_EQ(decoded.error().code, ErrorCode::incompatible);
  return decoded.error().message;
}

TEST(Envelope, CarriesEveryFieldOfEveryMessage) {
  const auto bodies = test::sample_bodies();
  ASSERT_EQ(bodies.size(), std::variant_size_v<AnyBody> - 1) << "Undecoded is no message";
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    ASSERT_EQ(bodies[i].index(), i);
    const auto frame = encode(42, bodies[i]);
    const auto decoded = decode(frame);
    ASSERT_TRUE(decoded) << i << ": " << decoded.error().message;
    EXPECT_EQ(decoded->session, 42u);
    ASSERT_EQ(decoded->body.index(), i);
    std::visit(
        [&](const auto& sent) {
          using Message = std::decay_t<decltype(sent)>;
          if constexpr (!std::is_same_v<Message, Undecoded>) {
            EXPECT_EQ(sent, std::get<Message>(decoded->body)) << "message kind " << i;
            auto unset = test::unset_fields(packed_as<Message>(frame));
            std::erase(unset, "Result.ok");  // the sample is a failure
            EXPECT_THAT(unset, testing::IsEmpty()) << "the sample of kind " << i << " is not full";
          }
        },
        bodies[i]);
  }
}

TEST(Envelope, CarriesDefaults) {
  EXPECT_EQ(round_trip(Invoke{}), Invoke{});
  EXPECT_EQ(round_trip(make_result(0, {}, {})), make_result(0, {}, {}));
  EXPECT_EQ(round_trip(Hello{}), Hello{});
  EXPECT_EQ(round_trip(Welcome{}), Welcome{});
}

TEST(Envelope, ReusesTheStorageItEncodesInto) {
  std::vector<std::byte> frame;
  encode_into(frame, 1, Beat{.seq = 1});
  const auto first = frame;
  encode_into(frame, 1, Bye{.reason = std::string(1000, 'x')});
  encode_into(frame, 1, Beat{.seq = 1});
  EXPECT_EQ(frame, first);
}

TEST(Envelope, DecodesFromAnyAlignment) {
  const auto frame = encode(9, test::sample_bodies()[0]);
  std::vector<std::byte> shifted(frame.size() + 8);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::copy(frame.begin(), frame.end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    const auto decoded = decode(std::span(shifted).subspan(shift, frame.size()));
    ASSERT_TRUE(decoded) << shift;
    EXPECT_EQ(decoded->session, 9u);
  }
}

TEST(Envelope, NumbersItsRequestsAndNotItsNotifications) {
  for (const auto& body : test::sample_bodies()) {
    const auto frame = encode(1, body);
    const std::uint64_t id = fb::GetEnvelope(frame.data())->request_id();
    if (const auto* invoke = std::get_if<Invoke>(&body)) {
      EXPECT_EQ(id, invoke->id);
    } else if (std::holds_alternative<Load>(body)) {
      EXPECT_EQ(id, kLoadRequestId);
    } else if (std::holds_alternative<Hello>(body) || std::holds_alternative<Retire>(body)) {
      EXPECT_NE(id, 0u);
    } else {
      EXPECT_EQ(id, 0u) << body.index();
    }
  }
}

TEST(Envelope, NamesARequestOfANewerMinorSoThatItCanBeAnswered) {
  const auto frame = raw([](auto& b) {
    const auto body = fb::CreateBeat(b, 1).Union();
    return fb::CreateEnvelope(b, 5, static_cast<fb::Body>(200), body, 77);
  });
  const auto decoded = decode(frame);
  ASSERT_TRUE(decoded) << decoded.error().message;
  const auto* unknown = std::get_if<Undecoded>(&decoded->body);
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->answer.id, 77u);
  EXPECT_EQ(unknown->answer.what, "message kind 200");
}

TEST(Envelope, TellsAPeersUnsupportedFromItsOwn) {
  const Unsupported answer{.id = 3, .what = "x"};
  EXPECT_EQ(round_trip(answer), answer);
  EXPECT_DEATH(static_cast<void>(encode(1, Undecoded{answer})), "answered, not sent");
}

TEST(Envelope, CutsALongTextWithAMarkAndKeepsItUtf8) {
  const auto line =
      round_trip(Output{.id = 1, .stream = Stream::out, .level = Level::info, .text = std::string(100'000, 'x')}).text;
  EXPECT_EQ(line.size(), limits::kTextMax);
  EXPECT_TRUE(line.ends_with(" [cut]"));
  std::string umlauts;
  while (umlauts.size() < limits::kTextMax + 10) umlauts += "ü";
  for (const char* prefix : {"", "a"}) {
    const auto cut = round_trip(Bye{.reason = prefix + umlauts}).reason;
    EXPECT_LE(cut.size(), limits::kTextMax);
    const auto text = cut.substr(0, cut.size() - 6);
    EXPECT_EQ((text.size() - std::string_view(prefix).size()) % 2, 0u) << "no half character";
  }
}

TEST(Envelope, NeverExceedsItsFrameHoweverMuchItIsGiven) {
  Result result = make_failure(1, test::sample_error());
  result.error.where.assign(5000, std::string(5000, 'w'));
  result.error.message.assign(1'000'000, 'm');
  result.error.log_tail.assign(1'000'000, 'l');
  Hello hello;
  hello.plugins.assign(5000, test::sample_plugin());
  for (PluginState& plugin : hello.plugins) plugin.error.assign(20'000, 'e');
  hello.facts.assign(5000, {.key = std::string(300, 'k'), .value = std::string(20'000, 'v')});
  for (const Body& body : {Body(result), Body(hello)}) {
    const auto frame = encode(1, body);
    EXPECT_LE(frame.size(), limits::kEnvelopeMax);
    EXPECT_TRUE(decode(frame)) << body.index();
  }
}

TEST(Envelope, HasRoomForTheLargestPayloadInfo) {
  Invoke invoke;
  invoke.payload.parts.assign(1 + limits::kAttachmentsMax, 1);
  invoke.payload.resources.assign(limits::kAttachmentsMax, 1);
  EXPECT_EQ(round_trip(invoke).payload.parts.size(), 1 + limits::kAttachmentsMax);
}

TEST(EnvelopeDeathTest, AssertsThatPayloadInfoCameFromDescribe) {
  Invoke invoke;
  invoke.payload.parts.assign(2 + limits::kAttachmentsMax, 1);
  EXPECT_DEATH(static_cast<void>(encode(1, invoke)), "describe\\(\\) bounds the parts");
}

TEST(Envelope, RefusesWhatIsNoEnvelope) {
  EXPECT_THAT(refusal({}), HasSubstr("not a FLAME envelope"));
  EXPECT_THAT(refusal(std::vector<std::byte>(100)), HasSubstr("not a FLAME envelope"));
  EXPECT_THAT(refusal(std::vector<std::byte>(limits::kEnvelopeMax + 1)), HasSubstr("over the limit"));
  auto other_magic = encode(1, Beat{.seq = 1});
  other_magic[7] = std::byte{'2'};
  EXPECT_THAT(refusal(other_magic), HasSubstr("not a FLAME envelope"));
}

TEST(Envelope, RefusesAMissingBody) {
  EXPECT_THAT(refusal(raw([](auto& b) { return fb::CreateEnvelope(b, 5); })), HasSubstr("no body"));
  EXPECT_THAT(refusal(raw([](auto& b) { return fb::CreateEnvelope(b, 5, fb::Body::Beat); })), HasSubstr("no body"));
}

TEST(Envelope, RefusesEnumValuesOutOfRange) {
  EXPECT_THAT(refusal(encode(1, Cancel{.id = 1, .reason = static_cast<CancelReason>(3)})), HasSubstr("cancel.reason"));
  EXPECT_THAT(refusal(encode(1, Output{.id = 1, .stream = static_cast<Stream>(3)})), HasSubstr("output.stream"));
  EXPECT_THAT(refusal(encode(1, Output{.id = 1, .level = static_cast<Level>(4)})), HasSubstr("output.level"));
  EXPECT_THAT(refusal(encode(1, make_refuse(static_cast<ErrorCode>(16), ""))), HasSubstr("refuse.code"));
  Welcome welcome;
  welcome.isolation = static_cast<Isolation>(2);
  EXPECT_THAT(refusal(encode(1, welcome)), HasSubstr("welcome.isolation"));
  Result result;
  result.error.code = static_cast<ErrorCode>(200);
  EXPECT_THAT(refusal(encode(1, result)), HasSubstr("error.code"));
  result.error.code = ErrorCode::crashed;
  result.error.started = static_cast<Started>(9);
  EXPECT_THAT(refusal(encode(1, result)), HasSubstr("error.started"));
}

TEST(Envelope, RefusesADigestThatCouldBeAPath) {
  Invoke invoke;
  invoke.digest = "../../etc/passwd";
  EXPECT_THAT(refusal(encode(1, invoke)), HasSubstr("invoke.digest"));
  invoke.digest = std::string(64, '/');
  EXPECT_THAT(refusal(encode(1, invoke)), HasSubstr("invoke.digest"));
}

TEST(Envelope, RefusesNegativeDurations) {
  EXPECT_THAT(refusal(encode(1, Drain{.grace_ns = -2})), HasSubstr("drain.grace_ns"));
  Invoke invoke;
  invoke.remaining_ns = -2;
  EXPECT_THAT(refusal(encode(1, invoke)), HasSubstr("invoke.remaining_ns"));
}

TEST(Envelope, RefusesAResultThatContradictsItself) {
  EXPECT_THAT(refusal(raw([](auto& b) {
                const auto body = fb::CreateResult(b, 1, false).Union();
                return fb::CreateEnvelope(b, 5, fb::Body::Result, body);
              })),
              HasSubstr("result.ok"));
}

TEST(Envelope, RefusesTextsAndListsOverTheirLimits) {
  EXPECT_THAT(refusal(raw([](auto& b) {
                const auto text = b.CreateString(std::string(limits::kTextMax + 1, 'x'));
                return fb::CreateEnvelope(b, 5, fb::Body::Bye, fb::CreateBye(b, text).Union());
              })),
              HasSubstr("\"bye.reason\" is longer"));
  EXPECT_THAT(refusal(raw([](auto& b) {
                const auto name = b.CreateString(std::string(limits::kNameMax + 1, 'x'));
                return fb::CreateEnvelope(b, 5, fb::Body::Hello, fb::CreateHello(b, 2, 0, 1, name).Union());
              })),
              HasSubstr("\"hello.runner\" is longer"));
  EXPECT_THAT(refusal(raw([](auto& b) {
                const auto parts = b.CreateVector(std::vector<std::uint64_t>(limits::kAttachmentsMax + 2));
                const auto info = fb::CreatePayloadInfo(b, parts);
                const auto invoke = fb::CreateInvoke(b, 1, 1, 0, 0, -1, 1, true, 0, info);
                return fb::CreateEnvelope(b, 5, fb::Body::Invoke, invoke.Union());
              })),
              HasSubstr("\"invoke.payload.parts\" has more"));
}

// What a runner with a fault of its own could write into an error.
template <typename Fill>
std::string refusal_of_error(Fill fill) {
  return refusal(raw([&](auto& b) {
    const auto texts = fill(b);
    fb::ErrorBuilder error(b);
    error.add_code(fb::ErrorCode::crashed);
    if (!texts.where.IsNull()) error.add_where(texts.where);
    if (!texts.log_tail.IsNull()) error.add_log_tail(texts.log_tail);
    if (!texts.plugin.IsNull()) error.add_plugin(texts.plugin);
    const auto why = error.Finish();
    return fb::CreateEnvelope(b, 5, fb::Body::Ended, fb::CreateEnded(b, 1, why).Union());
  }));
}

struct ErrorTexts {
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>> where;
  flatbuffers::Offset<flatbuffers::String> log_tail;
  flatbuffers::Offset<flatbuffers::String> plugin;
};

TEST(Envelope, BoundsEachTextOfAnError) {
  const auto where = [](std::size_t count, std::size_t size) {
    return refusal_of_error([=](auto& b) {
      const auto frame = b.CreateString(std::string(size, 'x'));
      return ErrorTexts{.where = b.CreateVector(std::vector(count, frame)), .log_tail = {}, .plugin = {}};
    });
  };
  EXPECT_EQ(where(limits::kWhereMax, limits::kWhereTextMax), "it was accepted");
  EXPECT_THAT(where(limits::kWhereMax + 1, 1), HasSubstr("\"ended.error.where\" has more"));
  EXPECT_THAT(where(1, limits::kWhereTextMax + 1), HasSubstr("\"ended.error.where\" is longer"));
  EXPECT_THAT(refusal_of_error([](auto& b) {
                return ErrorTexts{
                    .where = {}, .log_tail = b.CreateString(std::string(limits::kLogTailMax + 1, 'x')), .plugin = {}};
              }),
              HasSubstr("\"ended.error.log_tail\" is longer"));
  EXPECT_THAT(refusal_of_error([](auto& b) {
                return ErrorTexts{
                    .where = {}, .log_tail = {}, .plugin = b.CreateString(std::string(limits::kPluginIdMax + 1, 'x'))};
              }),
              HasSubstr("\"ended.error.plugin\" is longer"));
}

TEST(Envelope, CutsAnErrorToItsBounds) {
  Ended ended = make_ended(1, test::sample_error());
  ended.error.where.assign(2 * limits::kWhereMax, std::string(2 * limits::kWhereTextMax, 'w'));
  ended.error.log_tail.assign(2 * limits::kLogTailMax, 'l');
  ended.error.plugin.assign(2 * limits::kPluginIdMax, 'p');
  const Error error = round_trip(ended).error;
  ASSERT_EQ(error.where.size(), limits::kWhereMax);
  EXPECT_EQ(error.where[0].size(), limits::kWhereTextMax);
  EXPECT_EQ(error.log_tail.size(), limits::kLogTailMax);
  EXPECT_EQ(error.plugin.size(), limits::kPluginIdMax);
}

TEST(Envelope, RefusesFiguresThatNoHostMayGive) {
  Welcome welcome;
  welcome.slots = limits::kMaxConcurrencyCeiling;
  welcome.payload_max = limits::kPayloadMaxCeiling;
  EXPECT_EQ(round_trip(welcome), welcome);
  ++welcome.slots;
  EXPECT_THAT(refusal(encode(1, welcome)), HasSubstr("welcome.slots"));
  --welcome.slots;
  ++welcome.payload_max;
  EXPECT_THAT(refusal(encode(1, welcome)), HasSubstr("welcome.payload_max"));
}

TEST(Envelope, RefusesMoreTablesThanAHelloMayHave) {
  const auto facts = [](std::size_t count) {
    return refusal(raw([count](auto& b) {
      const std::vector shared(count, fb::CreateKeyValue(b));
      const auto hello = fb::CreateHello(b, 1, 0, 1, 0, 1, 0, b.CreateVector(shared));
      return fb::CreateEnvelope(b, 5, fb::Body::Hello, hello.Union());
    }));
  };
  EXPECT_EQ(facts(limits::kListMax), "it was accepted");
  EXPECT_THAT(facts(limits::kListMax + 1), HasSubstr("hello.facts"));
  EXPECT_THAT(facts(limits::kEnvelopeTablesMax), HasSubstr("not a FLAME envelope"));
}

TEST(Envelope, RefusesASmallFrameThatDecodesToMuch) {
  // 4096 facts that all share one string of 16 KiB: 40 KiB that would become 64 MiB.
  const auto frame = raw([](auto& b) {
    const auto shared = b.CreateString(std::string(limits::kTextMax, 'x'));
    const std::vector<flatbuffers::Offset<fb::KeyValue>> facts(limits::kListMax, fb::CreateKeyValue(b, 0, shared));
    const auto list = b.CreateVector(facts);
    const auto hello = fb::CreateHello(b, 1, 0, 1, 0, 1, 0, list);
    return fb::CreateEnvelope(b, 5, fb::Body::Hello, hello.Union());
  });
  EXPECT_LT(frame.size(), 64 * limits::KiB);
  EXPECT_THAT(refusal(frame), HasSubstr("decode to more than its limit"));
}

TEST(Envelope, SendsNoTableThatSaysNothing) {
  const auto frame = encode(1, make_result(5, {}, {}));
  const auto& result = packed_as<Result>(frame);
  EXPECT_EQ(result.payload(), nullptr);
  EXPECT_EQ(result.error(), nullptr);
  EXPECT_EQ(result.usage(), nullptr);
  EXPECT_LT(encode(1, make_result(5, {}, {})).size(), encode(1, make_result(5, {.parts = {0}}, {})).size());
  EXPECT_EQ(round_trip(make_result(5, {.parts = {0}}, {.wall_ns = 7})).usage.wall_ns, 7);
}

TEST(Envelope, TakesMeasuredTimesAsTheyAre) {
  EXPECT_EQ(round_trip(make_result(5, {}, {.wall_ns = -2})).usage.wall_ns, -2);
}

TEST(Envelope, RefusesNumbersThatAreNotAligned) {
  auto frame = encode(1, Release{.lease = 1, .objects = {1, 2}});
  const auto* objects = packed_as<Release>(frame).objects();
  // The word before the elements is their number; four bytes of padding are before it or the elements end the frame.
  const auto at = static_cast<std::size_t>(objects->Data() - reinterpret_cast<const std::uint8_t*>(frame.data())) - 4;
  frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), 4, std::byte{0});
  const auto* release = reinterpret_cast<const std::uint8_t*>(&packed_as<Release>(frame));
  const std::uint16_t vtable_slot = 6;
  const auto* vtable = release - flatbuffers::ReadScalar<flatbuffers::soffset_t>(release);
  const auto field = flatbuffers::ReadScalar<flatbuffers::voffset_t>(vtable + vtable_slot);
  auto* offset = const_cast<std::uint8_t*>(release) + field;
  flatbuffers::WriteScalar(offset, flatbuffers::ReadScalar<flatbuffers::uoffset_t>(offset) + 4);
  EXPECT_THAT(refusal(frame), HasSubstr("\"release.objects\" is not aligned"));
}

TEST(Envelope, NamesAFieldByTheMessageAndTheTablesItIsIn) {
  Hello hello;
  hello.plugins.push_back(test::sample_plugin());
  hello.plugins[0].plugin.digest = "../x";
  EXPECT_THAT(refusal(encode(1, hello)), HasSubstr("\"hello.plugins.plugin.digest\" is not"));
}

TEST(Envelope, CutsAListToItsLimit) {
  Hello hello;
  hello.facts.assign(limits::kListMax + 1, {.key = "k", .value = {}});
  EXPECT_EQ(round_trip(hello).facts.size(), limits::kListMax);
}

TEST(EnvelopeDeathTest, AssertsThatAResultDoesNotContradictItself) {
  EXPECT_DEATH(static_cast<void>(encode(1, Result{})), "what goes together");
}

TEST(Envelope, ClampsProgress) {
  EXPECT_EQ(round_trip(Progress{.id = 1, .fraction = 7.0}).fraction, 1.0);
  EXPECT_EQ(round_trip(Progress{.id = 1, .fraction = -7.0}).fraction, 0.0);
  EXPECT_EQ(round_trip(Progress{.id = 1, .fraction = std::numeric_limits<double>::quiet_NaN()}).fraction, 0.0);
}

}  // namespace envelope_test
}  // namespace flame::wire
