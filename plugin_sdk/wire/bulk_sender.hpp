// All outgoing transfers of one session: which chunk goes next. Pure: the loops move the frames.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"
#include "plugin_sdk/wire/transfer.hpp"

namespace flame::wire {

/// Interleaves its transfers chunk by chunk. Used by one thread.
class BulkSender {
 public:
  struct Frame {
    Chunk header;           // the envelope
    Bytes bytes;            // its payload frame; shares the payload's memory where it can
    bool streamed = false;  // of start_stream(): its source may give another chunk
    bool last = false;      // the transfer has been handed out whole and is forgotten
  };

  explicit BulkSender(Side side) : next_id_(side == Side::host ? 2 : 1) {}

  /// Takes a payload over; returns its transfer id for PayloadInfo::transfer. It must have at least one byte.
  [[nodiscard]] std::uint64_t start(detail::Payload payload);
  /// A payload of `total` > 0 bytes in wire form whose bytes come through append() as they are made.
  [[nodiscard]] std::uint64_t start_stream(std::uint64_t total);
  /// The next chunk of a stream: limits::kChunkMax bytes, or what is left. Ignored when the transfer is over.
  void append(std::uint64_t transfer, Bytes chunk);

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
    OutgoingTransfer window;
    detail::Payload payload;
    bool streamed = false;
    std::deque<Bytes> chunks;  // of a stream

    [[nodiscard]] bool ready() const noexcept { return window.ready() && (!streamed || !chunks.empty()); }
  };
  std::uint64_t add(Entry entry);
  [[nodiscard]] static Frame take(std::uint64_t id, Entry& entry);

  std::map<std::uint64_t, Entry> transfers_;
  std::uint64_t next_id_;
  std::uint64_t last_sent_ = 0;  // round robin: the next turn starts after this id
};

}  // namespace flame::wire
