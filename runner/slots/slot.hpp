// One slot, as those who give it work see it. SlotHandle is one in a process; simulated worlds have their own.
//
// Threads: every member is for the supervisor's loop thread only. Nothing here blocks.
// Lifetime: made by SlotSystem::make(); it says SlotHello and SlotReady, then takes invoke(). It may be destroyed at
// any time; its process is not waited for. Objects that live in it die with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/clock.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slots/post_mortem.hpp"
#include "runner/slots/slot_events.hpp"

namespace flame::slot {

/// One call. Views need to live only until invoke() returns.
struct InvokeView : CallFacts {
  bool linked = true;
  bool places_child = false;  // SlotChildEnded may follow its result
  base::Instant deadline = base::kNever;
  std::span<const std::uint64_t> parts;      // sizes without padding; at least the table
  std::span<const std::uint64_t> resources;  // object ids within the slot
  std::span<const std::byte> bytes;          // all padded parts, or empty: they come through feed()
  bool brief = false;                        // others may push() it. Only for inline payloads, without objects
};

enum class OutputStream : std::uint8_t { out, err };

class Slot {
 public:
  virtual ~Slot() = default;

  // --- what it says
  /// Its channel: after SlotClosed no more events come.
  [[nodiscard]] virtual bool open() const noexcept = 0;
  /// Takes a bounded number of messages in and appends events. SlotReady that makes it idle() is the last of them: its
  /// owner may use it at once.
  /// While a streamed result's window is full nothing arrives, so a slow host holds the slot, not our memory.
  virtual void read(std::vector<SlotEvent>& events) = 0;
  /// Its channel takes bytes again.
  virtual void on_writable() = 0;
  /// Appends what it has printed, a bounded amount; false when the stream has ended.
  virtual bool drain(OutputStream stream, std::string& text) = 0;

  // --- calls, one after the other; brief ones may be sent before their turn
  /// The slot said it is ready and reusable and has no invocation.
  [[nodiscard]] virtual bool idle() const noexcept = 0;
  /// Precondition: idle(). With `bytes` the call is sent; else feed() must bring exactly the padded total.
  /// Errors (nothing was sent, the slot stays idle): too_large, invalid_argument (part list or name beyond limits).
  /// A payload beyond the arena that is given here as a whole is copied once more: prefer feed() for those.
  [[nodiscard]] virtual Result<void> invoke(const InvokeView& call) = 0;
  /// The call that runs, and those behind it, are brief, and there is room for one more.
  [[nodiscard]] virtual bool takes_pipelined() const noexcept = 0;
  /// Sends a brief call with all its bytes to be run when the last one before it has ended well, without another word.
  /// Otherwise, and if it does not begin before revoke(), it comes back. Precondition: takes_pipelined().
  virtual void push(const InvokeView& call) = 0;
  /// Revokes what has not begun, in order. Those that remain have begun, by the slot's word, and all but the last of
  /// them have ended: their results are on the way.
  [[nodiscard]] virtual std::vector<std::uint64_t> revoke() = 0;
  /// Takes the next bytes of the running invocation's payload; returns how many it took. Fewer than given: keep the
  /// rest until SlotRoom. Takes nothing after the payload is complete or the slot closed.
  [[nodiscard]] virtual std::size_t feed(std::span<const std::byte> bytes) = 0;
  /// Payload bytes that feed() has not taken yet.
  [[nodiscard]] virtual std::uint64_t missing_bytes() const noexcept = 0;
  /// Gives a call up whose payload feed() has not completed (its transfer was aborted). True: the slot never saw the
  /// call and is idle again. False: it had been told (a streamed payload): kill the slot.
  [[nodiscard]] virtual bool withdraw() = 0;
  /// The function of its invocation has been entered. Untrusted only in that hostile code may lie about itself.
  [[nodiscard]] virtual bool begun() const noexcept = 0;
  /// Stop request (cancel, deadline, drain) for the running invocation; any number of times.
  virtual void request_stop() noexcept = 0;
  /// Allows the slot a further result chunk; call once per SlotResultChunk that was passed on.
  virtual void acknowledge_chunk() = 0;

  // --- objects that calls have left
  /// Drops objects: their destructors run in the slot, after the run() of a child has returned. The slot is not idle
  /// until SlotReady. Precondition: idle(), 1 to limits::kAttachmentsMax ids.
  virtual void destroy_objects(std::span<const std::uint64_t> ids) = 0;
  /// Stop request for the run() of the child that lives here; any number of times.
  virtual void request_child_stop() noexcept = 0;
  /// A call placed a child here that has not ended by itself.
  [[nodiscard]] virtual bool has_child() const noexcept = 0;

  // --- the end
  /// Not wanted any more: the slot runs stop_slot() and ends by itself; SlotClosed follows. Precondition: idle(), or
  /// not ready yet.
  virtual void end() = 0;
  /// Set once the crash handler has begun; kill a slot that has not died 2 s later.
  [[nodiscard]] virtual bool crash_announced() const noexcept = 0;
  /// See slot::thrown_at().
  [[nodiscard]] virtual std::vector<CodeAddress> thrown_at(std::uint64_t invocation) const = 0;
  /// What is known if it were dead now; of a living one it may change at any time.
  [[nodiscard]] virtual PostMortem post_mortem() const = 0;

  /// Gives the memory of an idle slot's payloads back to the system. Precondition: idle().
  virtual void trim() noexcept = 0;
};

}  // namespace flame::slot
