// expect: std::string_view works as a parameter only
#include <flame/contract.hpp>

namespace m {
std::string_view f();
}
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
