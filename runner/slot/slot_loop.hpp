// One slot's life: announces itself, then receives, runs and answers one call after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include <flame/error.hpp>

#include "plugin_sdk/base/fork_guard.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slot/call_state.hpp"
#include "runner/slot/child_thread.hpp"
#include "runner/slot/finding.hpp"
#include "runner/slot/hygiene.hpp"
#include "runner/slot/plugin_table.hpp"
#include "runner/slot/running_calls.hpp"
#include "runner/slot/slot_limits.hpp"

namespace flame::slot {

/// What all slots of a process share.
struct SlotShared {
  const PluginTable& table;
  const flame_parent_info& parent;
  SlotLimits limits;
  bool threads = false;
  std::uint32_t slots = 1;
  std::shared_mutex hooks;  // start_slot() runs alone; stop_slot() of all slots at once: they have one grace
  RunningCalls running;
};

/// Raw memory at the parts' alignment, not zeroed.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  /// Empty (data() null) when there is no memory.
  explicit AlignedBytes(std::size_t size)
      : bytes_(static_cast<std::byte*>(::operator new[](size, std::align_val_t{limits::kPartAlignment}, std::nothrow))),
        size_(size) {}
  [[nodiscard]] std::byte* data() const { return bytes_.get(); }
  [[nodiscard]] std::span<std::byte> span() const { return {bytes_.get(), bytes_ ? size_ : 0}; }

 private:
  struct Release {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{limits::kPartAlignment}); }
  };
  std::unique_ptr<std::byte[], Release> bytes_;
  std::size_t size_ = 0;
};

/// Used by one thread, the slot's.
class SlotLoop {
 public:
  /// `channel` stays open until the process ends. The page and the arena are the supervisor's, mapped.
  SlotLoop(SlotShared& shared, int channel, ControlPage* page, std::byte* arena);
  /// Returns when the supervisor has closed the channel, or has ended the slot and its stop_slot() has run.
  void run();

 private:
  /// A failed call, before it is sent.
  struct Failure {
    ErrorCode code = ErrorCode::none;
    std::string type;
    std::string message;
  };
  struct Call {
    InvokeMessage head{};
    std::span<const std::uint64_t> parts;
    AlignedBytes streamed;  // holds a streamed input while the call runs
    const std::byte* input = nullptr;
    bool places_child = false;
  };

  [[nodiscard]] bool announce();
  void serve(std::span<const std::byte> datagram);
  void stop();
  void destroy(std::span<const std::byte> datagram);
  void invoke(std::span<const std::byte> datagram);
  [[nodiscard]] bool may_begin(const InvokeMessage& call) const;
  [[nodiscard]] Call unpack(std::span<const std::byte> datagram);
  [[nodiscard]] std::optional<Failure> receive_stream(Call& call);
  [[nodiscard]] std::optional<Failure> execute(Call& call);
  [[nodiscard]] flame_status run_task(const flame_task& task);
  [[noreturn]] void end_with_thread();
  [[nodiscard]] std::optional<Failure> check_idle(const Call& call);
  [[nodiscard]] std::optional<Failure> outcome(flame_status status, const flame_task& task);
  void set_input(const Call& call);
  void drop_results();
  void start_child(std::uint64_t lease, std::uint64_t object);
  void limit_cpu(std::int64_t budget_ns);
  void answer(const Call& call, std::optional<Failure> failure);
  void send_result(ResultMessage& head, const Failure& failure, const std::string& reason);
  void stream_result(std::uint64_t id);
  void send_ready(const Finding& finding, ErrorCode code = ErrorCode::none);
  void note_sickness(const std::optional<Failure>& failure);
  [[nodiscard]] Finding verdict(std::uint64_t task, std::uint64_t in_hand);
  [[nodiscard]] Finding judge(std::uint64_t task, std::uint64_t in_hand);
  void warn_of_leaked_fds();
  void send(std::span<const std::byte> datagram);
  void require_channel() const;
  template <typename T>
  [[nodiscard]] T receive_reply(Kind kind);

  SlotShared& shared_;
  int channel_;
  base::ForkGuard process_;
  ControlPage* page_;
  std::byte* arena_;
  CallState state_;
  UsageMeter meter_;
  std::optional<Hygiene> hygiene_;
  AlignedBytes received_{kDatagramMax};
  AlignedBytes sent_{kDatagramMax};
  std::vector<std::uint64_t> stream_parts_;
  std::vector<std::uint64_t> stream_resources_;
  std::uint32_t calls_ = 0;
  bool runs_pipelined_ = false;  // after the last call
  bool cpu_limited_ = false;
  bool allocation_failed_ = false;  // in a call since the slot was judged last
  bool warned_fds_ = false;
  std::unique_ptr<ChildThread> child_;  // last: its thread uses what is above
};

}  // namespace flame::slot
