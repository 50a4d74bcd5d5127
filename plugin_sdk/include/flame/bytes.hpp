// A byte buffer that travels as an attachment: beside the encoded table, without a copy through the encoder.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace flame {

/// A shared, copy-on-write byte buffer. Copying shares; the non-const data() un-shares first. Distinct objects may be
/// used from different threads even when they share; one object needs external synchronisation for writing.
/// Do not write through a pointer from data() while a call with that buffer is in flight.
class Bytes {
 public:
  Bytes() noexcept = default;
  /// Copies [data, data + size).
  Bytes(const void* data, std::size_t size);
  /// Takes the vector or string over without copying its elements.
  explicit Bytes(std::vector<std::byte> bytes);
  explicit Bytes(std::string&& bytes);
  /// A view into memory that `owner` keeps alive; un-shares on write. Used by the transport to avoid copies.
  Bytes(std::shared_ptr<const void> owner, const std::byte* data, std::size_t size) noexcept;

  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::byte* data();  ///< un-shares; may throw std::bad_alloc
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return {data_, size_}; }

  friend bool operator==(const Bytes& a, const Bytes& b) noexcept;

 private:
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool writable_ = false;  // the storage is ours to write once use_count() is 1
};

}  // namespace flame
