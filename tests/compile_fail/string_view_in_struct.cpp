// expect: std::string_view works as a parameter only
#include <flame/contract.hpp>

namespace m {
struct Text {
  std::string_view text;
};
void f(Text text);
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
