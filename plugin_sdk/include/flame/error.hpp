// Why a call did not give a result: one closed set of codes from plugin to caller, each with its remedy.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace flame {

/// What went wrong, chosen by what the caller should do about it. Values are on the wire: append only.
enum class ErrorCode : std::uint8_t {
  none = 0,            ///< no error; never in a failed result
  task_failed,         ///< the function threw: `type` and `message` are the exception's. Fix the input or the function.
  crashed,             ///< its process died (`signal` or `exit_code`). Debug the plugin; idempotent tasks were retried.
  out_of_memory,       ///< it ran out of memory. Raise limits.memory or send less.
  timed_out,           ///< it ran past its deadline. Raise the timeout or send less; `started` says if it began.
  queue_timed_out,     ///< no slot became free in time. Retry later, raise max or the queue limit.
  queue_full,          ///< max_queue callers or max_queue_bytes wait already. Shed load or retry later.
  cancelled,           ///< the caller (or its link) gave the call up.
  boot_failed,         ///< no runner could be booted; the message is the backend's. Fix the backend's configuration.
  runner_lost,         ///< the runner vanished. Retry if the task may run twice; `started` says if it began.
  not_found,           ///< no such pool, plugin or task; the message lists what exists. Fix the name.
  signature_mismatch,  ///< host and plugin disagree about the function's types. Rebuild one of them.
  incompatible,      ///< protocol, ABI, CPU or sanitizer differ, or the plugin is not trusted. Deploy another version.
  invalid_argument,  ///< the arguments, option or configuration are not valid. Fix the call.
  too_large,         ///< a payload exceeds the limit. Send less or raise payload_max.
  shutting_down,     ///< the host or pool drains. Stop calling.
};

/// The code's name as in this enum ("task_failed"); "unknown" for a value outside of it. [any thread]
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

/// Whether the task had begun to run when the call failed, so whether it may have had effects.
enum class Started : std::uint8_t { unknown = 0, no, yes };

/// What an invocation used; differences over it. Times in nanoseconds, memory in bytes.
struct Usage {
  std::int64_t wall_ns = 0;
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::uint64_t peak_memory = 0;
};

/// A failed call. A plain value: copy it, compare its code, print its message.
struct Error {
  ErrorCode code = ErrorCode::none;
  std::string type;                ///< task_failed: the exception's type ("std::runtime_error"); else empty
  std::string message;             ///< one or more sentences for a person, with the remedy
  std::vector<std::string> where;  ///< call stack of the crash or the throw, innermost first; may be empty
  std::string log_tail;            ///< last output lines of the invocation; may be empty
  int signal = 0;                  ///< crashed: the signal that killed the process, else 0
  int exit_code = -1;              ///< crashed: its exit code, else -1
  bool collateral = false;         ///< crashed: another call of the same process was to blame (thread isolation)
  Started started = Started::unknown;
  Usage usage;
  std::string runner;            ///< id of the runner; empty if none was involved
  std::string plugin;            ///< "name@version"; empty if none was involved
  std::uint64_t invocation = 0;  ///< Future::id(): `flame why 17` tells its story while the host runs; 0: no call

  /// "crashed: segmentation fault (signal 11) in video@1.4.0 on runner r-3 (invocation 17)": one line for a log.
  /// [any thread]
  [[nodiscard]] std::string to_string() const;
};

/// Thrown by Pool::call, Future::get and Child/Tracked::call. what() is error().to_string().
class CallError : public std::exception {
 public:
  explicit CallError(Error error);
  ~CallError() override;
  CallError(const CallError&) = default;
  CallError& operator=(const CallError&) = default;
  [[nodiscard]] const Error& error() const noexcept { return error_; }
  [[nodiscard]] ErrorCode code() const noexcept { return error_.code; }
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

 private:
  Error error_;
  std::string what_;
};

}  // namespace flame
