// Several small messages as one: what a loop has to say in one turn costs one wake-up of the peer, not one each.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::wire {

/// Collects messages for one Batch. Used by one thread.
class BatchWriter {
 public:
  /// False: the batch is full and nothing was added (limits::kBatchBytesMax, kBatchCountMax). `payload` may be empty.
  bool add(std::span<const std::byte> envelope, std::span<const std::byte> payload);
  [[nodiscard]] Batch header() const noexcept { return {.count = count_}; }
  /// The payload frame of the Batch; valid until the next add() or clear().
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  void clear() noexcept;

 private:
  std::vector<std::byte> bytes_;
  std::uint32_t count_ = 0;
};

/// One message of a batch; the spans point into the batch's frame.
struct BatchEntry {
  std::span<const std::byte> envelope;
  std::span<const std::byte> payload;
};

/// The messages in the order of their add(). Errors, all incompatible: `frame` does not hold exactly `batch.count`
/// messages, or more than limits::kBatchCountMax. The envelopes are not looked at. [any thread]
[[nodiscard]] flame::Result<std::vector<BatchEntry>> unpack_batch(const Batch& batch, std::span<const std::byte> frame);

}  // namespace flame::wire
