// expect: a pointer cannot travel to another process
#include <flame/contract.hpp>

namespace m {
void f(const char* text);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
