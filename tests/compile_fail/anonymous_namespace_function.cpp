// expect: a callee in an anonymous namespace has no name
#include <flame/contract.hpp>

namespace {
[[maybe_unused]] void f() {}
}  // namespace
constexpr auto kPrint = flame::detail::Callee<f>::fingerprint;
