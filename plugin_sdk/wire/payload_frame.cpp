// Parts to bytes and back.
#include "plugin_sdk/wire/payload_frame.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <string>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::wire {
namespace {

Error too_large(std::uint64_t payload_max) {
  return base::make_error(ErrorCode::too_large, "the payload exceeds the limit of " + std::to_string(payload_max) +
                                                    " bytes; send less or raise payload_max");
}

// Calls visit(part) for the table and each attachment.
template <typename Visit>
void for_each_part(const detail::Payload& payload, Visit visit) {
  visit(payload.table);
  for (const Bytes& attachment : payload.attachments) visit(attachment);
}

// memcpy with a null source is undefined even for no bytes.
void copy(std::byte* to, const std::byte* from, std::size_t size) {
  if (size > 0) std::memcpy(to, from, size);
}

}  // namespace

std::uint64_t wire_size(const detail::Payload& payload) noexcept {
  std::uint64_t total = 0;
  for_each_part(payload, [&](const Bytes& part) { total += padded(part.size()); });
  return total;
}

flame::Result<PayloadInfo> describe(const detail::Payload& payload, std::uint64_t payload_max) {
  if (payload.attachments.size() > limits::kAttachmentsMax || payload.resources.size() > limits::kAttachmentsMax) {
    return base::make_error(ErrorCode::too_large,
                            "more than " + std::to_string(limits::kAttachmentsMax) +
                                " flame::Bytes or tracked resources in one call; pack several into one");
  }
  if (wire_size(payload) > payload_max) return too_large(payload_max);
  PayloadInfo info;
  info.parts.reserve(1 + payload.attachments.size());
  for_each_part(payload, [&](const Bytes& part) { info.parts.push_back(part.size()); });
  info.resources = payload.resources;
  return info;
}

flame::Result<std::uint64_t> check(const PayloadInfo& info, std::uint64_t payload_max) {
  if (info.parts.size() > 1 + limits::kAttachmentsMax || info.resources.size() > limits::kAttachmentsMax) {
    return base::make_error(ErrorCode::incompatible, "a payload with too many parts");
  }
  // Keeps the sums below from overflowing, whatever the caller's limit is.
  const std::uint64_t limit = std::min(payload_max, limits::kPayloadMaxCeiling);
  std::uint64_t total = 0;
  for (const std::uint64_t size : info.parts) {
    if (size > limit) return too_large(limit);
    total += padded(size);
    if (total > limit) return too_large(limit);
  }
  return total;
}

void copy_range(const detail::Payload& payload, std::uint64_t offset, std::span<std::byte> out) {
  std::uint64_t part_begin = 0;
  for_each_part(payload, [&](const Bytes& part) {
    const std::uint64_t part_end = part_begin + padded(part.size());
    if (offset < part_end && !out.empty()) {
      const std::uint64_t skip = offset - part_begin;
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(part_end - offset, out.size()));
      const std::size_t real = skip < part.size() ? std::min<std::size_t>(taken, part.size() - skip) : 0;
      if (real > 0) std::memcpy(out.data(), part.data() + skip, real);
      std::fill(out.begin() + static_cast<std::ptrdiff_t>(real), out.begin() + static_cast<std::ptrdiff_t>(taken),
                std::byte{0});
      out = out.subspan(taken);
      offset += taken;
    }
    part_begin = part_end;
  });
  FLAME_ASSERT(out.empty(), "the range lies within the payload");
}

Bytes share_range(const detail::Payload& payload, std::uint64_t offset, std::size_t size) {
  std::uint64_t part_begin = 0;
  const Bytes* within = nullptr;
  std::uint64_t skip = 0;
  for_each_part(payload, [&](const Bytes& part) {
    if (offset >= part_begin && offset + size <= part_begin + part.size()) {
      within = &part;
      skip = offset - part_begin;
    }
    part_begin += padded(part.size());
  });
  if (within != nullptr) {
    auto owner = std::make_shared<const Bytes>(*within);
    const std::byte* begin = owner->data() + skip;
    return {std::move(owner), begin, size};
  }
  std::shared_ptr<std::byte[]> bytes(new std::byte[size]);
  copy_range(payload, offset, {bytes.get(), size});
  const std::byte* begin = bytes.get();
  return {std::move(bytes), begin, size};
}

std::vector<std::byte> pack(const detail::Payload& payload) {
  std::vector<std::byte> frame(wire_size(payload));
  copy_range(payload, 0, frame);
  return frame;
}

detail::Payload cut_into_parts(const PayloadInfo& info, std::shared_ptr<const void> owner, const std::byte* bytes) {
  FLAME_ASSERT(reinterpret_cast<std::uintptr_t>(bytes) % limits::kPartAlignment == 0, "parts are aligned");
  detail::Payload payload;
  payload.resources = info.resources;
  if (info.parts.empty()) return payload;
  payload.attachments.reserve(info.parts.size() - 1);
  bool first = true;
  for (const std::uint64_t size : info.parts) {
    Bytes part(owner, bytes, static_cast<std::size_t>(size));
    first ? void(payload.table = std::move(part)) : payload.attachments.push_back(std::move(part));
    first = false;
    bytes += padded(size);
  }
  return payload;
}

flame::Result<detail::Payload> unpack(const PayloadInfo& info, std::span<const std::byte> frame,
                                      std::uint64_t payload_max) {
  const auto total = check(info, payload_max);
  if (!total) return total.error();
  if (*total != frame.size()) {
    return base::make_error(ErrorCode::incompatible, "a payload frame of " + std::to_string(frame.size()) +
                                                         " bytes where " + std::to_string(*total) + " were announced");
  }
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= limits::kPartAlignment);
  std::shared_ptr<std::byte[]> bytes(new std::byte[frame.size()]);
  copy(bytes.get(), frame.data(), frame.size());
  const std::byte* begin = bytes.get();
  return cut_into_parts(info, std::move(bytes), begin);
}

void Assembler::Free::operator()(std::byte* p) const noexcept {
  std::free(p);
}

flame::Result<std::uint64_t> Assembler::announce(const PayloadInfo& info, std::uint64_t payload_max) {
  const auto total = check(info, payload_max);
  if (!total) return total.error();
  auto credit = incoming_.announce(*total);
  if (credit) {
    info_ = info;
    announced_ = true;
  }
  return credit;
}

flame::Result<std::uint64_t> Assembler::on_chunk(std::uint64_t offset, std::span<const std::byte> bytes) {
  const auto begin = static_cast<std::size_t>(incoming_.received());
  auto credit = incoming_.on_chunk(offset, bytes.size());
  if (!credit) return credit;
  if (!reserve(begin + bytes.size())) {
    return base::make_error(ErrorCode::out_of_memory,
                            "no memory for a payload of " + std::to_string(begin) + " bytes so far");
  }
  copy(buffer_.get() + begin, bytes.data(), bytes.size());
  return credit;
}

bool Assembler::reserve(std::size_t needed) {
  if (needed <= capacity_) return true;
  std::size_t wanted = std::max(limits::kTransferWindow, 2 * static_cast<std::size_t>(incoming_.received()));
  if (announced_) {
    // The whole size is known: no more than that.
    std::uint64_t total = 0;
    for (const std::uint64_t size : info_.parts) total += padded(size);
    wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, total));
  }
  // realloc moves large blocks by remapping pages, not by copying; malloc's alignment is 16.
  static_assert(alignof(std::max_align_t) >= limits::kPartAlignment);
  void* grown = std::realloc(buffer_.get(), wanted);
  if (grown == nullptr) return false;
  static_cast<void>(buffer_.release());
  buffer_.reset(static_cast<std::byte*>(grown));
  capacity_ = wanted;
  return true;
}

detail::Payload Assembler::take() {
  FLAME_ASSERT(complete(), "take() needs a complete transfer");
  const std::byte* begin = buffer_.get();
  std::shared_ptr<const void> owner(std::shared_ptr<std::byte[]>(std::move(buffer_)));
  capacity_ = 0;
  return cut_into_parts(info_, std::move(owner), begin);
}

}  // namespace flame::wire
