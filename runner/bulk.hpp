// Payloads beyond 64 KiB on the `bulk` line: chunks out in turns, chunks in with credit as they are consumed.
// Pure bookkeeping with the bytes; the supervisor moves the frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <unordered_set>

#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"
#include "plugin_sdk/wire/transfer.hpp"
#include "runner/dealer.hpp"
#include "runner/slot/slot_events.hpp"

namespace flame::runner {

/// The runner's outgoing transfers. Ids are odd.
class BulkOut {
 public:
  /// A range that is to be sent now. `bytes` is valid until the next call of any member.
  struct Piece {
    wire::Chunk header;
    std::uint64_t invocation = 0;
    std::span<const std::byte> bytes;
    bool streamed = false;  // the slot may send another chunk
    bool last = false;      // the transfer has been handed out whole
  };

  /// A payload that is here whole. Returns the transfer's id.
  [[nodiscard]] std::uint64_t start(std::uint64_t invocation, slot::PayloadBuffer bytes);
  /// A payload of `total` bytes whose chunks come through append(), each limits::kChunkMax but for the last.
  [[nodiscard]] std::uint64_t start_stream(std::uint64_t invocation, std::uint64_t total);
  void append(std::uint64_t transfer, slot::PayloadBuffer chunk);

  /// The next piece, in turns over all transfers with an open window and bytes; nullopt when there is none.
  [[nodiscard]] std::optional<Piece> next();
  /// False: the peer broke the rules.
  [[nodiscard]] bool on_credit(const wire::Credit& credit);
  /// Drops a transfer. Returns its invocation, 0 if it is not under way.
  std::uint64_t abort(std::uint64_t transfer);
  [[nodiscard]] bool empty() const { return transfers_.empty(); }

 private:
  struct Transfer {
    std::uint64_t invocation;
    wire::OutgoingTransfer window;
    bool streamed;
    std::uint64_t total;
    slot::PayloadBuffer whole;
    std::deque<slot::PayloadBuffer> chunks;
  };
  [[nodiscard]] static bool ready(const Transfer& transfer);
  std::uint64_t add(Transfer transfer);
  [[nodiscard]] Piece take(std::uint64_t id, Transfer& transfer);

  std::map<std::uint64_t, Transfer> transfers_;
  std::uint64_t last_id_ = static_cast<std::uint64_t>(-1);
  std::uint64_t turn_ = 0;
  slot::PayloadBuffer current_;  // what the last Piece points to once its transfer let go of it
};

/// The host's transfers to this runner: what came and was not consumed yet. Ids are even.
class BulkIn {
 public:
  /// A chunk has come. False: the host broke the rules (order, size, window), or too many transfers that no Invoke has
  /// claimed; the transfer is gone, send Abort.
  [[nodiscard]] bool on_chunk(const wire::Chunk& chunk, Frame bytes);
  /// The oldest bytes of the transfer that are not consumed yet; empty if there are none now.
  [[nodiscard]] std::span<const std::byte> front(std::uint64_t transfer) const;
  /// `size` bytes of front() have been used. Returns the credit to grant now, 0 if none.
  [[nodiscard]] std::uint64_t consume(std::uint64_t transfer, std::size_t size);
  /// An Invoke names the transfer. Returns the credit owed, an error if it cannot be (odd id, used before, too many
  /// bytes came already).
  [[nodiscard]] Result<std::uint64_t> claim(std::uint64_t transfer, std::uint64_t total);
  /// Complete, given up or aborted: later chunks of it are dropped. True if bytes were still to come.
  bool close(std::uint64_t transfer);

 private:
  struct Transfer {
    wire::IncomingTransfer window;
    std::uint64_t arrived = 0;
    std::uint64_t consumed = 0;
    std::uint64_t total = 0;
    bool claimed = false;
    std::deque<Frame> chunks;
    std::size_t used_of_front = 0;
  };
  std::map<std::uint64_t, Transfer> transfers_;
  std::deque<std::uint64_t> closed_order_;
  std::unordered_set<std::uint64_t> closed_;
  std::size_t unclaimed_ = 0;
};

}  // namespace flame::runner
