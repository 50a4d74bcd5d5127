// The two ends of one transfer on `bulk` as pure bookkeeping: what may be sent, what may come, how much credit is owed.
#pragma once

#include <cstddef>
#include <cstdint>

#include <flame/result.hpp>

#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {

/// The two ends of a session. Transfers that the host starts have even ids from 2, the runner's odd ones from 1.
enum class Side : std::uint8_t { host, runner };

/// A range of a transfer's bytes.
struct ChunkRange {
  std::uint64_t offset = 0;
  std::size_t size = 0;  // 0: nothing may be sent now
};

/// The sender's side. Starts with a window of limits::kTransferWindow bytes; Credit messages widen it.
class OutgoingTransfer {
 public:
  explicit OutgoingTransfer(std::uint64_t total) : total_(total) {}

  /// The next chunk (at most limits::kChunkMax bytes) and advances past it; size 0 while the window is shut, after the
  /// last chunk and after abort(). A chunk is a full one or the last, so that small credits do not make small chunks.
  [[nodiscard]] ChunkRange next();
  /// Whether next() would give a chunk.
  [[nodiscard]] bool ready() const noexcept;
  /// The peer has consumed `bytes`. incompatible when it acknowledges what was never sent.
  [[nodiscard]] flame::Result<void> on_credit(std::uint64_t bytes);
  void abort() noexcept { aborted_ = true; }

  /// Everything has been handed out by next(), or aborted.
  [[nodiscard]] bool done() const noexcept { return aborted_ || sent_ == total_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  [[nodiscard]] std::size_t next_size() const noexcept;

  std::uint64_t total_;
  std::uint64_t sent_ = 0;
  std::uint64_t credited_ = 0;
  bool aborted_ = false;
};

/// The receiver's side. Chunks come in order on one connection; anything else is a broken peer.
class IncomingTransfer {
 public:
  /// The size is known (from the envelope). Returns the credit owed for what came before. incompatible when more has
  /// come already. Call once.
  [[nodiscard]] flame::Result<std::uint64_t> announce(std::uint64_t total);

  /// A chunk has come. Errors, all incompatible: empty or over limits::kChunkMax, overlapping or out of order, beyond
  /// the size, past the window.
  [[nodiscard]] flame::Result<void> arrive(std::uint64_t offset, std::size_t size);
  /// `size` bytes of what has come were used. Returns the credit to grant now: 0, or at least a quarter of the window,
  /// so that Credit messages stay few; none is granted for the end of the transfer.
  [[nodiscard]] std::uint64_t consume(std::size_t size);
  /// arrive() and consume() in one, for a receiver that uses chunks as they come.
  [[nodiscard]] flame::Result<std::uint64_t> on_chunk(std::uint64_t offset, std::size_t size);

  [[nodiscard]] bool complete() const noexcept { return announced_ && received_ == total_; }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

 private:
  [[nodiscard]] std::uint64_t take_credit() noexcept;

  std::uint64_t total_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t granted_ = 0;
  bool announced_ = false;
};

}  // namespace flame::wire
