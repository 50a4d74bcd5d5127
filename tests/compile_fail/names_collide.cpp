// expect: two types of a signature have the same name in its schema
#include <flame/contract.hpp>

namespace a {
struct b_C {
  int x;
};
}  // namespace a
namespace a::b {
struct C {
  int x;
};
}  // namespace a::b
namespace m {
void f(a::b_C first, a::b::C second);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
