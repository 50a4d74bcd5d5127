// What a signal does in this process.
#pragma once

#include <signal.h>

#include <cstdint>
#include <vector>

namespace flame::slot {

/// Neither handled nor ignored: nobody (the plugin, a preloaded library, a sanitizer) has taken it.
[[nodiscard]] inline bool is_free(int signal) noexcept {
  struct sigaction present {};
  return ::sigaction(signal, nullptr, &present) == 0 && (present.sa_flags & SA_SIGINFO) == 0 &&
         present.sa_handler == SIG_DFL;
}

/// The handlers that signals had when this was made.
class HandlerWatch {
 public:
  /// `caught`: signals that have one; signal n at bit n - 1.
  explicit HandlerWatch(std::uint64_t caught);
  /// One of them is handled otherwise now. [one system call for each]
  [[nodiscard]] bool changed() const;

 private:
  struct Row {
    int signal;
    struct sigaction action;
  };
  std::vector<Row> home_;
};

}  // namespace flame::slot
