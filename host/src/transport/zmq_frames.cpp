// See zmq_frames.hpp.
#include "host/src/transport/zmq_frames.hpp"

#include <cstddef>
#include <memory>
#include <utility>

#include "plugin_sdk/base/thread_sanitizer.hpp"

namespace flame::pool {
namespace {

constexpr std::size_t kCopyMax = 4096;  // below this a copy is cheaper than a shared owner

void free_bytes(void*, void* hint) {
  base::take_over(hint);
  delete static_cast<Bytes*>(hint);
}

}  // namespace

Bytes to_bytes(zmq::message_t&& frame) {
  if (frame.empty()) return {};
  auto owner = std::make_shared<zmq::message_t>(std::move(frame));
  const auto* data = owner->data<std::byte>();
  const std::size_t size = owner->size();
  return {std::move(owner), data, size};
}

zmq::message_t to_message(const Bytes& bytes) {
  if (bytes.size() <= kCopyMax) return {bytes.data(), bytes.size()};
  auto owner = std::make_unique<Bytes>(bytes);
  // libzmq takes void*, and only reads.
  auto* data = const_cast<std::byte*>(std::as_const(*owner).data());
  const std::size_t size = owner->size();
  base::hand_over(owner.get());
  zmq::message_t message(data, size, &free_bytes, owner.get());
  static_cast<void>(owner.release());
  return message;
}

}  // namespace flame::pool
