// All incoming transfers of one session. Pure: the loops move the frames.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/wire/incoming_transfers.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "plugin_sdk/wire/transfer.hpp"

namespace flame::wire {

/// Makes payloads whole: for the end that keeps them. Used by one thread.
class BulkReceiver {
 public:
  /// Nothing to do, or a message to send on `bulk`, and perhaps a payload that is complete.
  struct Step {
    std::optional<Credit> credit;
    std::optional<Abort> abort;  // the peer broke the rules; the transfer is gone, its call should fail with `reason`
    std::optional<detail::Payload> complete;  // of `transfer`
    std::uint64_t transfer = 0;
  };

  explicit BulkReceiver(Side peer) : transfers_(peer) {}

  /// The envelope with `info.transfer` != 0 has come. A payload that is too large comes back as `abort`.
  [[nodiscard]] Step announce(const PayloadInfo& info, std::uint64_t payload_max);
  /// Chunks of transfers that ended here meanwhile are dropped.
  [[nodiscard]] Step on_chunk(const Chunk& chunk, std::span<const std::byte> bytes);
  /// Gives a transfer up (its call was cancelled, or the peer aborted it). True if it was under way and announced.
  bool abort(std::uint64_t transfer) { return transfers_.close(transfer); }
  [[nodiscard]] std::size_t active() const noexcept { return transfers_.size(); }

 private:
  [[nodiscard]] Step settle(std::uint64_t transfer, Assembler& assembler, flame::Result<std::uint64_t> credit);
  [[nodiscard]] Step refuse(std::uint64_t transfer, const Error& error);

  IncomingTransfers<Assembler> transfers_;
};

/// Keeps chunks until they are used: for the end that passes a payload on. Credit is owed for what was used, so a
/// transfer holds one window at most, whatever its size. Used by one thread.
class BulkQueue {
 public:
  explicit BulkQueue(Side peer) : transfers_(peer) {}

  /// The envelope that names `transfer` has come and announces `total` bytes. Returns the credit owed (0 = none).
  /// incompatible: no new id of the peer's, or more bytes have come; the transfer is as it was.
  [[nodiscard]] flame::Result<std::uint64_t> announce(std::uint64_t transfer, std::uint64_t total);
  /// Chunks of closed transfers are dropped. incompatible: the peer broke the rules; close() the transfer, send Abort.
  [[nodiscard]] flame::Result<void> on_chunk(const Chunk& chunk, Bytes bytes);

  /// The oldest bytes of the transfer that are not used yet; empty if there are none now.
  [[nodiscard]] std::span<const std::byte> front(std::uint64_t transfer) const;
  /// `size` bytes of front() have been used. Returns the credit to grant now, 0 if none.
  [[nodiscard]] std::uint64_t consume(std::uint64_t transfer, std::size_t size);

  /// Complete, given up or aborted: later chunks of it are dropped. True if bytes were still to come.
  bool close(std::uint64_t transfer);
  [[nodiscard]] std::size_t active() const noexcept { return transfers_.size(); }

 private:
  struct Chunks {
    IncomingTransfer window;
    std::deque<Bytes> waiting;
    std::size_t used_of_front = 0;
  };
  IncomingTransfers<Chunks> transfers_;
};

}  // namespace flame::wire
