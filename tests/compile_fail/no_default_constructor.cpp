// expect: a type that travels is default-constructible
#include <flame/contract.hpp>

namespace m {
struct Id {
  explicit Id(int v) : value(v) {}
  int value;
};
BOOST_DESCRIBE_STRUCT(Id, (), (value))
void f(Id id);
}  // namespace m
constexpr auto kPrint = flame::detail::Callee<m::f>::fingerprint;
