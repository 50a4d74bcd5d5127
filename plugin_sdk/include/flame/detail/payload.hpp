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

}  // namespace flame::detail
