// What a decoder does beyond reading numbers: attachments, tracked objects, messages.
#include <flame/detail/decoder.hpp>

#include <algorithm>
#include <cstring>
#include <string>

#include <flame/error.hpp>

#include "plugin_sdk/sdk/payload_error.hpp"

namespace flame::detail {

std::uint64_t load_bits(const std::byte* at, Kind kind) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, at, inline_size(kind));
  if (!is_signed_kind(kind)) return bits;
  const std::size_t unused = 64 - 8 * inline_size(kind);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
}

Bytes Decoder::attachment(std::uint32_t frame) const {
  return frame == 0 ? Bytes() : payload_.attachments[frame - 1];
}

ObjectHandle Decoder::tracked(std::uint32_t index, std::string_view type_name) {
  if (index == 0) return nullptr;
  ObjectHandle object = objects_ == nullptr ? nullptr : objects_->find(index, type_name);
  if (object == nullptr) fail(true, "the " + std::string(type_name) + " it refers to no longer exists; make it again");
  return object;
}

void Decoder::fail_repeated() {
  fail(false, "a key or element appears twice, but the type holds each once");
}
void Decoder::fail_nested() {
  fail(false, "its bytes are not a valid FlatBuffers buffer of this type");
}

void Decoder::fail(bool lost, std::string_view what) {
  if (failed_) return;
  failed_ = true;
  PayloadPath path(root_);
  for (std::size_t i = 0; i < std::min(depth_, path_.size()); ++i) path.field(path_[i]);
  error_ = payload_error(path, lost ? ErrorCode::runner_lost : ErrorCode::invalid_argument, what);
}

}  // namespace flame::detail
