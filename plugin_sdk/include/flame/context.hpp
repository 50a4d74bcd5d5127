// What a task may ask of the runner that runs it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include <flame/detail/chrono.hpp>
#include <flame/detail/local_object.hpp>
#include <flame/handles.hpp>
#include <flame/parent.hpp>

struct flame_call;

namespace flame {

namespace detail {
class StopWatcher;
}

enum class LogLevel : std::uint8_t { debug = 0, info, warning, error };

/// The invocation that a task serves: a leading `flame::Context&` parameter, which is not on the wire. Made by the SDK;
/// valid until the task returns. All members may be called from any thread until then.
class Context {
 public:
  /// For the SDK. `call` outlives the context.
  explicit Context(flame_call* call) noexcept;
  ~Context();  // joins the watcher thread, if there is one
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// True once the caller cancelled, the deadline passed or the runner drains. Reads one word. A task that does not
  /// return within 250 ms after that is killed.
  [[nodiscard]] bool stop_requested() const noexcept;

  /// The same as a token, for std::stop_callback and condition_variable_any. The first call starts one thread, which
  /// ends before the task's result is sent; prefer stop_requested() in loops. Throws std::system_error when the thread
  /// cannot be started.
  [[nodiscard]] std::stop_token stop_token();

  /// When the call's budget ends; nullopt if it has none. Already past when the call is late.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept;

  /// One line for the host's log, with this invocation's id. Cut at 16 KiB.
  void log(LogLevel level, std::string_view text) noexcept;
  void log(std::string_view text) noexcept { log(LogLevel::info, text); }

  /// Progress for whoever watches the call: fraction in [0, 1] (clamped; NaN is dropped) and a short text. Cheap enough
  /// for inner loops: newer reports replace unsent older ones.
  void progress(double fraction, std::string_view message = {}) noexcept;

  /// Makes `object` a tracked resource: put the handle into the result, and it lives in this slot until its last handle
  /// on the host is gone. Here the handle can be dereferenced. Not sent with the result: destroyed with its last copy.
  /// `object` must not be null (std::invalid_argument).
  template <class T>
  [[nodiscard]] Tracked<T> track(std::unique_ptr<T> object) {
    return Tracked<T>(detail::make_local_object(std::move(object)));
  }

  /// For whom this slot works; the same as Parent::get(). nullopt under flame::testing.
  [[nodiscard]] std::optional<Parent> parent() const;

  /// 1 on the first try, 2 on the first retry.
  [[nodiscard]] std::uint32_t attempt() const noexcept;

 private:
  flame_call* call_;
  std::unique_ptr<detail::StopWatcher> watcher_;
};

}  // namespace flame
