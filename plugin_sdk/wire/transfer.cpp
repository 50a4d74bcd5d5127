// Window arithmetic of transfers.
#include "plugin_sdk/wire/transfer.hpp"

#include <algorithm>
#include <string>

#include "plugin_sdk/base/assert.hpp"

namespace flame::wire {
namespace {

// Credit is granted in steps of this, so that a transfer of 1 GiB costs about a thousand Credit messages.
constexpr std::uint64_t kCreditStep = limits::kTransferWindow / 4;
static_assert(kCreditStep >= limits::kChunkMax, "a step below a chunk could leave the window shut for a whole chunk");

Error broken(std::string message) {
  Error error;
  error.code = ErrorCode::incompatible;
  error.message = "transfer: " + std::move(message);
  return error;
}

}  // namespace

std::size_t OutgoingTransfer::next_size() const noexcept {
  if (aborted_) return 0;
  const std::uint64_t chunk = std::min<std::uint64_t>(limits::kChunkMax, total_ - sent_);
  const std::uint64_t open = credited_ + limits::kTransferWindow - sent_;
  return chunk <= open ? static_cast<std::size_t>(chunk) : 0;
}

bool OutgoingTransfer::ready() const noexcept {
  return next_size() > 0;
}

ChunkRange OutgoingTransfer::next() {
  const ChunkRange range{sent_, next_size()};
  sent_ += range.size;
  FLAME_ASSERT(sent_ <= total_ && sent_ - credited_ <= limits::kTransferWindow, "never past the window");
  return range;
}

flame::Result<void> OutgoingTransfer::on_credit(std::uint64_t bytes) {
  if (bytes > sent_ - credited_) return broken("credit for bytes that were never sent");
  credited_ += bytes;
  return {};
}

flame::Result<std::uint64_t> IncomingTransfer::announce(std::uint64_t total) {
  FLAME_ASSERT(!announced_, "a transfer is announced once");
  if (received_ > total) return broken("more bytes came than the envelope announces");
  total_ = total;
  announced_ = true;
  return take_credit();
}

flame::Result<void> IncomingTransfer::arrive(std::uint64_t offset, std::size_t size) {
  if (size == 0) return broken("an empty chunk");
  if (size > limits::kChunkMax) return broken("a chunk of " + std::to_string(size) + " bytes");
  if (offset < received_) return broken("overlapping chunks");
  if (offset > received_) return broken("a chunk out of order");
  if (announced_ && size > total_ - received_) return broken("more bytes than announced");
  if (received_ + size - granted_ > limits::kTransferWindow) return broken("bytes past the window");
  received_ += size;
  return {};
}

std::uint64_t IncomingTransfer::consume(std::size_t size) {
  FLAME_ASSERT(size <= received_ - consumed_, "only what has come can be used");
  consumed_ += size;
  return take_credit();
}

flame::Result<std::uint64_t> IncomingTransfer::on_chunk(std::uint64_t offset, std::size_t size) {
  if (auto arrived = arrive(offset, size); !arrived) return arrived.error();
  return consume(size);
}

std::uint64_t IncomingTransfer::take_credit() noexcept {
  // Before the announcement the sender waits with a shut window; near the end it needs no more credit.
  if (!announced_ || total_ - granted_ <= limits::kTransferWindow) return 0;
  const std::uint64_t owed = consumed_ - granted_;
  if (owed < kCreditStep) return 0;
  granted_ += owed;
  return owed;
}

}  // namespace flame::wire
