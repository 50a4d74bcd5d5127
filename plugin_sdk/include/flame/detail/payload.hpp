// Encoded arguments or an encoded result, as the codec makes it and the transports carry it.
#pragma once

#include <cstdint>
#include <vector>

#include <flame/bytes.hpp>

namespace flame::detail {

/// One FlatBuffers table, the Bytes of the signature (frame numbers are 1-based positions in `attachments`), and the
/// ids of the tracked resources it names (1-based positions in `resources`). `table` is 16-byte aligned.
struct Payload {
  Bytes table;
  std::vector<Bytes> attachments;
  std::vector<std::uint64_t> resources;
};

/// A payload as the decoder sees it: borrowed, unverified. `table` needs no alignment.
struct PayloadView {
  const std::byte* table = nullptr;
  std::size_t table_size = 0;
  const Bytes* attachments = nullptr;
  std::size_t attachment_count = 0;

  PayloadView() = default;
  PayloadView(std::span<const std::byte> bytes, std::span<const Bytes> frames) noexcept
      : table(bytes.data()), table_size(bytes.size()), attachments(frames.data()), attachment_count(frames.size()) {}
  // NOLINTNEXTLINE(google-explicit-constructor): a payload is its own view
  PayloadView(const Payload& payload) noexcept : PayloadView(payload.table.span(), payload.attachments) {}
};

}  // namespace flame::detail
