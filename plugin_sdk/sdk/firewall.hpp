// The exception firewall: what left a plugin's function, as text and a status of the C ABI.
#pragma once

#include <string>

#include <flame_abi.h>

namespace flame::detail {

/// An exception as the caller will see it.
struct CaughtException {
  flame_status status = FLAME_TASK_FAILED;
  std::string type;  ///< "std::runtime_error", "int"; "unknown exception" when it cannot be told
  /// what(), or the text or number that was thrown; then one line "caused by TYPE: MESSAGE" per nested exception
  std::string message;
};

/// Describes the exception being handled. Only within a catch clause. May throw std::bad_alloc.
[[nodiscard]] CaughtException describe_current_exception();

/// Reports the exception being handled through set_error() and gives the status to return. Never throws.
flame_status report_current_exception(flame_call* call) noexcept;

/// The same for start() and start_slot(): writes "TYPE: MESSAGE", cut to `size` with its NUL.
flame_status report_current_exception(char* message, std::size_t size) noexcept;

}  // namespace flame::detail
