// expect: a type in an anonymous namespace has no name
#include <flame/contract.hpp>

namespace {
struct Point {
  int x;
};
}  // namespace
namespace m {
void f(Point p);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
