// expect: a callee is a function
#include <flame/contract.hpp>

namespace m {
void f(int first, ...);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::is_method;
