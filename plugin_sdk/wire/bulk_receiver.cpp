// Bookkeeping of incoming transfers.
#include "plugin_sdk/wire/bulk_receiver.hpp"

#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {
namespace {

// A window of full chunks is 16; a peer that sends bytes one by one must not make us keep millions of frames.
constexpr std::size_t kWaitingMax = 4 * limits::kTransferWindow / limits::kChunkMax;

Error broken(const char* message) {
  Error error;
  error.code = ErrorCode::incompatible;
  error.message = message;
  return error;
}

}  // namespace

BulkReceiver::Step BulkReceiver::announce(const PayloadInfo& info, std::uint64_t payload_max) {
  const auto assembler = transfers_.announce(info.transfer);
  if (!assembler) {
    // Not closed: another invocation may own the transfer.
    Step refused;
    refused.transfer = info.transfer;
    refused.abort = make_abort(info.transfer, assembler.error().message);
    return refused;
  }
  return settle(info.transfer, **assembler, (*assembler)->announce(info, payload_max));
}

BulkReceiver::Step BulkReceiver::on_chunk(const Chunk& chunk, std::span<const std::byte> bytes) {
  const auto assembler = transfers_.on_chunk(chunk.transfer, bytes.size());
  if (!assembler) return refuse(chunk.transfer, assembler.error());
  if (*assembler == nullptr) return {};
  return settle(chunk.transfer, **assembler, (*assembler)->on_chunk(chunk.offset, bytes));
}

BulkReceiver::Step BulkReceiver::settle(std::uint64_t transfer, Assembler& assembler,
                                        flame::Result<std::uint64_t> credit) {
  if (!credit) return refuse(transfer, credit.error());
  Step step;
  step.transfer = transfer;
  if (assembler.complete()) {
    step.complete = assembler.take();
    transfers_.close(transfer);
  } else if (*credit > 0) {
    step.credit = Credit{.transfer = transfer, .bytes = *credit};
  }
  return step;
}

BulkReceiver::Step BulkReceiver::refuse(std::uint64_t transfer, const Error& error) {
  transfers_.close(transfer);
  Step step;
  step.transfer = transfer;
  step.abort = make_abort(transfer, error.message);
  return step;
}

flame::Result<std::uint64_t> BulkQueue::announce(std::uint64_t transfer, std::uint64_t total) {
  const auto chunks = transfers_.announce(transfer);
  if (!chunks) return chunks.error();
  return (*chunks)->window.announce(total);
}

flame::Result<void> BulkQueue::on_chunk(const Chunk& chunk, Bytes bytes) {
  const auto found = transfers_.on_chunk(chunk.transfer, bytes.size());
  if (!found) return found.error();
  if (*found == nullptr) return {};
  Chunks& chunks = **found;
  if (auto arrived = chunks.window.arrive(chunk.offset, bytes.size()); !arrived) return arrived;
  if (chunks.waiting.size() == kWaitingMax) return broken("transfer: too many small chunks");
  chunks.waiting.push_back(std::move(bytes));
  return {};
}

std::span<const std::byte> BulkQueue::front(std::uint64_t transfer) const {
  const Chunks* chunks = transfers_.find(transfer);
  if (chunks == nullptr || chunks->waiting.empty()) return {};
  return chunks->waiting.front().span().subspan(chunks->used_of_front);
}

std::uint64_t BulkQueue::consume(std::uint64_t transfer, std::size_t size) {
  Chunks* chunks = transfers_.find(transfer);
  if (chunks == nullptr || size == 0) return 0;
  FLAME_ASSERT(size <= front(transfer).size(), "only what front() gave can be used");
  chunks->used_of_front += size;
  if (chunks->used_of_front == chunks->waiting.front().size()) {
    chunks->waiting.pop_front();
    chunks->used_of_front = 0;
  }
  return chunks->window.consume(size);
}

bool BulkQueue::close(std::uint64_t transfer) {
  const Chunks* chunks = transfers_.find(transfer);
  const bool unfinished = chunks != nullptr && !chunks->window.complete();
  transfers_.close(transfer);
  return unfinished;
}

}  // namespace flame::wire
