// The handle of a call that runs: wait for it, chain on it, await it, cancel it, let it go.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/system/result.hpp>

#include <flame/detail/call_state.hpp>
#include <flame/error.hpp>
#include <flame/options.hpp>
#include <flame/result.hpp>

namespace flame {

template <class T>
class Future;

namespace detail {

/// The exception in flight as task_failed (a CallError keeps its own error). Only inside a catch block.
[[nodiscard]] Error error_from_current_exception();

/// What using a default-made, moved-from or taken Future gives.
[[nodiscard]] Error invalid_future();

/// In a callback of a host that is being shut down: what it chains on `state` is not run any more (Host::shutdown).
[[nodiscard]] bool is_over(const CallState& state) noexcept;
/// What the future of such a chain has.
[[nodiscard]] Error over_error();
/// The same for a coroutine that goes on with what is ready.
[[nodiscard]] bool awaits_too_often(const CallState& state) noexcept;

/// What a `then` made: its value, or the exception that left it.
template <class T>
struct Box {
  std::optional<Result<T>> result;
  std::exception_ptr thrown;
};

template <class T>
using TakeFn = Result<T> (*)(CallState&);

template <class T>
Future<T> make_future(std::shared_ptr<CallState> state, TakeFn<T> decoder);

template <class F, class T>
concept TakesValue = (std::is_void_v<T> && std::is_invocable_v<F&>) || std::is_invocable_v<F&, T>;

/// How `then(f)` calls f: with the Result, else with the Future, else with the value alone (errors pass by).
template <class F, class T>
constexpr auto then_result() {
  if constexpr (std::is_invocable_v<F&, Result<T>>) {
    return std::type_identity<std::invoke_result_t<F&, Result<T>>>{};
  } else if constexpr (std::is_invocable_v<F&, Future<T>>) {
    return std::type_identity<std::invoke_result_t<F&, Future<T>>>{};
  } else if constexpr (std::is_void_v<T>) {
    return std::type_identity<std::invoke_result_t<F&>>{};
  } else {
    return std::type_identity<std::invoke_result_t<F&, T>>{};
  }
}
template <class F, class T>
using ThenResult = typename decltype(then_result<F, T>())::type;

template <class T, class R, class F>
void run_then(F& function, Future<T> ready, Box<R>& box);

}  // namespace detail

/// One result that is still to come. Move-only; one object is used by one thread at a time, except cancel(), which any
/// thread may call. The destructor never blocks: it cancels the call if it is still linked (CallOptions::link) and has
/// not ended. get(), try_get(), then() and co_await take the result out: valid() is false afterwards, and using an
/// invalid future is an error of the program (it throws CallError invalid_argument).
template <class T>
class [[nodiscard]] Future {
 public:
  Future() noexcept = default;
  Future(Future&& other) noexcept = default;
  Future& operator=(Future&& other) noexcept {
    if (this != &other) {
      release();
      state_ = std::move(other.state_);
      decoder_ = other.decoder_;
      box_ = std::move(other.box_);
      taken_ = other.taken_;
    }
    return *this;
  }
  ~Future() { release(); }

  [[nodiscard]] bool valid() const noexcept { return state_ != nullptr && !taken_; }
  /// True once the result or the error is here. Never blocks.
  [[nodiscard]] bool ready() const { return state().ready(); }
  /// Number of the call, as in the host's log and callbacks.
  [[nodiscard]] std::uint64_t id() const { return state().id(); }

  /// In a fork of the host's process this and the next two throw CallError `shutting_down` unless it is ready: it never
  /// becomes so there.
  void wait() const { state().wait(Duration(-1)); }
  /// True if it became ready within `timeout`; the call goes on either way. Any duration: what is too long for
  /// nanoseconds is for ever, less than nothing is nothing.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> timeout) const {
    const Duration limit = detail::saturated(timeout);
    return state().wait(limit < Duration::zero() ? Duration::zero() : limit);
  }
  template <class Clock, class Length>
  [[nodiscard]] bool wait_until(std::chrono::time_point<Clock, Length> deadline) const {
    return wait_for(detail::saturated_until(deadline, Clock::now()));
  }

  /// Waits; the value, or throws CallError (or, after then(), what its function threw).
  T get() {
    wait();
    auto box = box_;
    Result<T> result = take();
    if (box != nullptr && box->thrown != nullptr) std::rethrow_exception(box->thrown);
    if (result.has_error()) throw CallError(std::move(result).error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  /// Waits; the value or the error, which in a fork of the host's process is `shutting_down` (see Host).
  [[nodiscard]] Result<T> try_get() {
    detail::CallState& waited_for = state();
    try {
      waited_for.wait(Duration(-1));
    } catch (const CallError& error) {
      taken_ = true;
      return error.error();
    }
    return take();
  }

  /// Runs `f` on a callback thread of the host once this is ready. `f` takes Result<T>, Future<T> (ready) or T; in the
  /// last form an error goes to the returned future and f does not run. This future becomes invalid; its link moves
  /// into the returned one: dropping that cancels the call. What f throws comes out of the returned future's get().
  /// In a callback of a host that has been shut down for a while f may not run: see Host::shutdown.
  template <class F>
  auto then(F f) -> Future<detail::ThenResult<F, T>>;

  /// Asks the host to end the call: it becomes ready as `cancelled` unless it ends first. Idempotent, never blocks.
  void cancel() noexcept {
    if (state_) state_->cancel();
  }
  /// Lets the call run on without anybody waiting for it. This future becomes invalid.
  void detach() noexcept {
    if (state_) {
      state_->detach();
      state_.reset();
    }
  }

  /// Awaitable in any coroutine type; resumes on a callback thread of the host. Destroying the suspended coroutine
  /// cancels the call (if linked).
  class Awaiter;
  Awaiter operator co_await() && { return Awaiter(std::move(*this)); }
  Awaiter operator co_await() & { return Awaiter(std::move(*this)); }

 private:
  template <class U>
  friend class Future;
  template <class U>
  friend Future<U> detail::make_future(std::shared_ptr<detail::CallState>, detail::TakeFn<U>);

  [[nodiscard]] detail::CallState& state() const {
    if (!valid()) throw CallError(detail::invalid_future());
    return *state_;
  }
  // Leaves state_ alone: another thread may be in cancel().
  Result<T> take() {
    taken_ = true;
    if (auto box = std::move(box_)) return std::move(*box->result);
    return decoder_(*state_);
  }
  void release() noexcept {
    if (state_) {
      state_->drop();
      state_.reset();
    }
  }

  std::shared_ptr<detail::CallState> state_;
  detail::TakeFn<T> decoder_ = nullptr;
  std::shared_ptr<detail::Box<T>> box_;  // set on what `then` returned
  bool taken_ = false;
};

template <class T>
class Future<T>::Awaiter {
 public:
  explicit Awaiter(Future future) : future_(std::move(future)) { static_cast<void>(future_.state()); }
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  ~Awaiter() {
    if (suspended_) future_.state_->unsubscribe();
  }

  [[nodiscard]] bool await_ready() {
    left_ = future_.ready() && detail::awaits_too_often(*future_.state_);
    return future_.ready() && !left_;
  }
  void await_suspend(std::coroutine_handle<> coroutine) {
    if (left_) return;
    suspended_ = true;
    // A copy: the coroutine, and this awaiter with it, may be gone before subscribe() returns.
    auto state = future_.state_;
    state->subscribe([coroutine] { coroutine.resume(); });
  }
  T await_resume() {
    suspended_ = false;
    return future_.get();
  }

 private:
  Future future_;
  bool suspended_ = false;
  bool left_ = false;  // for good
};

template <class T>
template <class F>
auto Future<T>::then(F f) -> Future<detail::ThenResult<F, T>> {
  using R = detail::ThenResult<F, T>;
  static_cast<void>(state());
  auto parent = state_;
  Future<R> result;
  result.state_ = detail::make_local_state(parent);
  result.box_ = std::make_shared<detail::Box<R>>();
  // Detached from this handle, not from the call: the link lives on in result.state_.
  Future ready;
  ready.state_ = std::move(state_);
  ready.decoder_ = decoder_;
  ready.box_ = std::move(box_);
  if (detail::is_over(*parent)) {
    result.box_->result.emplace(boost::system::in_place_error, detail::over_error());
    detail::complete_local(*result.state_);
    return result;
  }
  parent->subscribe(
      [function = std::move(f), ready = std::move(ready), box = result.box_, local = result.state_]() mutable {
        detail::run_then<T, R>(function, std::move(ready), *box);
        detail::complete_local(*local);
      });
  return result;
}

namespace detail {

template <class T>
Future<T> make_future(std::shared_ptr<CallState> state, TakeFn<T> decoder) {
  Future<T> future;
  future.state_ = std::move(state);
  future.decoder_ = decoder;
  return future;
}

template <class R, class Call>
void fill_box(Box<R>& box, Call&& call) {
  if constexpr (std::is_void_v<R>) {
    call();
    box.result.emplace();
  } else {
    box.result.emplace(boost::system::in_place_value, call());  // R may be a Result itself
  }
}

template <class T, class R, class F>
void run_then(F& function, Future<T> ready, Box<R>& box) {
  try {
    if constexpr (std::is_invocable_v<F&, Result<T>>) {
      fill_box(box, [&]() -> R { return function(ready.try_get()); });
    } else if constexpr (std::is_invocable_v<F&, Future<T>>) {
      fill_box(box, [&]() -> R { return function(std::move(ready)); });
    } else if constexpr (std::is_void_v<T>) {
      ready.get();
      fill_box(box, [&]() -> R { return function(); });
    } else {
      fill_box(box, [&]() -> R { return function(ready.get()); });
    }
  } catch (...) {
    box.thrown = std::current_exception();
    box.result.emplace(boost::system::in_place_error, error_from_current_exception());
  }
}

}  // namespace detail
}  // namespace flame
