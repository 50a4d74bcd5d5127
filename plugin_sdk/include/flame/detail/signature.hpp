// Takes a function or method pointer apart: result, parameters, leading Context&, object type.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace flame {
class Context;
}

namespace flame::detail {

template <class... T>
struct TypeList {
  static constexpr std::size_t size = sizeof...(T);
};

/// Stands for a parameter that a callee does not have, so that overloads for other arities can be declared.
struct NoParameter {
  NoParameter() = delete;
};

template <std::size_t I, class List>
struct ElementAt;
template <std::size_t I, class... T>
struct ElementAt<I, TypeList<T...>> {
  template <std::size_t N, class Tuple>
  struct Pick {
    using Type = NoParameter;
  };
  template <std::size_t N, class Tuple>
  requires(N < sizeof...(T)) struct Pick<N, Tuple> {
    using Type = std::tuple_element_t<N, Tuple>;
  };
  using Type = typename Pick<I, std::tuple<T...>>::Type;
};

template <class R, class Object, class... A>
struct Parameters {
  using Result = R;
  using ObjectType = Object;
  using List = TypeList<A...>;
  static constexpr bool wants_context = false;
};
template <class R, class Object, class... A>
struct Parameters<R, Object, Context&, A...> {
  using Result = R;
  using ObjectType = Object;
  using List = TypeList<A...>;
  static constexpr bool wants_context = true;
};

/// Unsupported callees land here: Callee says so in a static_assert.
template <class F>
struct Signature {
  static constexpr bool supported = false;
};
#define FLAME_DETAIL_SIGNATURE(pointer, object)             \
  template <class R, class O, class... A>                   \
  struct Signature<pointer> : Parameters<R, object, A...> { \
    static constexpr bool supported = true;                 \
  };
template <class R, class... A>
struct Signature<R (*)(A...)> : Parameters<R, void, A...> {
  static constexpr bool supported = true;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Parameters<R, void, A...> {
  static constexpr bool supported = true;
};
FLAME_DETAIL_SIGNATURE(R (O::*)(A...), O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) const, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) &, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) const&, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) noexcept, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) const noexcept, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) & noexcept, O)
FLAME_DETAIL_SIGNATURE(R (O::*)(A...) const& noexcept, O)
#undef FLAME_DETAIL_SIGNATURE

/// What the receiver keeps while the function runs: string_view parameters need a string behind them.
template <class T>
struct Owned {
  using Type = T;
};
template <>
struct Owned<std::string_view> {
  using Type = std::string;
};

}  // namespace flame::detail
