// Turns over outgoing transfers.
#include "plugin_sdk/wire/bulk_sender.hpp"

#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"

namespace flame::wire {

std::uint64_t BulkSender::start(detail::Payload payload) {
  const std::uint64_t total = wire_size(payload);
  FLAME_ASSERT(total > 0, "an empty payload needs no transfer");
  return add({OutgoingTransfer(total), std::move(payload), false, {}});
}

std::uint64_t BulkSender::start_stream(std::uint64_t total) {
  FLAME_ASSERT(total > 0, "an empty payload needs no transfer");
  return add({OutgoingTransfer(total), {}, true, {}});
}

std::uint64_t BulkSender::add(Entry entry) {
  const std::uint64_t id = next_id_;
  next_id_ += 2;
  transfers_.emplace(id, std::move(entry));
  return id;
}

void BulkSender::append(std::uint64_t transfer, Bytes chunk) {
  const auto found = transfers_.find(transfer);
  if (found != transfers_.end()) found->second.chunks.push_back(std::move(chunk));
}

std::optional<BulkSender::Frame> BulkSender::next() {
  auto turn = transfers_.upper_bound(last_sent_);
  for (std::size_t tried = 0; tried < transfers_.size(); ++tried, ++turn) {
    if (turn == transfers_.end()) turn = transfers_.begin();
    auto& [id, entry] = *turn;
    if (!entry.ready()) continue;
    Frame frame = take(id, entry);
    last_sent_ = id;
    if (frame.last) transfers_.erase(turn);
    return frame;
  }
  return std::nullopt;
}

BulkSender::Frame BulkSender::take(std::uint64_t id, Entry& entry) {
  const ChunkRange range = entry.window.next();
  Frame frame{{.transfer = id, .offset = range.offset}, {}, entry.streamed, entry.window.done()};
  if (entry.streamed) {
    frame.bytes = std::move(entry.chunks.front());
    entry.chunks.pop_front();
    FLAME_ASSERT(frame.bytes.size() == range.size, "a stream is appended in full chunks, so they match the window's");
  } else {
    frame.bytes = share_range(entry.payload, range.offset, range.size);
  }
  return frame;
}

bool BulkSender::ready() const noexcept {
  for (const auto& [id, entry] : transfers_) {
    if (entry.ready()) return true;
  }
  return false;
}

flame::Result<void> BulkSender::on_credit(const Credit& credit) {
  const auto found = transfers_.find(credit.transfer);
  return found == transfers_.end() ? flame::Result<void>() : found->second.window.on_credit(credit.bytes);
}

bool BulkSender::abort(std::uint64_t transfer) {
  return transfers_.erase(transfer) > 0;
}

}  // namespace flame::wire
