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
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/error.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slots/make_failure.hpp"
#include "runner/slots/slot_events.hpp"

namespace flame::slot {

using base::UniqueFd;

/// One call. Views need to live only until invoke() returns.
struct InvokeView {
  std::uint64_t id = 0;  // > 0, not used before in this slot
  std::string_view task;
  std::uint64_t fingerprint = 0;
  std::uint32_t attempt = 1;
  bool linked = true;
  bool places_child = false;  // SlotChildEnded may follow its result
  std::uint64_t object = 0;   // id of the method's object within the slot, 0 = a plain task
  base::Instant deadline = base::kNever;
  std::int64_t cpu_time_ns = 0;              // 0 = unlimited
  std::span<const std::uint64_t> parts;      // sizes without padding; at least the table
  std::span<const std::uint64_t> resources;  // object ids within the slot
  std::span<const std::byte> bytes;          // all padded parts, or empty: they come through feed()
  Purpose purpose = Purpose::task;
  bool brief = false;  // others may follow() it. Only for inline payloads, without objects
};

/// A place in code, as the slot's own word.
struct CodeAddress {
  std::string module;        // last component of the file's path; empty: in none that the slot has announced
  std::uint64_t offset = 0;  // in the module, as addr2line wants it; the address itself without a module
  bool exact = false;        // else a return address: the call is before it
};

/// What a slot that died left in its control page. Untrusted, but bounded and printable.
struct CrashReport {
  int signal = 0;
  std::uint64_t address = 0;
  bool stack_overflow = false;
  bool by_helper = false;           // in a thread that is no slot's: a task or a library has made it
  std::vector<CodeAddress> frames;  // innermost first
};

/// Appends what a nonblocking pipe holds, at most `limit` bytes; closes it and returns false at its end.
bool drain_pipe(UniqueFd& fd, std::string& text, std::size_t limit);

class SlotHandle {
 public:
  /// Makes channel, control page, arena and, unless `shares_output` (further threads of one process), output pipes.
  /// Fails with boot_failed and the system's words (too many open files, no memory).
  [[nodiscard]] static MakeResult<std::unique_ptr<SlotHandle>> create(std::uint64_t payload_max,
                                                                      bool shares_output = false);
  ~SlotHandle();
  SlotHandle(const SlotHandle&) = delete;
  SlotHandle& operator=(const SlotHandle&) = delete;

  // --- polling. -1 when closed or shared.
  [[nodiscard]] int channel_fd() const noexcept { return channel_.get(); }
  [[nodiscard]] int out_fd() const noexcept { return output_[0].get(); }
  [[nodiscard]] int err_fd() const noexcept { return output_[1].get(); }
  /// Poll the channel for POLLOUT too; then on_writable(). Rare: only when the slot does not read.
  [[nodiscard]] bool wants_write() const noexcept { return !outgoing_.empty(); }

  /// Reads up to 64 datagrams, appends events. After SlotClosed no more events come and channel_fd() is -1.
  /// While a streamed result's window is full nothing arrives, so a slow host holds the slot, not our memory.
  void on_readable(std::vector<SlotEvent>& events);
  void on_writable();

  // --- calls, one after the other; brief ones may be sent before their turn
  /// The slot said it is ready and reusable and has no invocation.
  [[nodiscard]] bool idle() const noexcept { return state_ == State::idle; }
  /// Precondition: idle(). With `bytes` the call is sent; else feed() must bring exactly the padded total.
  /// Errors (nothing was sent, the slot stays idle): too_large, invalid_argument (part list or name beyond limits).
  /// A payload beyond the arena that is given here as a whole is copied once more: prefer feed() for those.
  [[nodiscard]] Result<void> invoke(const InvokeView& call);
  /// The call that runs, and those that follow it, are brief, and there is room for one more.
  [[nodiscard]] bool takes_followers() const noexcept;
  /// Sends a brief call with all its bytes to be run when the last one before it has ended well, without another word.
  /// Otherwise, and if it does not begin before recall(), it comes back. Precondition: takes_followers().
  void follow(const InvokeView& call);
  /// Takes back what has not begun, in order. Those that remain have begun, by the slot's word, and all but the last of
  /// them have ended: their results are on the way.
  [[nodiscard]] std::vector<std::uint64_t> recall();
  /// Takes the next bytes of the running invocation's payload straight into the arena; returns how many it took. Fewer
  /// than given: keep the rest until SlotRoom. Takes nothing after the payload is complete or the slot closed.
  [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes);
  /// Payload bytes that feed() has not taken yet.
  [[nodiscard]] std::uint64_t missing_bytes() const noexcept { return feed_total_ - fed_; }
  /// Gives a call up whose payload feed() has not completed (its transfer was aborted). True: the slot never saw the
  /// call and is idle again. False: it had been told (a streamed payload): kill the slot.
  [[nodiscard]] bool withdraw();
  /// The invocation in the slot, 0 = none.
  [[nodiscard]] std::uint64_t invocation() const noexcept { return invocation_; }
  /// Its function has been entered (started = yes). Untrusted only in that hostile code may lie about itself.
  [[nodiscard]] bool begun() const noexcept;
  /// Stop request (cancel, deadline, drain) for the running invocation; any number of times.
  void request_stop() noexcept;
  /// Allows the slot `count` further result chunks; call once per SlotResultChunk that was passed on.
  void acknowledge_chunks(std::uint32_t count = 1);
  /// Drops objects: their destructors run in the slot, after the run() of a child has returned. The slot is not idle
  /// until SlotReady. Precondition: idle(), 1 to limits::kAttachmentsMax ids.
  void destroy_objects(std::span<const std::uint64_t> ids);
  /// Not wanted any more: the slot runs stop_slot() and ends by itself; SlotClosed follows. Precondition: idle(), or
  /// not ready yet.
  void end();
  /// Stop request for the run() of the child that lives here; any number of times.
  void request_child_stop() noexcept;
  /// A call placed a child here that has not ended by itself.
  [[nodiscard]] bool has_child() const noexcept { return child_ != 0; }

  // --- output: appends what is in the pipe, at most `limit` bytes; false when the pipe has ended.
  bool drain_out(std::string& text, std::size_t limit = limits::kOutputMax);
  bool drain_err(std::string& text, std::size_t limit = limits::kOutputMax);

  // --- after death, or while a slot hangs in its crash handler
  /// Set once the crash handler has begun; kill a slot that has not died 2 s later.
  [[nodiscard]] bool crash_announced() const noexcept;
  [[nodiscard]] std::optional<CrashReport> crash_report() const;
  /// Where the exception was thrown that ended the invocation, innermost first; the unwinder's own frames come first.
  /// Empty if the slot does not say.
  [[nodiscard]] std::vector<CodeAddress> thrown_at(std::uint64_t invocation) const;
  /// The plugin's start_slot() runs, or ran when the process died.
  [[nodiscard]] bool in_start_slot() const noexcept;
  /// The slot's own thread called exit() or quick_exit(). A thread that a task started is not seen, nor is _exit().
  [[nodiscard]] bool exited() const noexcept;
  /// An allocation failed during the current or last invocation: a death then is out_of_memory.
  [[nodiscard]] bool allocation_failed() const noexcept;
  /// Bytes that earlier calls of the slot had left in use when the last one began, by the slot's word.
  [[nodiscard]] std::uint64_t memory_kept() const noexcept;
  /// Where the current invocation's usage starts, see usage_until_death(): CPU of the process (or thread) until then,
  /// CLOCK_BOOTTIME as wall_ns, and the fresh slot's memory as peak_memory.
  [[nodiscard]] Usage usage_at_begin() const noexcept;

  // --- idle memory
  /// Gives the arena's pages back to the system. Precondition: idle().
  void trim() noexcept;

  // --- for ZygoteHandle: the slot's ends; closed by close_child_ends() once they have been passed on.
  struct ChildEnds {
    int channel, control, arena, out, err;
  };
  [[nodiscard]] ChildEnds child_ends() const noexcept;
  void close_child_ends() noexcept;

 private:
  struct Follower {
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
  void pack(const InvokeView& call, std::uint64_t total, bool follows);
  [[nodiscard]] bool run_next(bool may_follow, std::vector<SlotEvent>& events);
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
  bool stop_requested_ = false;     // of the call in the slot: the next one must not see it
  std::deque<Follower> followers_;  // sent behind the call in the slot
  std::uint64_t child_ = 0;         // the invocation that made the child that lives here
  std::vector<std::byte> invoke_;   // the datagram, kept while its payload is being fed; storage reused
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
};

}  // namespace flame::slot
