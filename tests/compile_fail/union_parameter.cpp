// expect: unions and C arrays cannot travel
#include <flame/contract.hpp>

namespace m {
union Number {
  int i;
  float f;
};
void f(Number n);
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
