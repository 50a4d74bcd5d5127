// Memory for secrets: of a fixed size, so that nothing is copied when it grows, and wiped when it is no longer needed.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace flame::pool {

/// Overwrites with zeros, which no compiler leaves out. [any thread]
void wipe(std::span<std::byte> bytes) noexcept;

/// Moving wipes what was moved from. T: char or unsigned char. Not for two threads at once.
template <class T, std::size_t Size>
class Wiped {
 public:
  Wiped() = default;
  Wiped(Wiped&& other) noexcept : items_(other.items_) { other.wipe_all(); }
  Wiped& operator=(Wiped&& other) noexcept {
    if (this == &other) return *this;
    items_ = other.items_;
    other.wipe_all();
    return *this;
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe_all(); }

  [[nodiscard]] T* data() noexcept { return items_.data(); }
  [[nodiscard]] const T* data() const noexcept { return items_.data(); }
  [[nodiscard]] static constexpr std::size_t size() noexcept { return Size; }

 private:
  void wipe_all() noexcept { wipe(std::as_writable_bytes(std::span(items_))); }

  std::array<T, Size> items_{};
};

}  // namespace flame::pool
