// One connected runner: its queue of messages, its transfers, and the translation of its frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <flame/result.hpp>

#include "host/src/calls/call.hpp"
#include "host/src/transport/runner_events.hpp"
#include "host/src/transport/slot_port.hpp"
#include "host/src/transport/transport.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/bulk_receiver.hpp"
#include "plugin_sdk/wire/bulk_sender.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// Who is at the other end. `id` is random and on every envelope.
struct SessionInfo {
  std::uint64_t id = 0;
  RunnerId runner = 0;
  std::string name;
  PeerId control;
  std::uint64_t payload_max = 0;
  Instant bulk_by = kNever;          ///< the second connection has to be there
  bool local = false;                ///< over ipc: the kernel tells of its end
  std::uint16_t protocol_minor = 0;  ///< what both understand

  /// It understands Load and EndGeneration.
  [[nodiscard]] bool takes_secrets() const noexcept { return protocol_minor >= wire::kSecretsSinceMinor; }
  [[nodiscard]] bool takes_plugins() const noexcept { return protocol_minor >= wire::kLoadSinceMinor; }
};

class Session;

/// Sessions that have something to send, each once; each enters itself. Loop thread.
using Unsent = std::vector<Session*>;

/// Queues and translates. Bytes that libzmq does not take stay here, where a cancelled call can still be withdrawn.
/// Loop thread.
class Session final : public SlotPort {
 public:
  /// What it shares with the others of its table; lives longer.
  struct Around {
    Transport& transport;
    RunnerEvents& events;
    Unsent& unsent;
  };
  Session(Around around, SessionInfo info) : around_(around), info_(std::move(info)) {}

  [[nodiscard]] const SessionInfo& info() const noexcept { return info_; }
  [[nodiscard]] std::optional<PeerId> bulk() const noexcept { return bulk_; }
  /// Sequence number of the last Invoke on the wire.
  [[nodiscard]] std::uint64_t sent_seq() const noexcept { return sent_seq_; }
  void attach_bulk(PeerId peer);
  [[nodiscard]] RunnerEvents& events() const noexcept { return around_.events; }

  void send(std::shared_ptr<RemoteCall> call, Instant deadline, std::uint32_t attempt) override;
  bool cancel(CallId call, wire::CancelReason reason) override;
  /// True: the invocation was still queued and will never be sent.
  bool withdraw(CallId call);
  /// Any message on control.
  void post(wire::Body body);
  /// Tries once to send `farewell`, if there is one, in place of all that is queued. Nothing is sent after that.
  void close(std::optional<wire::Body> farewell);
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// A Beat that echoes the runner's last one: by that the runner knows that we have heard it.
  void beat();
  void on_beat(const wire::Beat& beat) noexcept { echo_ = beat.seq; }

  enum class Flushed : std::uint8_t { done, parked, more, gone };
  /// Hands libzmq what it takes now; at most a few chunks, so that control messages never wait long. more: go on in the
  /// next turn; parked: libzmq takes no more for now. After both it is among the unsent again.
  [[nodiscard]] Flushed flush(Instant now);

  /// The runner did not know a request of ours. If that was an invocation, it ends with `incompatible`.
  void on_unsupported(const wire::Unsupported& answer, Instant now);
  /// A message about calls or transfers. An error means that the peer breaks the protocol: end the session.
  [[nodiscard]] Result<void> on_message(wire::Body&& body, std::span<const std::byte> payload, Instant now);

 private:
  struct Invocation {
    std::shared_ptr<RemoteCall> call;
    Instant deadline;
    std::uint32_t attempt = 1;
  };
  struct Awaited {
    std::vector<std::uint64_t> objects;  // that the result names, whatever becomes of its bytes
    std::optional<wire::Ended> ended;    // has come meanwhile
  };
  using Item = std::variant<Invocation, wire::Body>;

  void have_unsent();
  [[nodiscard]] Flushed flush_both(Instant now);
  [[nodiscard]] Transport::Sent put_first(Instant now);
  [[nodiscard]] Transport::Sent put_batch(Instant now);
  [[nodiscard]] bool travels_in_batch(const Item& item) const;
  [[nodiscard]] wire::Invoke make_invoke(const Invocation& invocation, std::uint64_t seq, Instant now) const;
  [[nodiscard]] Transport::Sent put_invocation(const Invocation& invocation, Instant now);
  [[nodiscard]] Flushed flush_control(Instant now);
  [[nodiscard]] Flushed flush_bulk();
  [[nodiscard]] Result<void> on_result(wire::Result&& result, std::span<const std::byte> payload, Instant now);
  void on_ended(wire::Ended&& ended, Instant now);
  void report_ended(wire::Ended&& ended, Instant now);
  void on_abort(wire::Abort&& abort, Instant now);
  void on_transfer_progress(wire::BulkReceiver::Step&& step, Instant now);
  [[nodiscard]] bool next_chunk();
  void drop_chunk(std::uint64_t transfer);
  void remember_abort(std::uint64_t transfer, Error why);
  void finish_transfer(std::uint64_t transfer, std::optional<Error> error, detail::Payload payload, Instant now);

  Around around_;
  SessionInfo info_;
  std::optional<PeerId> bulk_;
  std::deque<Item> control_queue_;
  wire::BatchWriter batch_;
  std::vector<std::byte> envelope_;
  std::deque<wire::Body> bulk_queue_;             // Credit and Abort; before any chunk
  std::optional<wire::BulkSender::Frame> chunk_;  // taken from sender_, not yet taken by libzmq
  wire::BulkSender sender_{wire::Side::host};
  wire::BulkReceiver receiver_{wire::Side::runner};
  std::unordered_map<CallId, std::uint64_t> outgoing_;  // calls whose arguments are a transfer
  std::map<std::uint64_t, CallId> incoming_;            // transfers that are results
  std::map<std::uint64_t, Error> early_aborts_;         // of transfers that are not announced yet, if they ever are
  std::unordered_map<CallId, Awaited> awaited_;         // calls in incoming_
  std::vector<wire::RetireReply> held_replies_;         // until incoming_ is empty
  std::uint64_t sent_seq_ = 0;
  std::uint64_t echo_ = 0;
  bool unsent_ = false;  // among the unsent
  bool closed_ = false;
};

}  // namespace flame::pool
