// Where a result's parts lie until they are sent: in the arena's output half, beyond it on the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

class ResultStore {
 public:
  ResultStore(std::byte* arena, std::uint64_t payload_max) : arena_(arena), payload_max_(payload_max) {}

  struct Part {
    std::byte* data = nullptr;
    std::size_t size = 0;
    bool in_arena = false;
  };

  /// Forgets the last call's parts.
  void reset();
  /// The table's storage, 16-byte aligned. nullptr: over the limit, out of memory, or asked for twice.
  [[nodiscard]] std::byte* allocate_table(std::size_t size);
  /// Storage of one attachment; nullptr as above.
  [[nodiscard]] std::byte* allocate_attachment(std::size_t size);
  /// The table first (empty if never allocated), then the attachments.
  [[nodiscard]] std::span<const Part> parts() const { return parts_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t offset(const Part& part) const { return static_cast<std::uint64_t>(part.data - arena_); }
  /// How the result travels.
  [[nodiscard]] Carrier carrier() const;

 private:
  struct Release {
    void operator()(std::byte* bytes) const { ::operator delete[](bytes, std::align_val_t{limits::kPartAlignment}); }
  };

  [[nodiscard]] bool place(Part& part, std::size_t size);

  std::byte* arena_;
  std::uint64_t payload_max_;
  std::vector<Part> parts_{Part{}};
  std::vector<std::unique_ptr<std::byte[], Release>> heap_;
  bool table_taken_ = false;
  std::uint64_t total_ = 0;
  std::size_t used_ = 0;  // of the arena's output half
};

}  // namespace flame::slot
