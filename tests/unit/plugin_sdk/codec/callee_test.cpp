// What is known of a callee at compile time: types, names, schema.
#include <gtest/gtest.h>

#include <type_traits>

#include <flame_abi.h>
#include <flame/context.hpp>

#include "tests/unit/plugin_sdk/codec/round_trip.hpp"
#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace {

using flame::detail::Callee;
using flame::detail::HostResult;

static_assert(Callee<work::echo>::arity == 1 && Callee<work::echo>::wants_context);
static_assert(std::is_same_v<Callee<work::echo>::Arg<0>, work::Everything>);
static_assert(std::is_same_v<Callee<work::add>::Result, std::int32_t>);
static_assert(std::is_same_v<Callee<work::length>::Arg<0>, std::string_view>);
static_assert(std::is_same_v<Callee<work::length>::OwnedArg<0>, std::string>);
static_assert(std::is_same_v<Callee<work::hand_over>::Parameter<0>, work::MoveOnly&&>);
static_assert(std::is_same_v<HostResult<work::make_index>, flame::Child<work::Index>>);
static_assert(Callee<work::make_index>::is_factory && !Callee<work::open>::is_factory);
static_assert(Callee<&work::Index::query>::is_method && !Callee<work::add>::is_method);
static_assert(std::is_same_v<Callee<&work::Index::query>::Object, work::Index>);

TEST(Callee, IsNamedByNamespaceAndFunction) {
  EXPECT_EQ(Callee<work::echo>::name(), "work::echo");
  EXPECT_EQ(Callee<&work::add>::name(), "work::add");
  EXPECT_STREQ(Callee<work::echo>::name().data(), "work::echo");  // NUL-terminated
}

TEST(Callee, NamesMethodsByTheTypeOfTheObject) {
  EXPECT_EQ(Callee<&work::Index::query>::name(), "work::Index::query");
  EXPECT_EQ((Callee<&work::FancyIndex::query, work::FancyIndex>::name()), "work::FancyIndex::query");
  EXPECT_EQ(Callee<&work::Index::name>::name(), "work::Index::name");
  EXPECT_EQ(Callee<&work::Other::reset>::name(), "work::Other::reset");
}

TEST(Callee, NamesTemplatesAndInlineNamespacesThroughNameFor) {
  EXPECT_EQ(Callee<work::twice<std::int32_t>>::name(), "work::twice_int");
  EXPECT_EQ(Callee<work::inlined>::name(), "work::inlined");
}

TEST(Callee, TellsOverloadsApartByTheirFingerprints) {
  using One = Callee<flame::overload<double(double)>(work::area)>;
  using Two = Callee<flame::overload<double(double, double)>(work::area)>;
  EXPECT_EQ(One::name(), "work::area");
  EXPECT_EQ(One::name(), Two::name());
  EXPECT_NE(One::fingerprint, Two::fingerprint);
}

TEST(Callee, GivesDifferentTypesDifferentFingerprints) {
  EXPECT_NE(Callee<work::open>::fingerprint, Callee<work::make_index>::fingerprint);
  EXPECT_NE(Callee<work::echo>::fingerprint, Callee<work::echo_else>::fingerprint);
}

TEST(Schema, IsReadable) {
  EXPECT_EQ(Callee<work::scale>::schema,
            "table work_Point {\n  f0:double;\n  f1:double;\n}\n\n"
            "table Call {\n  f0:work_Point;\n  f1:double;\n}\n\n"
            "table Return {\n  value:double;\n}\n\nroot_type Call;\n");
  EXPECT_EQ(Callee<work::open>::schema,
            "attribute \"flame_tracked\";\n\ntable Call {\n  f0:string;\n}\n\n"
            "table Return {\n  value:uint (flame_tracked: \"work.Index\");\n}\n\nroot_type Call;\n");
}

std::string join(std::string_view text, const std::string& more) {
  return std::string(text) + more;
}
double use(flame::Context& /*context*/, work::Point point) {
  return point.x;
}

}  // namespace

namespace callee_test {
std::string join_here(std::string_view text, const std::string& more) {
  return join(text, more);
}
double use_here(flame::Context& context, work::Point point) {
  return use(context, point);
}
std::string swallow(work::MoveOnly&& first, work::MoveOnly second) {
  return first.text + second.text;
}
}  // namespace callee_test

namespace {

template <auto F, class O = void, class... A>
decltype(auto) call(typename Callee<F, O>::Object* object, const A&... arguments) {
  flame_call no_call{};
  flame::Context context(&no_call);
  codec_test::Objects objects;
  auto owned = codec_test::decoded<F, O>(flame::detail::encode_arguments<F, O>(arguments...), objects);
  return flame::detail::invoke<F, O>(object, context, owned);
}

TEST(Invoke, PassesEachKindOfParameter) {
  EXPECT_EQ(call<callee_test::join_here>(nullptr, std::string_view("a"), std::string("b")), "ab");
  EXPECT_EQ(call<callee_test::use_here>(nullptr, work::Point{4, 0}), 4);
  EXPECT_EQ(call<callee_test::swallow>(nullptr, work::MoveOnly("x"), work::MoveOnly("y")), "xy");
}

TEST(Invoke, CallsInheritedMethodsOnTheRightBase) {
  work::FancyIndex object;
  object.offset = 100;
  EXPECT_EQ((call<&work::FancyIndex::query, work::FancyIndex>(&object, std::string("abc"))), 103);
  EXPECT_EQ((call<&work::Index::name, work::Index>(&object)), "index");
}

}  // namespace
