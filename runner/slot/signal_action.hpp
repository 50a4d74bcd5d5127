// What a signal does in this process.
#pragma once

#include <signal.h>

namespace flame::slot {

/// Neither handled nor ignored: nobody (the plugin, a preloaded library, a sanitizer) has taken it.
[[nodiscard]] inline bool is_free(int signal) noexcept {
  struct sigaction present {};
  return ::sigaction(signal, nullptr, &present) == 0 && (present.sa_flags & SA_SIGINFO) == 0 &&
         present.sa_handler == SIG_DFL;
}

}  // namespace flame::slot
