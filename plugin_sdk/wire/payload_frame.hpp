// How a payload lies in a frame or a transfer: its parts one after the other, each padded with zeros to 16 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "plugin_sdk/wire/transfer.hpp"

namespace flame::wire {

/// `size` rounded up to limits::kPartAlignment. `size` must be at most 2^64 - 16.
[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t size) noexcept {
  return (size + limits::kPartAlignment - 1) / limits::kPartAlignment * limits::kPartAlignment;
}

/// What the sender announces. `transfer` is left 0. Errors, all too_large: more than `payload_max` bytes (padding
/// counts), more than limits::kAttachmentsMax attachments or resources. [any thread]
[[nodiscard]] flame::Result<PayloadInfo> describe(const detail::Payload& payload, std::uint64_t payload_max);

/// Bytes of the payload on the wire, padding included, after checking what a peer announced. Errors: too_large past
/// `payload_max`, incompatible past the counts. No part at all means an empty payload: 0 bytes. [any thread]
[[nodiscard]] flame::Result<std::uint64_t> check(const PayloadInfo& info, std::uint64_t payload_max);

/// Bytes on the wire of a payload that describe() accepted.
[[nodiscard]] std::uint64_t wire_size(const detail::Payload& payload) noexcept;

/// True if the payload travels inside its envelope's message on `control`.
[[nodiscard]] constexpr bool travels_inline(std::uint64_t wire_bytes) noexcept {
  return wire_bytes <= limits::kInlinePayloadMax;
}

/// Copies the bytes [offset, offset + out.size()) of the payload's wire form to `out` without making the whole of it.
/// The range must lie within wire_size().
void copy_range(const detail::Payload& payload, std::uint64_t offset, std::span<std::byte> out);

/// The same range as a buffer of its own, or, where it lies within one part, as a share of that part's memory. Not
/// empty.
[[nodiscard]] Bytes share_range(const detail::Payload& payload, std::uint64_t offset, std::size_t size);

/// The whole wire form; meant for small payloads.
[[nodiscard]] std::vector<std::byte> pack(const detail::Payload& payload);

/// The payload in a frame. Copies the bytes once, so `frame` need not be aligned and may go afterwards. Errors as
/// check(), and incompatible when the frame's size is not the announced one.
[[nodiscard]] flame::Result<detail::Payload> unpack(const PayloadInfo& info, std::span<const std::byte> frame,
                                                    std::uint64_t payload_max);

/// Cuts `bytes` (16-byte aligned, kept alive by `owner`, exactly as many as check(info) said) into parts that share it.
[[nodiscard]] detail::Payload cut_into_parts(const PayloadInfo& info, std::shared_ptr<const void> owner,
                                             const std::byte* bytes);

/// Collects one incoming transfer in one buffer. Chunks and the announcing envelope come on two connections, so either
/// may be first: until announce() at most one window is accepted. The announced size buys no memory: the buffer holds
/// at most max(4 MiB, twice what has arrived). Not for two threads at once.
class Assembler {
 public:
  /// The envelope that carries this transfer. Returns the credit now owed to the sender (0 = none). Errors as check(),
  /// and incompatible when more bytes have come than it announces.
  [[nodiscard]] flame::Result<std::uint64_t> announce(const PayloadInfo& info, std::uint64_t payload_max);

  /// The next chunk. Returns the credit to grant (0 = none now). Errors of IncomingTransfer::on_chunk, and
  /// out_of_memory; after an error the transfer must be aborted.
  [[nodiscard]] flame::Result<std::uint64_t> on_chunk(std::uint64_t offset, std::span<const std::byte> bytes);

  /// Announced, and all bytes are here.
  [[nodiscard]] bool complete() const noexcept { return announced_ && incoming_.complete(); }
  [[nodiscard]] bool announced() const noexcept { return announced_; }
  [[nodiscard]] std::uint64_t received() const noexcept { return incoming_.received(); }
  /// Bytes of memory held.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// Once, when complete(). The parts share the buffer.
  [[nodiscard]] detail::Payload take();

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept;
  };
  bool reserve(std::size_t needed);

  IncomingTransfer incoming_;
  PayloadInfo info_;
  bool announced_ = false;
  std::unique_ptr<std::byte[], Free> buffer_;
  std::size_t capacity_ = 0;
};

}  // namespace flame::wire
