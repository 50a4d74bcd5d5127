// Handles to objects that live in a slot of a runner: Tracked<T> (left behind by a task) and Child<T> (long-lived).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <flame/child_exit.hpp>
#include <flame/detail/arity.hpp>
#include <flame/detail/callee.hpp>
#include <flame/detail/object.hpp>
#include <flame/options.hpp>

namespace flame {

namespace detail {

// Calls method F of the object behind `handle`. Declared here, defined by <flame/host.hpp>:
//
//   template <auto F, class O, class... A>
//   Result<HostResult<F, O>> remote_call(const ObjectHandle& handle, const CallOptions& options, const A&...
//   arguments);
//
// F is a method, O the object type (T of Tracked<T> / Child<T>), A... are exactly Callee<F, O>::Arg<0..arity-1>.
// `handle` may be null (default-constructed handle): ErrorCode::invalid_argument. Never throws for a failed call;
// Child/Tracked::call throw CallError from its error, try_call returns it.
template <auto F, class O, class... A>
Result<HostResult<F, O>> remote_call(const ObjectHandle& handle, const CallOptions& options, const A&... arguments);

/// The object in this process; throws std::logic_error when there is none.
[[nodiscard]] void* local_object(const ObjectHandle& handle);
/// What calling through a default-made or moved-from handle gives.
[[nodiscard]] Error empty_handle();
/// Throws CallError invalid_argument for an empty handle, std::logic_error for one that is no child of a host.
[[nodiscard]] ChildControl& child_of(const ObjectHandle& handle);

}  // namespace detail

// call<F>(arguments...) throws CallError; try_call<F>(arguments...) returns a Result. F is a method of T or of a base.
#define FLAME_DETAIL_HANDLE_CALL(n, params, args)                                                             \
  template <auto F, class C = detail::Callee<F, T>>                                                           \
  requires(C::is_method && C::arity == n) typename C::HostResult call(FLAME_DETAIL_UNWRAP params) const {     \
    return detail::remote_call<F, T>(handle_, call_options() FLAME_DETAIL_COMMA_THEN args).value();           \
  }                                                                                                           \
  template <auto F, class C = detail::Callee<F, T>>                                                           \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> try_call(FLAME_DETAIL_UNWRAP params) \
  const {                                                                                                     \
    return detail::remote_call<F, T>(handle_, call_options() FLAME_DETAIL_COMMA_THEN args);                   \
  }

/// A child or tracked resource whose calls use these CallOptions (timeout and stop; a method has no link of its own and
/// is never retried). Keeps the object as a handle does.
template <class T>
class BoundHandle {
 public:
  BoundHandle(detail::ObjectHandle handle, CallOptions options) noexcept
      : handle_(std::move(handle)), options_(std::move(options)) {}

  FLAME_DETAIL_ARITIES(FLAME_DETAIL_HANDLE_CALL)

 private:
  [[nodiscard]] const CallOptions& call_options() const noexcept { return options_; }

  detail::ObjectHandle handle_;
  CallOptions options_;
};

/// A resource that a task left in a slot: `flame::Tracked<Index> open_index(flame::Context&, std::string path)`.
/// Copies share one resource; it is let go when the last handle in the host is gone: its destructor runs in the slot.
/// All resources of one call share the call's one slot, which stays leased until the last of them is let go.
/// On the host: call() and try_call(). In plugin code (a task that is given the handle, or that made it with
/// Context::track): dereference it. Distinct copies may be used from different threads; calls into one slot run one at
/// a time, in the order in which they were made. A call that times out ends the slot: every handle into it then
/// answers `runner_lost`, as it does when slot or runner are lost. Handles may outlive the host: `shutting_down`.
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
  /// The same calls with options: `index.with({.timeout = 5s}).call<&Index::query>("key")`.
  [[nodiscard]] BoundHandle<T> with(CallOptions options) const { return {handle_, std::move(options)}; }

  /// For the codec and the transports.
  [[nodiscard]] const detail::ObjectHandle& handle() const noexcept { return handle_; }

 private:
  [[nodiscard]] static CallOptions call_options() noexcept { return {}; }

  detail::ObjectHandle handle_;
};

/// A long-lived object in a slot of its own, made by Pool::place_child. Its methods run one at a time, in the order of
/// the calls of one thread. A T with `void run(std::stop_token)` has it called on a thread of its own, beside the
/// methods, and ends by itself when that returns.
///
/// Move-only: dropping the handle stops the child, unless it was placed with link = false. A child is told to stop (the
/// token of its run(), Context::stop_requested() of a running method), then T's destructor runs; one that has not ended
/// 250 ms later is killed. A method that times out stops its child, too. Nothing restarts a child. After its end
/// calls answer `runner_lost` with the reason. call() and try_call() may be used from several threads at once.
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
  /// The same calls with options: `child.with({.timeout = 5s}).call<&T::push>(frame)`.
  [[nodiscard]] BoundHandle<T> with(CallOptions options) const { return {handle_, std::move(options)}; }

  /// Asks the child to end; wait() tells when it has. Idempotent, never blocks; nothing for an empty handle.
  void stop() const noexcept {
    if (handle_ != nullptr && handle_->child() != nullptr) handle_->child()->stop();
  }
  /// Blocks until the child has ended; how. Any number of times. Empty handle: throws CallError invalid_argument.
  ChildExit wait() const {  // NOLINT(modernize-use-nodiscard): some only want it to be over
    static_cast<void>(detail::child_of(handle_).wait(Duration(-1)));
    return detail::child_of(handle_).exit();
  }
  /// True if it ended within `timeout`; wait() then gives the reason at once.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
    const Duration limit = detail::saturated(timeout);
    return detail::child_of(handle_).wait(limit < Duration::zero() ? Duration::zero() : limit);
  }

  /// For the transports.
  [[nodiscard]] const detail::ObjectHandle& handle() const noexcept { return handle_; }

 private:
  [[nodiscard]] static CallOptions call_options() noexcept { return {}; }

  detail::ObjectHandle handle_;
};

#undef FLAME_DETAIL_HANDLE_CALL

}  // namespace flame
