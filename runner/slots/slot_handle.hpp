// The supervisor's side of one slot: its channel, control page, arena and output pipes. It validates all that the slot
// writes, because plugin code runs there.
//
// Threads: every member is for the supervisor's loop thread only. Nothing here blocks, starts a thread or waits for a
// process: the owner polls the fds, reaps (waitpid) and kills.
// Lifetime: create() → hand the handle to ZygoteHandle::spawn() → SlotHello, SlotReady events → invoke() … . The handle
// may be destroyed at any time; that closes the channel, at which an idle slot exits by itself (a busy one when its
// task returns: kill it to be sure). Objects die with the slot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <flame/error.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slots/make_failure.hpp"
#include "runner/slots/slot.hpp"

namespace flame::slot {

using base::UniqueFd;

class SlotHandle final : public Slot {
 public:
  /// Makes channel, control page, arena and, unless `shares_output` (further threads of one process), output pipes.
  /// Fails with boot_failed and the system's words (too many open files, no memory).
  [[nodiscard]] static MakeResult<std::unique_ptr<SlotHandle>> create(std::uint64_t payload_max,
                                                                      bool shares_output = false);
  ~SlotHandle() override;
  SlotHandle(const SlotHandle&) = delete;
  SlotHandle& operator=(const SlotHandle&) = delete;

  // --- polling. -1 when closed or shared.
  [[nodiscard]] int channel_fd() const noexcept { return channel_.get(); }
  [[nodiscard]] int out_fd() const noexcept { return output_[0].get(); }
  [[nodiscard]] int err_fd() const noexcept { return output_[1].get(); }
  /// `hears` is told when something waits for the channel (poll it for POLLOUT, too; then on_writable()) and when
  /// nothing waits any more. Rare: only when the slot does not read.
  void tell_backlog(std::function<void(bool waits)> hears) { tell_backlog_ = std::move(hears); }

  // --- Slot. Up to 64 datagrams a read(), limits::kOutputMax bytes a drain().
  [[nodiscard]] bool open() const noexcept override { return channel_.get() >= 0; }
  void read(std::vector<SlotEvent>& events) override;
  void on_writable() override;
  bool drain(OutputStream stream, std::string& text) override;
  [[nodiscard]] bool idle() const noexcept override { return state_ == State::idle; }
  [[nodiscard]] Result<void> invoke(const InvokeView& call) override;
  [[nodiscard]] bool takes_pipelined() const noexcept override;
  void push(const InvokeView& call) override;
  [[nodiscard]] std::vector<std::uint64_t> revoke() override;
  [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes) override;
  [[nodiscard]] std::uint64_t missing_bytes() const noexcept override { return feed_total_ - fed_; }
  [[nodiscard]] bool withdraw() override;
  [[nodiscard]] bool begun() const noexcept override;
  void request_stop() noexcept override;
  void acknowledge_chunk() override;
  void destroy_objects(std::span<const std::uint64_t> ids) override;
  void request_child_stop() noexcept override;
  [[nodiscard]] bool has_child() const noexcept override { return child_ != 0; }
  void end() override;
  [[nodiscard]] bool crash_announced() const noexcept override;
  [[nodiscard]] std::vector<CodeAddress> thrown_at(std::uint64_t invocation) const override;
  [[nodiscard]] PostMortem post_mortem() const override { return read_post_mortem(*control_, invocation_); }
  void trim() noexcept override;

  /// The invocation in the slot, 0 = none.
  [[nodiscard]] std::uint64_t invocation() const noexcept { return invocation_; }

  // --- for ZygoteHandle: the slot's ends; closed by close_child_ends() once they have been passed on.
  struct ChildEnds {
    int channel, control, arena, out, err;
  };
  [[nodiscard]] ChildEnds child_ends() const noexcept;
  void close_child_ends() noexcept;

 private:
  struct Pipelined {
    std::uint64_t id;
    std::uint32_t number;
  };
  enum class State { starting, idle, feeding, running, result_stream, ready_wait, destroying, closed };

  SlotHandle() = default;
  void close(std::vector<SlotEvent>& events, std::string reason);
  void receive(std::span<const std::byte> datagram, pid_t sender, std::vector<SlotEvent>& events);
  void receive_hello(pid_t sender, std::vector<SlotEvent>& events);
  void receive_ready(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  void receive_result(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  [[nodiscard]] bool unpack_result(const ResultMessage& message, std::span<const std::byte> tail, SlotResult& result,
                                   std::string& reason) const;
  void receive_data(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  void receive_ack(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  void receive_child_ended(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  void receive_text(std::span<const std::byte> datagram, std::vector<SlotEvent>& events);
  void begin_call(const InvokeView& call);
  void pack(const InvokeView& call, std::uint64_t total, bool pipelined);
  [[nodiscard]] bool run_next(bool may_be_pipelined, std::vector<SlotEvent>& events);
  void send_invoke();
  void send_kept();
  void send(std::span<const std::byte> datagram);
  std::size_t feed_stream(std::span<const std::byte> bytes);

  State state_ = State::starting;
  UniqueFd channel_, control_fd_, arena_fd_;
  std::array<UniqueFd, 2> output_;  // read ends
  UniqueFd child_channel_, child_out_, child_err_;
  ControlPage* control_ = nullptr;
  std::byte* arena_ = nullptr;
  std::uint64_t payload_max_ = 0;
  bool said_hello_ = false;

  std::uint64_t invocation_ = 0;
  std::uint32_t running_number_ = 0;  // of the call in the slot if it is brief, see Claims
  std::uint32_t last_number_ = 0;
  bool stop_requested_ = false;      // of the call in the slot: the next one must not see it
  std::deque<Pipelined> pipelined_;  // sent behind the call in the slot
  std::uint64_t child_ = 0;          // the invocation that made the child that lives here
  std::vector<std::byte> invoke_;    // the datagram, kept while its payload is being fed; storage reused
  std::size_t invoke_size_ = 0;
  std::vector<std::byte> kept_;  // what of invoke()'s own bytes the stream's window did not take yet
  std::size_t kept_sent_ = 0;
  Carrier carrier_ = Carrier::inline_bytes;
  std::uint64_t feed_total_ = 0;
  std::uint64_t fed_ = 0;
  std::uint32_t chunks_sent_ = 0;  // stream to the slot
  std::uint32_t chunks_acked_ = 0;
  bool room_wanted_ = false;
  std::uint64_t result_total_ = 0;  // stream from the slot
  std::uint64_t result_got_ = 0;
  std::uint32_t result_chunks_ = 0;
  std::uint32_t result_acked_ = 0;
  std::deque<std::vector<std::byte>> outgoing_;  // what the socket did not take
  std::function<void(bool)> tell_backlog_;
};

}  // namespace flame::slot
