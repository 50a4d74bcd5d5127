// call, try_call, async, cast and place_child: the typed face of Pool and BoundPool over detail::submit().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/detail/arity.hpp>
#include <flame/detail/call_state.hpp>
#include <flame/detail/callee.hpp>
#include <flame/detail/codec.hpp>
#include <flame/error.hpp>
#include <flame/future.hpp>
#include <flame/options.hpp>
#include <flame/result.hpp>

namespace flame::detail {

/// The tracked resources among a call's arguments.
class ArgumentObjects final : public ObjectSink {
 public:
  [[nodiscard]] std::uint32_t add(const ObjectHandle& object, std::string_view type_name) override;

  std::vector<ObjectHandle> handles;
  std::vector<std::uint64_t> ids;
};

template <auto F, class O = void, class... A>
CallSpec make_spec(CallOptions options, const A&... arguments) {
  using C = Callee<F, O>;
  ArgumentObjects objects;
  CallSpec spec{.task = std::string(C::name()),
                .fingerprint = C::fingerprint,
                .signature = C::schema,
                .arguments = encode_arguments_with<F, O>(&objects, arguments...),
                .options = std::move(options)};
  spec.arguments.resources = std::move(objects.ids);
  spec.objects = std::move(objects.handles);
  spec.child = C::is_factory;
  return spec;
}

template <auto F, class O = void>
Result<HostResult<F, O>> decode_call(CallState& state) {
  Result<Payload> payload = state.take();
  const std::unique_ptr<ObjectSource> objects = state.take_objects();
  if (payload.has_error()) return std::move(payload).error();
  return decode_result<F, O>(PayloadView(*payload), objects.get());
}

template <auto F, class... A>
Result<HostResult<F>> try_call_now(const std::shared_ptr<PoolFront>& pool, CallOptions options, const A&... arguments) {
  std::shared_ptr<CallState> state;
  try {
    CallSpec spec = make_spec<F>(std::move(options), arguments...);
    spec.blocking = true;
    state = submit(pool, std::move(spec));
  } catch (const CallError& error) {
    return error.error();
  }
  state->wait(Duration(-1));
  return decode_call<F>(*state);
}

template <auto F, class... A>
Future<HostResult<F>> start_call(const std::shared_ptr<PoolFront>& pool, CallOptions options, const A&... arguments) {
  return make_future<HostResult<F>>(submit(pool, make_spec<F>(std::move(options), arguments...)), &decode_call<F>);
}

template <auto F, class... A>
void cast_call(const std::shared_ptr<PoolFront>& pool, CallOptions options, const A&... arguments) {
  CallSpec spec = make_spec<F>(std::move(options), arguments...);
  spec.cast = true;
  static_cast<void>(submit(pool, std::move(spec)));
}

#define FLAME_DETAIL_POOL_CALL(n, params, args)                                                                      \
  template <auto F, class C = Callee<F>>                                                                             \
  requires(!C::is_method && !C::is_factory && C::arity == n) typename C::HostResult call(FLAME_DETAIL_UNWRAP params) \
      const {                                                                                                        \
    return try_call_now<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args).value();               \
  }
#define FLAME_DETAIL_POOL_TRY_CALL(n, params, args)                                                                 \
  template <auto F, class C = Callee<F>>                                                                            \
  requires(!C::is_method && !C::is_factory && C::arity == n) [[nodiscard]] Result<typename C::HostResult> try_call( \
      FLAME_DETAIL_UNWRAP params) const {                                                                           \
    return try_call_now<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args);                      \
  }
#define FLAME_DETAIL_POOL_ASYNC(n, params, args)                                                                 \
  template <auto F, class C = Callee<F>>                                                                         \
  requires(!C::is_method && !C::is_factory && C::arity == n) [[nodiscard]] Future<typename C::HostResult> async( \
      FLAME_DETAIL_UNWRAP params) const {                                                                        \
    return start_call<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args);                     \
  }
#define FLAME_DETAIL_POOL_CAST(n, params, args)                                                            \
  template <auto F, class C = Callee<F>>                                                                   \
  requires(!C::is_method && !C::is_factory && C::arity == n) void cast(FLAME_DETAIL_UNWRAP params) const { \
    cast_call<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args);                       \
  }
#define FLAME_DETAIL_POOL_PLACE_CHILD(n, params, args)                                                 \
  template <auto F, class C = Callee<F>>                                                               \
  requires(C::is_factory && C::arity == n) [[nodiscard]] typename C::HostResult place_child(           \
      FLAME_DETAIL_UNWRAP params) const {                                                              \
    return try_call_now<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args).value(); \
  }
#define FLAME_DETAIL_POOL_TRY_PLACE_CHILD(n, params, args)                                               \
  template <auto F, class C = Callee<F>>                                                                 \
  requires(C::is_factory && C::arity == n) [[nodiscard]] Result<typename C::HostResult> try_place_child( \
      FLAME_DETAIL_UNWRAP params) const {                                                                \
    return try_call_now<F>(self().core(), self().call_options() FLAME_DETAIL_COMMA_THEN args);           \
  }

/// The calls of Pool and BoundPool, with one overload per number of parameters, so that braces and designated
/// initialisers work in calls. F is a task's function; arguments are its own parameters, without a leading Context&.
/// [any thread] All of them encode the arguments before they return or wait; lvalues are not copied before that.
/// Every error is one of error.hpp, with what to do about it. `timeout` is CallOptions::timeout, else the task's, else
/// PoolConfig::timeout, and counts from here.
template <class Self>
class Calls {
 public:
  /// Runs F on a runner of the pool and waits for its result, for `timeout` at the most. Throws CallError: what F
  /// threw is `task_failed`, what ended its process `crashed` or `out_of_memory`.
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_CALL)
  /// As call(), but the error comes as a value; nothing of FLAME's is thrown.
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_TRY_CALL)
  /// As call(), but does not wait: the Future has the result or the error later. Throws CallError only for arguments
  /// that cannot be encoded (`invalid_argument`, `too_large`).
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_ASYNC)
  /// Runs F and does not tell how that ended; a failure goes to the log and to Pool::on_cast_error(). Only a timeout of
  /// its own (with()) or of its task ends it. Throws CallError as async() does.
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_CAST)
  /// Waits until factory F has made its object in a slot of its own, and returns the Child<T> by which it is called.
  /// `timeout` bounds queue, boot and F; the child lives until it ends (see Child). Throws CallError.
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_PLACE_CHILD)
  /// As place_child(), but the error comes as a value.
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_POOL_TRY_PLACE_CHILD)

 private:
  [[nodiscard]] const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

#undef FLAME_DETAIL_POOL_CALL
#undef FLAME_DETAIL_POOL_TRY_CALL
#undef FLAME_DETAIL_POOL_ASYNC
#undef FLAME_DETAIL_POOL_CAST
#undef FLAME_DETAIL_POOL_PLACE_CHILD
#undef FLAME_DETAIL_POOL_TRY_PLACE_CHILD

/// Methods of Child and Tracked; see <flame/handles.hpp>.
template <auto F, class O, class... A>
Result<HostResult<F, O>> remote_call(const ObjectHandle& handle, const CallOptions& options, const A&... arguments) {
  if (handle == nullptr) return empty_handle();
  std::shared_ptr<CallState> state;
  try {
    CallSpec spec = make_spec<F, O>(options, arguments...);
    spec.object = handle;
    spec.blocking = true;
    state = submit_method(std::move(spec));
  } catch (const CallError& error) {
    return error.error();
  }
  state->wait(Duration(-1));
  return decode_call<F, O>(*state);
}

}  // namespace flame::detail
