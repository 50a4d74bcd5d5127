// expect: a callee takes at most 12 parameters
#include <flame/contract.hpp>

namespace m {
void f(int, int, int, int, int, int, int, int, int, int, int, int, int);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
