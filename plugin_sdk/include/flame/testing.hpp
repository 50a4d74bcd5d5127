// Runs a plugin's functions in the plugin author's own unit test: encode, verify, decode, invoke through the real C
// trampoline, encode, verify, decode. No runner, no process, no shared object. Include <flame/plugin.hpp>'s contract.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <flame/detail/plugin_call.hpp>
#include <flame/options.hpp>
#include <flame/parent.hpp>
#include <flame/result.hpp>

namespace flame::testing {

/// What a task reported through Context::log and Context::progress.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
};
struct ProgressReport {
  double fraction = 0;
  std::string message;
};

/// Stands in for a runner. Its knobs apply to the calls that follow; call() blocks until the task has returned, in the
/// caller's thread. Knobs and records may be used from any thread; one Runner runs one call at a time.
class Runner {
 public:
  Runner();
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Stops the running call and those that follow, as a cancel does.
  void request_stop() noexcept;
  /// Context::deadline() of the calls that follow is `budget` after their start; nullopt: none. Reaching it requests a
  /// stop only where the task asks for it (stop_requested() and stop_token()); nothing is killed here.
  void set_timeout(std::optional<Duration> budget) noexcept;
  /// Context::attempt().
  void set_attempt(std::uint32_t attempt) noexcept;
  /// Results over this many bytes, attachments included, fail with too_large. Default: 2 GiB.
  void set_result_limit(std::uint64_t bytes) noexcept;
  /// Context::parent() and, for good in this process, Parent::get(). Strings are kept for the process's lifetime.
  void set_parent(const Parent& parent);

  /// Everything reported so far, oldest first.
  [[nodiscard]] std::vector<LogLine> logs() const;
  [[nodiscard]] std::vector<ProgressReport> progress() const;

  /// Runs the task or factory F. Error: what a caller on a host would get, without process, runner and plugin.
  /// A Tracked in the result can be dereferenced, passed to later calls and used with call<&T::method>(handle, ...).
#define FLAME_DETAIL_TESTING_CALL(n, params, args)                                                           \
  template <auto F, class C = detail::Callee<F>>                                                             \
  requires(!C::is_method && C::arity == n) Result<typename C::HostResult> call(FLAME_DETAIL_UNWRAP params) { \
    return run<F, void>(nullptr FLAME_DETAIL_COMMA_THEN args);                                               \
  }                                                                                                          \
  template <auto F, class T, class C = detail::Callee<F, T>>                                                 \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> call(                               \
      const Tracked<T>& object FLAME_DETAIL_COMMA_THEN params) {                                             \
    return run<F, T>(object.handle() FLAME_DETAIL_COMMA_THEN args);                                          \
  }                                                                                                          \
  template <auto F, class T, class C = detail::Callee<F, T>>                                                 \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> call(                               \
      const Child<T>& object FLAME_DETAIL_COMMA_THEN params) {                                               \
    return run<F, T>(object.handle() FLAME_DETAIL_COMMA_THEN args);                                          \
  }
  FLAME_DETAIL_ARITIES(FLAME_DETAIL_TESTING_CALL)
#undef FLAME_DETAIL_TESTING_CALL

 private:
  class State;

  template <auto F, class O, class... A>
  Result<detail::HostResult<F, O>> run(const detail::ObjectHandle& object, const A&... arguments) {
    try {
      const auto output = invoke(&detail::invoke_task<F, O>, detail::encode_arguments<F, O>(arguments...), object,
                                 detail::Callee<F, O>::is_method);
      if (!output) return output.error();
      return decode<F, O>(*output);
    } catch (const CallError& error) {  // the arguments cannot be encoded
      return error.error();
    }
  }

  template <auto F, class O>
  Result<detail::HostResult<F, O>> decode(const detail::Payload& output) {
    const auto objects = results();
    return detail::decode_result<F, O>(output, objects.get());
  }

  Result<detail::Payload> invoke(flame_status (*task)(flame_call*), const detail::Payload& arguments,
                                 const detail::ObjectHandle& object, bool is_method);
  /// The objects that the last result named.
  std::unique_ptr<detail::ObjectSource> results();

  std::unique_ptr<State> state_;
};

/// `flame::testing::call<video::resize>({"a.mp4", 480})`: one call by a Runner of its own; see Runner::call.
#define FLAME_DETAIL_TESTING_CALL(n, params, args)                                                           \
  template <auto F, class C = detail::Callee<F>>                                                             \
  requires(!C::is_method && C::arity == n) Result<typename C::HostResult> call(FLAME_DETAIL_UNWRAP params) { \
    return Runner().call<F>(FLAME_DETAIL_UNWRAP args);                                                       \
  }                                                                                                          \
  template <auto F, class T, class C = detail::Callee<F, T>>                                                 \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> call(                               \
      const Tracked<T>& object FLAME_DETAIL_COMMA_THEN params) {                                             \
    return Runner().call<F>(object FLAME_DETAIL_COMMA_THEN args);                                            \
  }                                                                                                          \
  template <auto F, class T, class C = detail::Callee<F, T>>                                                 \
  requires(C::is_method && C::arity == n) Result<typename C::HostResult> call(                               \
      const Child<T>& object FLAME_DETAIL_COMMA_THEN params) {                                               \
    return Runner().call<F>(object FLAME_DETAIL_COMMA_THEN args);                                            \
  }
FLAME_DETAIL_ARITIES(FLAME_DETAIL_TESTING_CALL)
#undef FLAME_DETAIL_TESTING_CALL

}  // namespace flame::testing
