// The thread on which a child's run() lives, beside the slot's own, which serves the child's methods.
#pragma once

#include <flame_abi.h>

#include <cstdint>
#include <string_view>
#include <thread>

#include <flame/error.hpp>

#include "runner/slot/call_state.hpp"

namespace flame::slot {

class ChildThread {
 public:
  struct Child {
    std::uint64_t lease = 0;   // the invocation that made it
    std::uint64_t object = 0;  // its id in the slot
    void* instance = nullptr;
    const flame_object_type* type = nullptr;  // has a run()
  };

  /// Runs it. When run() has returned, or no thread can be had, the supervisor is sent a ChildEnded.
  ChildThread(const Child& child, int channel, ControlPage* page, std::byte* arena, const flame_parent_info* parent);
  /// Waits for run() to return. The supervisor has asked it to stop; it kills the slot if it does not.
  ~ChildThread();
  ChildThread(const ChildThread&) = delete;
  ChildThread& operator=(const ChildThread&) = delete;

  [[nodiscard]] std::uint64_t object() const noexcept { return child_.object; }

 private:
  void run();
  void report(ErrorCode code, std::string_view type, std::string_view message) const;

  Child child_;
  CallState call_;  // what run() sees: no result, no deadline, its own word for the stop request
  pid_t process_;
  std::thread thread_;
};

}  // namespace flame::slot
