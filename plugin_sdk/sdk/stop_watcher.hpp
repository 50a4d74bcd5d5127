// Turns the runner's stop request into a std::stop_token, with one thread per invocation that asks for one.
#pragma once

#include <stop_token>
#include <thread>

#include <flame_abi.h>

namespace flame::detail {

/// Starts its thread in the constructor (std::system_error when it cannot) and joins it in the destructor.
class StopWatcher {
 public:
  explicit StopWatcher(flame_call* call);
  ~StopWatcher();
  StopWatcher(const StopWatcher&) = delete;
  StopWatcher& operator=(const StopWatcher&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

 private:
  flame_call* call_;
  std::stop_source source_;
  std::thread thread_;
};

}  // namespace flame::detail
