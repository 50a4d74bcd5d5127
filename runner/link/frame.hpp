// A message part as ZeroMQ holds it. Made and freed by dealer.cpp, which alone knows zmq.
#pragma once

#include <cstddef>
#include <span>

#include <flame/bytes.hpp>

namespace flame::runner {

/// One message part: a buffer that ZeroMQ sends or received without a further copy. Move-only.
class Frame {
 public:
  Frame() noexcept;
  /// Uninitialised bytes to be filled through data(). Throws std::bad_alloc.
  explicit Frame(std::size_t size);
  /// Sends `bytes` from where they are; they live until ZeroMQ has sent them. Throws std::bad_alloc.
  explicit Frame(Bytes bytes);
  Frame(Frame&& other) noexcept;
  Frame& operator=(Frame&& other) noexcept;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame();

  [[nodiscard]] std::byte* data();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::span<const std::byte> span() const;
  /// Gives what was received away, without a copy.
  [[nodiscard]] Bytes into_bytes() &&;
  [[nodiscard]] void* raw() { return storage_; }  // a zmq_msg_t, for dealer.cpp

 private:
  alignas(std::max_align_t) std::byte storage_[64];
};

}  // namespace flame::runner
