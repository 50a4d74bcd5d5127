// expect: a non-const reference parameter cannot be written back to the caller
#include <flame/contract.hpp>

namespace m {
void f(std::string& out);
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
