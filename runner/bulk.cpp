// See bulk.hpp.
#include "runner/bulk.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kUnclaimedMax = 64;  // chunks overtake their Invoke by little, so few transfers wait for one
constexpr std::size_t kClosedMax = 4096;

Error broken(std::string message) {
  Error error;
  error.code = ErrorCode::incompatible;
  error.message = std::move(message);
  return error;
}

}  // namespace

std::uint64_t BulkOut::start(std::uint64_t invocation, slot::PayloadBuffer bytes) {
  const std::uint64_t total = bytes.size();
  return add({invocation, wire::OutgoingTransfer(total), false, total, std::move(bytes), {}});
}

std::uint64_t BulkOut::start_stream(std::uint64_t invocation, std::uint64_t total) {
  return add({invocation, wire::OutgoingTransfer(total), true, total, {}, {}});
}

std::uint64_t BulkOut::add(Transfer transfer) {
  last_id_ += 2;
  transfers_.emplace(last_id_, std::move(transfer));
  return last_id_;
}

void BulkOut::append(std::uint64_t transfer, slot::PayloadBuffer chunk) {
  const auto found = transfers_.find(transfer);
  if (found != transfers_.end()) found->second.chunks.push_back(std::move(chunk));
}

bool BulkOut::ready(const Transfer& transfer) {
  return transfer.window.ready() && (!transfer.streamed || !transfer.chunks.empty());
}

std::optional<BulkOut::Piece> BulkOut::next() {
  const auto start = transfers_.upper_bound(turn_);
  for (auto it = start; it != transfers_.end(); ++it) {
    if (ready(it->second)) return take(it->first, it->second);
  }
  for (auto it = transfers_.begin(); it != start; ++it) {
    if (ready(it->second)) return take(it->first, it->second);
  }
  return std::nullopt;
}

BulkOut::Piece BulkOut::take(std::uint64_t id, Transfer& transfer) {
  const wire::ChunkRange range = transfer.window.next();
  turn_ = id;
  Piece piece;
  piece.header = {id, range.offset};
  piece.invocation = transfer.invocation;
  piece.streamed = transfer.streamed;
  piece.last = range.offset + range.size == transfer.total;
  if (transfer.streamed) {
    current_ = std::move(transfer.chunks.front());
    transfer.chunks.pop_front();
    FLAME_ASSERT(current_.size() == range.size, "a slot streams full chunks, so they match the window's");
    piece.bytes = current_.view();
  } else {
    piece.bytes = transfer.whole.view().subspan(range.offset, range.size);
  }
  if (piece.last) {
    if (!transfer.streamed) current_ = std::move(transfer.whole);
    transfers_.erase(id);
  }
  return piece;
}

bool BulkOut::on_credit(const wire::Credit& credit) {
  const auto found = transfers_.find(credit.transfer);
  return found == transfers_.end() || found->second.window.on_credit(credit.bytes).has_value();
}

std::uint64_t BulkOut::abort(std::uint64_t transfer) {
  const auto found = transfers_.find(transfer);
  if (found == transfers_.end()) return 0;
  const std::uint64_t invocation = found->second.invocation;
  transfers_.erase(found);
  return invocation;
}

bool BulkIn::on_chunk(const wire::Chunk& chunk, Frame bytes) {
  if (closed_.contains(chunk.transfer)) return true;
  auto found = transfers_.find(chunk.transfer);
  if (found == transfers_.end()) {
    if (unclaimed_ >= kUnclaimedMax || chunk.transfer == 0 || chunk.transfer % 2 != 0) return false;
    found = transfers_.emplace(chunk.transfer, Transfer()).first;
    ++unclaimed_;
  }
  Transfer& transfer = found->second;
  const std::uint64_t end = transfer.arrived + bytes.size();
  const bool in_order = chunk.offset == transfer.arrived && bytes.size() > 0 && bytes.size() <= limits::kChunkMax;
  const bool fits = end - transfer.consumed <= limits::kTransferWindow && (!transfer.claimed || end <= transfer.total);
  if (!in_order || !fits) return false;
  transfer.arrived = end;
  transfer.chunks.push_back(std::move(bytes));
  return true;
}

std::span<const std::byte> BulkIn::front(std::uint64_t transfer) const {
  const auto found = transfers_.find(transfer);
  if (found == transfers_.end() || found->second.chunks.empty()) return {};
  return found->second.chunks.front().span().subspan(found->second.used_of_front);
}

std::uint64_t BulkIn::consume(std::uint64_t id, std::size_t size) {
  const auto found = transfers_.find(id);
  if (found == transfers_.end() || size == 0) return 0;
  Transfer& transfer = found->second;
  const auto credit = transfer.window.on_chunk(transfer.consumed, size);
  FLAME_ASSERT(credit.has_value(), "arriving bytes were checked, so consuming them in order is within the rules");
  transfer.consumed += size;
  transfer.used_of_front += size;
  if (transfer.used_of_front == transfer.chunks.front().size()) {
    transfer.chunks.pop_front();
    transfer.used_of_front = 0;
  }
  return *credit;
}

Result<std::uint64_t> BulkIn::claim(std::uint64_t id, std::uint64_t total) {
  if (id % 2 != 0 || closed_.contains(id)) return broken("the transfer's id is not a new one of the host");
  const auto [entry, is_new] = transfers_.try_emplace(id);
  Transfer& transfer = entry->second;
  if (transfer.claimed) return broken("two invocations name the same transfer");
  if (transfer.arrived > total) return broken("more bytes came than the invocation announces");
  if (!is_new) --unclaimed_;
  transfer.claimed = true;
  transfer.total = total;
  return transfer.window.announce(total);
}

bool BulkIn::close(std::uint64_t id) {
  const auto found = transfers_.find(id);
  bool unfinished = false;
  if (found != transfers_.end()) {
    unfinished = !found->second.claimed || found->second.arrived < found->second.total;
    if (!found->second.claimed) --unclaimed_;
    transfers_.erase(found);
  }
  if (!closed_.insert(id).second) return unfinished;
  closed_order_.push_back(id);
  if (closed_order_.size() > kClosedMax) {
    closed_.erase(closed_order_.front());
    closed_order_.pop_front();
  }
  return unfinished;
}

}  // namespace flame::runner
