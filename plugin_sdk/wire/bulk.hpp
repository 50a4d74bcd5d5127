// All transfers of one session in one direction: which chunk goes next, and which payload is complete. Pure: the loops
// move the frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "plugin_sdk/wire/transfer.hpp"

namespace flame::wire {

/// The sending end. Interleaves its transfers chunk by chunk. Used by one thread.
class BulkSender {
 public:
  struct Frame {
    Chunk header;                  // the envelope
    std::vector<std::byte> bytes;  // its payload frame
  };

  /// Host-initiated transfers have even ids from 2, the runner's odd ones from 1.
  enum class Side : std::uint8_t { host, runner };
  explicit BulkSender(Side side) : next_id_(side == Side::host ? 2 : 1) {}

  /// Takes a payload over; returns its transfer id for PayloadInfo::transfer. It must have at least one byte.
  [[nodiscard]] std::uint64_t start(detail::Payload payload);
  /// The next chunk to send, in turns over all transfers whose window is open; nullopt when none may be sent. Call only
  /// when the socket can take it.
  [[nodiscard]] std::optional<Frame> next();
  /// Whether next() would give a chunk.
  [[nodiscard]] bool ready() const noexcept;
  /// Credit or Abort from the peer; unknown ids are late news and no error. An error means a broken peer.
  [[nodiscard]] flame::Result<void> on_credit(const Credit& credit);
  /// Drops a transfer, whoever wanted that. True if it was still under way: tell the peer with Abort when it was ours.
  bool abort(std::uint64_t transfer);
  [[nodiscard]] std::size_t active() const noexcept { return transfers_.size(); }

 private:
  struct Entry {
    detail::Payload payload;
    OutgoingTransfer window;
  };
  std::map<std::uint64_t, Entry> transfers_;
  std::uint64_t next_id_;
  std::uint64_t last_sent_ = 0;  // round robin: the next turn starts after this id
};

/// The receiving end. Used by one thread.
class BulkReceiver {
 public:
  /// Nothing to do, or a message to send on `bulk`, and perhaps a payload that is complete.
  struct Step {
    std::optional<Credit> credit;
    std::optional<Abort> abort;  // the peer broke the rules; the transfer is gone, its call should fail with `reason`
    std::optional<detail::Payload> complete;  // of `transfer`
    std::uint64_t transfer = 0;
  };

  /// The envelope with `info.transfer` != 0 has come. A payload that is too large comes back as `abort`.
  [[nodiscard]] Step announce(const PayloadInfo& info, std::uint64_t payload_max);
  /// Chunks of transfers that ended here meanwhile are dropped.
  [[nodiscard]] Step on_chunk(const Chunk& chunk, std::span<const std::byte> bytes);
  /// Gives a transfer up (its call was cancelled, or the peer aborted it). True if it was under way and announced.
  bool abort(std::uint64_t transfer);
  [[nodiscard]] std::size_t active() const noexcept { return transfers_.size(); }

 private:
  [[nodiscard]] Step settle(std::uint64_t transfer, flame::Result<std::uint64_t> credit);
  void close(std::uint64_t transfer);

  std::map<std::uint64_t, Assembler> transfers_;
  std::size_t unannounced_ = 0;
  // Ids that ended a short while ago: their late chunks must not look like new transfers.
  std::deque<std::uint64_t> closed_order_;
  std::unordered_set<std::uint64_t> closed_;
};

}  // namespace flame::wire
