// Handles to objects that live in a slot of a runner: Tracked<T> (left behind by a task) and Child<T> (long-lived).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <flame/detail/arity.hpp>
#include <flame/detail/callee.hpp>
#include <flame/detail/object.hpp>

namespace flame {

namespace detail {

// Calls method F of the object behind `handle`. Declared here, defined by <flame/host.hpp>:
//
//   template <auto F, class O, class... A>
//   Result<HostResult<F, O>> remote_call(const ObjectHandle& handle, const A&... arguments);
//
// F is a method, O the object type (T of Tracked<T> / Child<T>), A... are exactly Callee<F, O>::Arg<0..arity-1>.
// `handle` may be null (default-constructed handle): ErrorCode::invalid_argument. Never throws for a failed call;
// Child/Tracked::call throw CallError from its error, try_call returns it.
template <auto F, class O, class... A>
Result<HostResult<F, O>> remote_call(const ObjectHandle& handle, const A&... arguments);

/// The object in this process; throws std::logic_error when there is none.
[[nodiscard]] void* local_object(const ObjectHandle& handle);

}  // namespace detail

// call<F>(arguments...) throws CallError; try_call<F>(arguments...) returns a Result. F is a method of T or of a base.
#define FLAME_DETAIL_HANDLE_CALL(n, params, args)                                                             \
  template <auto F, class C = detail::Callee<F, T>>                                                           \
  requires(C::is_method && C::arity == n) typename C::HostResult call(FLAME_DETAIL_UNWRAP params) const {     \
    return detail::remote_call<F, T>(handle_ FLAME_DETAIL_COMMA_THEN args).value();                           \
  }                                                                                                           \
  template <auto F, class C = detail::Callee<F, T>>                                                           \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> try_call(FLAME_DETAIL_UNWRAP params) \
  const {                                                                                                     \
    return detail::remote_call<F, T>(handle_ FLAME_DETAIL_COMMA_THEN args);                                   \
  }

/// A resource that a task left in a slot: `flame::Tracked<Index> open_index(flame::Context&, std::string path)`.
/// Copies share one resource; it is let go when the last handle in the host is gone. On the host: call() and
/// try_call(). In plugin code (a task that is given the handle, or that made it with Context::track): dereference it.
/// Distinct copies may be used from different threads; calls on one resource run one at a time.
template <class T>
class Tracked {
 public:
  using Type = T;

  Tracked() noexcept = default;
  explicit Tracked(detail::ObjectHandle handle) noexcept : handle_(std::move(handle)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
  /// The object. Plugin code only: on the host and for an empty handle it throws std::logic_error.
  [[nodiscard]] T& operator*() const { return *static_cast<T*>(detail::local_object(handle_)); }
  [[nodiscard]] T* operator->() const { return static_cast<T*>(detail::local_object(handle_)); }

  FLAME_DETAIL_ARITIES(FLAME_DETAIL_HANDLE_CALL)

  /// For the codec and the transports.
  [[nodiscard]] const detail::ObjectHandle& handle() const noexcept { return handle_; }

 private:
  detail::ObjectHandle handle_;
};

/// A long-lived object in a slot of its own, made by Pool::place_child. Its methods run one at a time, in the order of
/// the calls of one thread. Move-only: dropping it ends the object, unless it was placed with link = false.
template <class T>
class Child {
 public:
  using Type = T;

  Child() noexcept = default;
  explicit Child(detail::ObjectHandle handle) noexcept : handle_(std::move(handle)) {}
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() = default;

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  FLAME_DETAIL_ARITIES(FLAME_DETAIL_HANDLE_CALL)

  /// For the transports.
  [[nodiscard]] const detail::ObjectHandle& handle() const noexcept { return handle_; }

 private:
  detail::ObjectHandle handle_;
};

#undef FLAME_DETAIL_HANDLE_CALL

}  // namespace flame
