// Ctrl-C, SIGTERM and SIGHUP as a stop token: the command cancels its calls and still leaves nothing behind.
#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>

#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP are blocked in the constructing thread and in all threads started from it
/// later, and request a stop instead; those that were ignored at the start (nohup, jobs in the background) stay so.
/// A second signal ends the process at once, and so does kStopGrace after the first, whatever the command waits for:
/// runners notice the loss of their host. Make it before any other thread.
class Interrupts {
 public:
  /// How long an interrupted command may take to end in good order.
  static constexpr std::chrono::seconds kStopGrace{10};

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
  void begin_to_stop(int number);

  sigset_t mask_before_{};
  base::UniqueFd signals_;
  base::EventFd interrupted_;
  base::EventFd done_;
  std::stop_source stop_;
  std::atomic<int> signal_{0};
  std::thread thread_;  // last: it uses the others
};

}  // namespace flame::cli
