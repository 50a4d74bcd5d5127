// Pinned fingerprints: they must not change from one compiler, build or release to another, or every deployed plugin
// becomes a signature_mismatch. Compiled by g++ as part of codec_test and by clang++ on its own.
#include "tests/unit/plugin_sdk/codec/evolution.hpp"
#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace {
template <auto F>
inline constexpr std::uint64_t print = flame::detail::Callee<F>::fingerprint;
}
static_assert(print<work::echo> == 0x9253ee55a8be8696);
static_assert(print<work::echo_else> == 0x0c0bea6ec8273e9a);
static_assert(print<work::add> == 0x919bf07173e84d73);
static_assert(print<work::scale> == 0xcf02c6fbb2eb8c47);
static_assert(print<work::length> == 0x40de1350478d9315);
static_assert(print<work::hand_over> == 0x71c9ad44d03ffddb);
static_assert(print<work::reverse> == 0x879bb74e6567d8f4);
static_assert(print<work::recode> == 0xdc129fbfa771c982);
static_assert(print<work::open> == 0xcb75a75f81306a48);
static_assert(print<work::open_all> == 0xa79ada04f1af92b4);
static_assert(print<work::make_index> == 0xe18050691aff1e30);
static_assert(print<work::nothing> == 0x9bb36cf3eeb14d39);
static_assert(print<work::choose> == 0xf4f8b088d6f0f946);
static_assert(print<work::twice<std::int32_t>> == 0x8671e2d36842f46c);
static_assert(print<work::inlined> == 0x8671e2d36842f46c);
static_assert(print<&work::Index::query> == 0xeed6b91052146a4c);
static_assert(print<before::run> == 0x35ab2be0d324fbda);
static_assert(print<after::run> == 0x4d0874bdb909e338);
