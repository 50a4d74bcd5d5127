// Changes of plugin versions that clients of the control socket have asked for: each has a number, by which its client
// asks what has become of it, because no request lives as long as a change.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <flame/activate.hpp>
#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "host/src/trace/status.hpp"

namespace flame::pool {

/// Any thread; nothing waits for a change but close().
class Operations {
 public:
  /// Carries a change out, on a thread of its own; blocks until it has ended. Several at once. What it throws is its
  /// error.
  using Change = std::function<Result<ActivateResult>(const control::ChangeRequest&)>;
  explicit Operations(Change change) : change_(std::move(change)) {}
  /// close().
  ~Operations() { close(); }
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  /// Begins a change, and says its number. Errors: queue_full when limits::kOperationsRunningMax are under way,
  /// shutting_down after close(), out_of_memory when the system has no thread.
  [[nodiscard]] control::Answer start(control::ChangeRequest request);
  /// How it stands: under way, done, or the change's own error. Error besides: not_found for a number that no change
  /// has had, or that is forgotten: of those that have ended, the highest limits::kOperationsKept numbers are known.
  [[nodiscard]] control::Answer find(std::uint64_t number);
  /// No further one begins. Waits for those under way: who calls has had them ended.
  void close();

 private:
  struct Operation {
    control::OperationStatus status;
    Error error;  // code none: it has not failed
    bool ended = false;
    std::thread thread;  // none: it was joined
  };

  void run(Operation& operation, const control::ChangeRequest& request) noexcept;
  [[nodiscard]] Result<ActivateResult> carry_out(const control::ChangeRequest& request) const;
  void tidy();
  [[nodiscard]] std::size_t ended() const;
  [[nodiscard]] Error not_remembered(std::uint64_t number) const;

  Change change_;
  std::mutex mutex_;  // of all below; held for moments
  std::condition_variable one_ended_;
  bool closed_ = false;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Operation> operations_;
};

}  // namespace flame::pool
