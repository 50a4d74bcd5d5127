// A batch's frame: for each message two 32-bit sizes, the envelope, the payload; no padding.
#include "plugin_sdk/wire/batch.hpp"

#include <cstring>

#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {
namespace {

struct Sizes {
  std::uint32_t envelope;
  std::uint32_t payload;
};

Error malformed() {
  return {.code = ErrorCode::incompatible, .message = "a batch does not hold the messages that it announces"};
}

}  // namespace

bool BatchWriter::add(std::span<const std::byte> envelope, std::span<const std::byte> payload) {
  const std::size_t size = sizeof(Sizes) + envelope.size() + payload.size();
  if (count_ == limits::kBatchCountMax || size > limits::kBatchBytesMax - bytes_.size()) return false;
  const Sizes sizes{static_cast<std::uint32_t>(envelope.size()), static_cast<std::uint32_t>(payload.size())};
  const auto* head = reinterpret_cast<const std::byte*>(&sizes);
  bytes_.insert(bytes_.end(), head, head + sizeof sizes);
  bytes_.insert(bytes_.end(), envelope.begin(), envelope.end());
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  ++count_;
  return true;
}

void BatchWriter::clear() noexcept {
  bytes_.clear();
  count_ = 0;
}

flame::Result<std::vector<BatchEntry>> unpack_batch(const Batch& batch, std::span<const std::byte> frame) {
  if (batch.count > limits::kBatchCountMax) return malformed();
  std::vector<BatchEntry> entries(batch.count);
  for (BatchEntry& entry : entries) {
    Sizes sizes{};
    if (frame.size() < sizeof sizes) return malformed();
    std::memcpy(&sizes, frame.data(), sizeof sizes);
    frame = frame.subspan(sizeof sizes);
    if (sizes.envelope > frame.size() || sizes.payload > frame.size() - sizes.envelope) return malformed();
    entry = {frame.first(sizes.envelope), frame.subspan(sizes.envelope, sizes.payload)};
    frame = frame.subspan(std::size_t{sizes.envelope} + sizes.payload);
  }
  if (!frame.empty()) return malformed();
  return entries;
}

}  // namespace flame::wire
