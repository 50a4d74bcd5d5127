// Turns over outgoing transfers; bookkeeping of incoming ones.
#include "plugin_sdk/wire/bulk.hpp"

#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::wire {

std::uint64_t BulkSender::start(detail::Payload payload) {
  const std::uint64_t total = wire_size(payload);
  FLAME_ASSERT(total > 0, "an empty payload needs no transfer");
  const std::uint64_t id = next_id_;
  next_id_ += 2;
  transfers_.emplace(id, Entry{std::move(payload), OutgoingTransfer(total)});
  return id;
}

std::optional<BulkSender::Frame> BulkSender::next() {
  auto turn = transfers_.upper_bound(last_sent_);
  for (std::size_t tried = 0; tried < transfers_.size(); ++tried, ++turn) {
    if (turn == transfers_.end()) turn = transfers_.begin();
    auto& [id, entry] = *turn;
    const ChunkRange range = entry.window.next();
    if (range.size == 0) continue;
    Frame frame{{id, range.offset}, std::vector<std::byte>(range.size)};
    copy_range(entry.payload, range.offset, frame.bytes);
    last_sent_ = id;
    if (entry.window.done()) transfers_.erase(turn);
    return frame;
  }
  return std::nullopt;
}

bool BulkSender::ready() const noexcept {
  for (const auto& [id, entry] : transfers_) {
    if (entry.window.ready()) return true;
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

BulkReceiver::Step BulkReceiver::announce(const PayloadInfo& info, std::uint64_t payload_max) {
  const std::uint64_t id = info.transfer;
  const auto found = transfers_.find(id);
  Step refused;
  refused.transfer = id;
  if (closed_.contains(id) || (found != transfers_.end() && found->second.announced())) {
    refused.abort = Abort{id, "transfer: announced twice or ended already"};
    return refused;
  }
  if (found == transfers_.end()) ++unannounced_;
  auto credit = transfers_[id].announce(info, payload_max);
  if (credit) --unannounced_;
  return settle(id, std::move(credit));
}

BulkReceiver::Step BulkReceiver::on_chunk(const Chunk& chunk, std::span<const std::byte> bytes) {
  if (closed_.contains(chunk.transfer)) return {};
  if (!transfers_.contains(chunk.transfer)) {
    if (unannounced_ >= limits::kUnannouncedMax) {
      close(chunk.transfer);
      Step refused;
      refused.transfer = chunk.transfer;
      refused.abort = Abort{chunk.transfer, "transfer: too many transfers without an envelope"};
      return refused;
    }
    ++unannounced_;
  }
  return settle(chunk.transfer, transfers_[chunk.transfer].on_chunk(chunk.offset, bytes));
}

bool BulkReceiver::abort(std::uint64_t transfer) {
  const auto found = transfers_.find(transfer);
  const bool under_way = found != transfers_.end() && found->second.announced();
  // Also for one that is unknown: its chunks may still be on their way.
  close(transfer);
  return under_way;
}

BulkReceiver::Step BulkReceiver::settle(std::uint64_t transfer, flame::Result<std::uint64_t> credit) {
  Step step;
  step.transfer = transfer;
  Assembler& assembler = transfers_.at(transfer);
  if (!credit) {
    step.abort = Abort{transfer, credit.error().message};
    close(transfer);
  } else if (assembler.complete()) {
    step.complete = assembler.take();
    close(transfer);
  } else if (*credit > 0) {
    step.credit = Credit{transfer, *credit};
  }
  return step;
}

void BulkReceiver::close(std::uint64_t transfer) {
  const auto found = transfers_.find(transfer);
  if (found != transfers_.end()) {
    if (!found->second.announced()) --unannounced_;
    transfers_.erase(found);
  }
  if (!closed_.insert(transfer).second) return;
  closed_order_.push_back(transfer);
  if (closed_order_.size() <= limits::kClosedTransfersMax) return;
  closed_.erase(closed_order_.front());
  closed_order_.pop_front();
}

}  // namespace flame::wire
