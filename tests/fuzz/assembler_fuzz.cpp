// Any order of announcements and chunks: no more memory than the rule allows, and never a crash.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "plugin_sdk/wire/payload_frame.hpp"

namespace limits = flame::limits;

// Reads the input as commands of five bytes: kind, offset delta, size (3 bytes).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> chunk(limits::kChunkMax + 1);
  flame::wire::Assembler assembler;
  for (; size >= 5; data += 5, size -= 5) {
    const std::size_t number = data[2] | std::size_t{data[3]} << 8 | std::size_t{data[4]} << 16;
    if (data[0] % 2 == 0) {
      if (assembler.announced()) break;
      if (!assembler.announce({.parts = {number, data[1]}, .transfer = 2}, 8 * limits::MiB)) break;
    } else {
      const std::uint64_t offset = assembler.received() + (data[0] > 250 ? data[1] : 0);
      if (!assembler.on_chunk(offset, std::span(chunk).first(number % chunk.size()))) break;
    }
    const auto received = static_cast<std::size_t>(assembler.received());
    if (assembler.capacity() > std::max(limits::kTransferWindow, 2 * received)) std::abort();
  }
  if (assembler.complete()) static_cast<void>(assembler.take());
  return 0;
}
