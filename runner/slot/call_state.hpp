// One invocation inside its slot: what stands behind the flame_call that the plugin sees.
#pragma once

#include <flame_abi.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runner/protocol/protocol.hpp"
#include "runner/slot/object_table.hpp"
#include "runner/slot/result_store.hpp"

namespace flame::slot {

/// Lives as long as its slot, so that a thread which a task left behind finds memory, not a dangling pointer.
/// [slot] members are used by the slot's thread only, [any] ones by all threads of the task.
struct CallState : flame_call {
  CallState(int channel_fd, ControlPage* page, std::byte* arena, std::uint64_t payload_max);

  int channel;
  ControlPage* control;
  std::atomic<std::uint32_t>* stop;  // of the call's words in the control page
  bool has_deadline = true;          // the control page's deadline is this call's
  std::atomic<std::uint64_t> id{0};  // [any] 0 between calls
  ResultStore result;                // [slot]
  ObjectTable objects;               // [slot] those that calls of this slot left

  // [slot] of the current call
  std::vector<flame_view> attachment_views;
  std::span<const std::uint64_t> argument_resources;
  std::vector<std::uint64_t> result_resources;
  std::string error_type;
  std::string error_message;

  // [any] progress that was not sent yet: newer replaces older
  std::mutex progress_mutex;
  bool progress_pending = false;
  double progress_fraction = 0;
  std::string progress_message;
  std::int64_t progress_sent_ns = 0;
};

/// The table of functions that every flame_call carries.
[[nodiscard]] const flame_runner_api* runner_api();

/// Sends a progress report that was held back. [slot]
void flush_progress(CallState& call);
/// One line for the runner's log, of invocation `call.id`. [any]
void send_log(CallState& call, int level, std::string_view text);

}  // namespace flame::slot
