// Arguments and results to payloads and back: what host and plugin code use of the codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <flame/detail/callee.hpp>
#include <flame/detail/codec/root.hpp>
#include <flame/detail/object.hpp>
#include <flame/detail/payload.hpp>
#include <flame/error.hpp>
#include <flame/handles.hpp>

namespace flame::detail {

template <auto F, class O>
using RootOf = RootDesc<typename Callee<F, O>::Result, typename Callee<F, O>::Sig::List>;

template <auto F, class O, class Index>
struct OwnedTuple;
template <auto F, class O, std::size_t... I>
struct OwnedTuple<F, O, std::index_sequence<I...>> {
  using Type = std::tuple<typename Callee<F, O>::template OwnedArg<I>...>;
};
/// std::tuple<Callee<F, O>::OwnedArg<I>...>
template <auto F, class O = void>
using OwnedArguments = typename OwnedTuple<F, O, std::make_index_sequence<Callee<F, O>::arity>>::Type;

/// A string_view travels as the string it shows.
inline std::string owned_argument(std::string_view text) {
  return std::string(text);
}
template <class T>
const T& owned_argument(const T& value) {
  return value;
}

/// Host side. Encodes the arguments of F (exactly Callee<F, O>::Arg<I>, I = 0..arity-1); Bytes are shared, not copied;
/// Tracked arguments get their position from `objects`. Throws CallError: too_large (the table would exceed
/// 2 GiB - 64 KiB), invalid_argument (nested deeper than 64 levels, a variant without a value). [any thread]
template <auto F, class O = void, class... A>
Payload encode_arguments_with(ObjectSink* objects, const A&... arguments) {
  static_assert(sizeof...(A) == Callee<F, O>::arity);
  Encoder out(objects);
  put_table(out, Encoder::kRoot, owned_argument(arguments)...);
  return out.finish();
}
/// The same; Tracked arguments put their Object::id() into `resources`.
template <auto F, class O = void, class... A>
Payload encode_arguments(const A&... arguments) {
  return encode_arguments_with<F, O>(nullptr, arguments...);
}

/// Plugin side. Verifies and decodes the arguments into owned values. nullopt: `error` says why (invalid_argument,
/// "argument f0.path: ..."; runner_lost for a Tracked that `objects` does not find). Decoded Bytes share
/// `input.attachments`. Does not throw, except std::bad_alloc and what the types' own constructors throw.
template <auto F, class O = void>
std::optional<OwnedArguments<F, O>> decode_arguments(const PayloadView& input, ObjectSource& objects, Error& error) {
  using Tuple = OwnedArguments<F, O>;
  constexpr const TypeDesc& kRoot = RootOf<F, O>::kCall;
  std::optional<Tuple> result;  // the only variable returned: a move makes g++ warn of uninitialized members
  if (!verify(input, kRoot, error)) return result;
  Decoder in(input, kRoot, &objects, error);
  result.emplace(get_value<Tuple>(in, in.root()));
  if (in.failed()) result.reset();
  return result;
}

/// Plugin side. Calls F with the decoded arguments: moved into by-value and && parameters, lent to const& ones.
/// `object` is used by methods only, `context` by callees that take Context&.
template <auto F, class O = void>
decltype(auto) invoke([[maybe_unused]] typename Callee<F, O>::Object* object, [[maybe_unused]] Context& context,
                      [[maybe_unused]] OwnedArguments<F, O>& arguments) {
  using C = Callee<F, O>;
  return [&]<std::size_t... I>(std::index_sequence<I...>)->typename C::Sig::Result {
    if constexpr (C::is_method && C::wants_context) {
      return (static_cast<typename C::Sig::ObjectType*>(object)->*F)(
          context, static_cast<typename C::template Passed<I>>(std::get<I>(arguments))...);
    } else if constexpr (C::is_method) {
      return (static_cast<typename C::Sig::ObjectType*>(object)->*F)(
          static_cast<typename C::template Passed<I>>(std::get<I>(arguments))...);
    } else if constexpr (C::wants_context) {
      return F(context, static_cast<typename C::template Passed<I>>(std::get<I>(arguments))...);
    } else {
      return F(static_cast<typename C::template Passed<I>>(std::get<I>(arguments))...);
    }
  }
  (std::make_index_sequence<C::arity>());
}

/// Plugin side. Encodes the result of F; Tracked results get their position from `objects`. Throws like
/// encode_arguments. For void results: encode_void_result; for a child factory: the position of the object.
template <auto F, class O = void>
Payload encode_result(const typename Callee<F, O>::Result& result, ObjectSink& objects) {
  Encoder out(&objects);
  put_table(out, Encoder::kRoot, result);
  return out.finish();
}
Payload encode_void_result();
Payload encode_factory_result(std::uint32_t position);

/// Host side. Verifies and decodes the result of F; needs <flame/result.hpp>. `objects` makes the handles of Tracked
/// results and of the Child of a factory; without it they are not found. Errors: invalid_argument ("result: ..."),
/// runner_lost for a handle that `objects` does not find. Does not throw, except like decode_arguments.
template <auto F, class O = void, class R = Result<HostResult<F, O>>>
R decode_result(const PayloadView& output, ObjectSource* objects) {
  using C = Callee<F, O>;
  constexpr const TypeDesc& kRoot = RootOf<F, O>::kReturn;
  Error error;
  if (!verify(output, kRoot, error)) return R(std::move(error));
  Decoder in(output, kRoot, objects, error);
  if constexpr (std::is_void_v<typename C::Result>) {
    return R();
  } else if constexpr (C::is_factory) {
    const std::size_t at = in.field(in.root(), 0);
    typename C::HostResult child(in.tracked(get_inline<std::uint32_t>(in, at), type_name<typename C::Product>()));
    return in.failed() ? R(std::move(error)) : R(std::move(child));
  } else {
    auto value = get_field<typename C::Result>(in, in.root(), 0);
    return in.failed() ? R(std::move(error)) : R(std::move(value));
  }
}

}  // namespace flame::detail
