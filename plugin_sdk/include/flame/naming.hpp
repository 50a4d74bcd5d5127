// How a user names a function that its declaration alone cannot name: an overload, a template, an inline namespace.
#pragma once

#include <string_view>

namespace flame {

namespace detail {

template <class Signature>
struct OverloadPick;
template <class R, class... A>
struct OverloadPick<R(A...)> {
  using Function = R (*)(A...);
  template <class C>
  using Method = R (C::*)(A...);
  template <class C>
  using ConstMethod = R (C::*)(A...) const;
};

}  // namespace detail

/// Picks one overload as a template argument: `pool.call<flame::overload<double(double)>(m::area)>(2.0)`.
/// Inside a macro (assert, CHECK) the call needs parentheses around it.
template <class Signature>
constexpr auto overload(typename detail::OverloadPick<Signature>::Function function) {
  return function;
}
/// The same for methods: `flame::overload<int(int)>(&Index::find)`; the const overload wins when both exist.
template <class Signature, class C>
constexpr auto overload(typename detail::OverloadPick<Signature>::template ConstMethod<C> method) {
  return method;
}
template <class Signature, class C>
requires(!requires(typename detail::OverloadPick<Signature>::template ConstMethod<C> & m) {
  m = nullptr;
}) constexpr auto overload(typename detail::OverloadPick<Signature>::template Method<C> method) {
  return method;
}

/// The wire name of F where the compilers do not agree on one: an instance of a function template, or a function in an
/// inline namespace that crosses compilers. Specialise it in the contract header, outside of your namespace:
/// `template <> inline constexpr std::string_view flame::name_for<m::twice<int>> = "m::twice_int";`
/// For a method give the last component only. Empty: the name in the source.
template <auto F>
inline constexpr std::string_view name_for = {};

}  // namespace flame
