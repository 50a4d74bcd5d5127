// Values of every mapped type arrive as they were sent.
#include "tests/unit/plugin_sdk/codec/round_trip.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/plugin_sdk/codec/sample.hpp"

namespace {

using codec_test::Objects;
using codec_test::returned;
using codec_test::sent;

TEST(RoundTrip, KeepsEveryFieldOfAStructWithEveryType) {
  const work::Everything value = work::sample();
  const auto [copy] = sent<work::echo>(value);
  EXPECT_EQ(copy, value);
  EXPECT_TRUE(std::signbit(copy.f64));
  EXPECT_EQ(returned<work::echo>(value), value);
}

TEST(RoundTrip, KeepsTimesNestedStructsAndTemplates) {
  const work::EverythingElse value = work::sample_else();
  EXPECT_EQ(std::get<0>(sent<work::echo_else>(value)), value);
  EXPECT_EQ(returned<work::echo_else>(value), value);
}

TEST(RoundTrip, KeepsZeroAndEmptyValuesApartFromDefaultInitialisers) {
  work::EverythingElse zero;
  zero.shape.level = work::Level::low;
  const auto copy = std::get<0>(sent<work::echo_else>(zero));
  EXPECT_EQ(copy.shape.level, work::Level::low);
  const auto [point, factor] = sent<work::scale>(work::Point{0, 0}, 0.0);
  EXPECT_EQ(point, (work::Point{0, 0}));
  EXPECT_EQ(factor, 0.0);
}

TEST(RoundTrip, RefusesToReadAValueThatIsNoEnumerator) {
  work::Everything value;
  value.color = static_cast<work::Color>(0);  // Color has no zero
  Objects objects;
  flame::Error error;
  const auto payload = flame::detail::encode_arguments<work::echo>(value);
  EXPECT_FALSE(flame::detail::decode_arguments<work::echo>(payload, objects, error));
  EXPECT_EQ(error.code, flame::ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("argument f0.color: it is none of the enumeration's values"), std::string::npos)
      << error.message;
}

TEST(RoundTrip, KeepsEachAlternativeOfAVariant) {
  for (const work::Variant& value :
       {work::Variant(std::monostate()), work::Variant(0), work::Variant("text"), work::Variant(work::sample_shape()),
        work::Variant(std::optional<int>()), work::Variant(std::optional<int>(0))}) {
    EXPECT_EQ(returned<work::choose>(value), value) << value.index();
  }
}

TEST(RoundTrip, CarriesVoidResultsAndCallsWithoutParameters) {
  EXPECT_EQ(sent<work::nothing>(), std::tuple<>());
  EXPECT_TRUE(flame::detail::decode_result<work::nothing>(flame::detail::encode_void_result(), nullptr));
}

TEST(RoundTrip, TurnsStringViewsIntoStringsOfTheirOwn) {
  const auto [text, more] = sent<work::length>(std::string_view("abc"), std::string("d"));
  static_assert(std::is_same_v<decltype(text), const std::string>);
  EXPECT_EQ(text + more, "abcd");
}

TEST(RoundTrip, SendsMoveOnlyValuesWithoutCopies) {
  std::vector<work::MoveOnly> more;
  more.emplace_back("b");
  const auto [value, rest] = sent<work::hand_over>(work::MoveOnly("a"), more);
  EXPECT_EQ(value.text, "a");
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].text, "b");
  EXPECT_EQ(returned<work::hand_over>(work::MoveOnly("c")).text, "c");
}

TEST(RoundTrip, SortsUnorderedContainersSoThatEqualValuesHaveEqualBytes) {
  work::Everything a;
  work::Everything b;
  for (int i = 0; i < 100; ++i) a.lookup[std::to_string(i)] = {};
  b.lookup.rehash(1000);
  for (int i = 99; i >= 0; --i) b.lookup[std::to_string(i)] = {};
  EXPECT_EQ(flame::detail::encode_arguments<work::echo>(a).table, flame::detail::encode_arguments<work::echo>(b).table);
}

TEST(RoundTrip, RefusesToSendWhatIsNestedTooDeeply) {
  work::Tree tree;
  for (int i = 0; i < 70; ++i) {
    work::Tree parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  work::EverythingElse value;
  value.tree = std::move(tree);
  try {
    (void)flame::detail::encode_arguments<work::echo_else>(value);
    FAIL() << "70 levels were encoded";
  } catch (const flame::CallError& e) {
    EXPECT_EQ(e.code(), flame::ErrorCode::invalid_argument);
    EXPECT_NE(e.error().message.find("64 levels"), std::string::npos);
  }
}

TEST(RoundTrip, AcceptsTheDeepestAllowedNesting) {
  work::Tree tree;
  for (int i = 0; i < 61; ++i) {  // Call, EverythingElse, 62 trees
    work::Tree parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  work::EverythingElse value;
  value.tree = std::move(tree);
  EXPECT_EQ(std::get<0>(sent<work::echo_else>(value)), value);
}

}  // namespace
