// How a child ended: what Child::wait() gives.
#pragma once

#include <cstdint>
#include <string_view>

#include <flame/error.hpp>

namespace flame {

struct ChildExit {
  enum class Reason : std::uint8_t {
    normal = 0,   ///< its run() returned by itself
    exception,    ///< an exception left its run(): error.type and error.message are the exception's
    crashed,      ///< its process died: error.code crashed (error.signal or error.exit_code) or out_of_memory
    stopped,      ///< it was told to end, and did so or was killed. error.code: cancelled (stop(), or its handle was
                  ///< dropped), timed_out (one of its methods was), shutting_down (pool, host or runner ended)
    runner_lost,  ///< its runner was lost with it
  };

  Reason reason = Reason::normal;
  Error error;  ///< code none for `normal`
};

/// "normal", "exception", "crashed", "stopped", "runner_lost".
[[nodiscard]] std::string_view to_string(ChildExit::Reason reason) noexcept;

}  // namespace flame
