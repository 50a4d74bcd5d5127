// Where a result's parts lie until they are sent.
#include "runner/slot/result_store.hpp"

#include <algorithm>

namespace flame::slot {

void ResultStore::reset() {
  parts_.assign(1, Part{});
  heap_.clear();
  table_taken_ = false;
  total_ = 0;
  used_ = 0;
}

std::byte* ResultStore::allocate_table(std::size_t size) {
  if (table_taken_ || !place(parts_.front(), size)) return nullptr;
  table_taken_ = true;
  return parts_.front().data;
}

std::byte* ResultStore::allocate_attachment(std::size_t size) {
  if (parts_.size() == kPartsMax) return nullptr;
  Part part;
  if (!place(part, size)) return nullptr;
  parts_.push_back(part);
  return part.data;
}

bool ResultStore::place(Part& part, std::size_t size) {
  if (size > payload_max_ || padded(size) + total_ > payload_max_ + limits::kPartAlignment) return false;
  part.size = size;
  part.in_arena = padded(size) <= kArenaOutput - used_;
  if (part.in_arena) {
    part.data = arena_ + kArenaInput + used_;
    used_ += padded(size);
  } else {
    void* bytes = ::operator new[](size, std::align_val_t{limits::kPartAlignment}, std::nothrow);
    if (bytes == nullptr) return false;
    heap_.emplace_back(static_cast<std::byte*>(bytes));
    part.data = heap_.back().get();
  }
  total_ += padded(size);
  return true;
}

Carrier ResultStore::carrier() const {
  if (total_ <= kInlineMax) return Carrier::inline_bytes;
  return heap_.empty() ? Carrier::arena : Carrier::stream;
}

}  // namespace flame::slot
