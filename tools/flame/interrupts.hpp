// Ctrl-C and SIGTERM as a stop token: the command cancels its calls and still leaves nothing behind.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {

/// While it lives, SIGINT and SIGTERM are blocked in the constructing thread and in all threads started from it later,
/// and request a stop instead. A second signal ends the process at once: runners notice the loss of their host.
/// Make it before any other thread.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }
  [[nodiscard]] bool interrupted() const { return signal_.load() != 0; }
  /// kSignalled + the signal's number.
  [[nodiscard]] int exit_code() const;
  /// Readable once interrupted: for poll().
  [[nodiscard]] int fd() const { return interrupted_.fd(); }

 private:
  void watch();

  base::UniqueFd signals_;
  base::EventFd interrupted_;
  base::EventFd done_;
  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::thread thread_;  // last: it uses the others
};

}  // namespace flame::cli
