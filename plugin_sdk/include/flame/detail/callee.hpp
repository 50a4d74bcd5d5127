// Everything the compiler knows about a callee: its types without Context&, wire name, schema and fingerprint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include <flame/detail/checks.hpp>
#include <flame/detail/codec/root.hpp>
#include <flame/detail/names.hpp>
#include <flame/detail/schema_text.hpp>
#include <flame/detail/signature.hpp>

// Only named here: <flame/result.hpp> costs a third of a second of compile time.
namespace boost::system {
template <class T, class E>
class result;
}

namespace flame {

struct Error;
template <class T>
using Result = boost::system::result<T, Error>;
template <class T>
class Child;

namespace detail {

/// A child factory returns std::unique_ptr<T>; the caller gets a Child<T>.
template <class R>
struct FactoryTraits {
  static constexpr bool is_factory = false;
  using Product = void;
  using HostResult = R;
};
template <class T>
struct FactoryTraits<std::unique_ptr<T>> {
  static constexpr bool is_factory = true;
  using Product = T;
  using HostResult = Child<T>;
};

/// `F` is a pointer to a function or method; `ObjectType` the type of the object a method is called on, when that is
/// derived from the class that declares the method. Instantiating it checks the signature (static_assert).
template <auto F, class ObjectType = void>
struct Callee {
  using Pointer = std::remove_cv_t<decltype(F)>;
  using Sig = Signature<Pointer>;
  static_assert(Sig::supported,
                "flame: a callee is a function or a const/non-const method by value of its address; volatile, &&, "
                "C-variadic callees and data members are not");

  /// Without const and reference; void if there is none; std::unique_ptr<T> for a child factory.
  using Result = std::remove_cvref_t<typename Sig::Result>;
  static constexpr bool is_factory = FactoryTraits<Result>::is_factory;
  /// The T of a factory's std::unique_ptr<T>, else void.
  using Product = typename FactoryTraits<Result>::Product;
  /// What a caller on the host gets: Child<T> from a factory, else Result.
  using HostResult = typename FactoryTraits<Result>::HostResult;

  static constexpr bool is_method = !std::is_void_v<typename Sig::ObjectType>;
  /// void for functions.
  using Object = std::conditional_t<is_method && !std::is_void_v<ObjectType>, ObjectType, typename Sig::ObjectType>;
  static_assert(!is_method || std::is_void_v<ObjectType> || std::is_base_of_v<typename Sig::ObjectType, ObjectType>,
                "flame: this is not a method of the object's type or of one of its bases");

  /// Parameters without a leading Context&.
  static constexpr std::size_t arity = Sig::List::size;
  static constexpr bool wants_context = Sig::wants_context;
  /// As declared: `const T&`, `T&&`, `T`.
  template <std::size_t I>
  using Parameter = typename ElementAt<I, typename Sig::List>::Type;
  /// Without const and reference: what a caller passes as `const Arg<I>&`. Incomplete for I >= arity.
  template <std::size_t I>
  using Arg = std::remove_cvref_t<Parameter<I>>;
  /// What the plugin keeps while the function runs: Arg<I>, but std::string for std::string_view.
  template <std::size_t I>
  using OwnedArg = typename Owned<Arg<I>>::Type;

  /// What invoke() converts an owned argument to.
  template <std::size_t I>
  using Passed = std::conditional_t<std::is_same_v<Arg<I>, OwnedArg<I>>, Parameter<I>&&, Arg<I>>;

  /// "video::resize_quality", "video::Index::query". NUL-terminated, static storage.
  static constexpr std::string_view name() { return CalleeName<F, Object>::kText.view(); }
  /// Canonical .fbs text: `table Call` (f0, f1, …) and `table Return` (value). NUL-terminated, static storage.
  static constexpr std::string_view schema = SchemaOf<Result, typename Sig::List>::kText.view();
  /// FNV-1a 64 of `schema`.
  static constexpr std::uint64_t fingerprint = fnv1a(schema);

  static_assert(!names_anonymous_namespace(CalleeName<F, Object>::kText.view()),
                "flame: a callee in an anonymous namespace has no name that host and plugin share; give it a named "
                "namespace");
  static_assert(CalleeName<F, Object>::kText.view().find('<') == std::string_view::npos,
                "flame: an instance of a template needs a name of its own: specialise flame::name_for<F> in the "
                "contract header");
  static_assert(CalleeName<F, Object>::kText.view().size() <= 255, "flame: the callee's name exceeds 255 bytes");
  static_assert(arity <= 12, "flame: a callee takes at most 12 parameters; put them into a struct");
  static_assert(CheckedParameters<typename Sig::List>::value && CheckedResult<Result>::value);
};

/// What the host's caller gets from F.
template <auto F, class ObjectType = void>
using HostResult = typename Callee<F, ObjectType>::HostResult;

}  // namespace detail
}  // namespace flame
