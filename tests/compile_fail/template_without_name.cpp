// expect: specialise flame::name_for<F>
#include <flame/contract.hpp>

namespace m {
template <class T>
T f(T value);
}
constexpr auto kPrint = flame::detail::Callee<m::f<int>>::fingerprint;
