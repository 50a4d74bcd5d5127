// The FlatBuffers layout, written front to back.
#include <flame/detail/encoder.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <flame/detail/codec.hpp>
#include <flame/error.hpp>

#include "plugin_sdk/base/limits.hpp"

namespace flame::detail {
namespace {

// FlatBuffers readers refuse 2 GiB and more; the rest is room for one table.
constexpr std::size_t kTableBytesMax = 2 * limits::GiB - 64 * limits::KiB;
// Enough for the vtables of the types of one signature; more distinct ones are written again.
constexpr std::size_t kVtablesKept = 64;
static_assert(kPayloadDepthMax == limits::kDepthMax);

[[noreturn]] void fail(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  throw CallError(std::move(error));
}

}  // namespace

Encoder::Encoder(ObjectSink* sink) : sink_(sink) {
  buffer_.reserve(256);
  buffer_.resize(sizeof(std::uint32_t));
}

Encoder::~Encoder() = default;

void Encoder::reserve(std::size_t more) {
  if (more > kTableBytesMax || buffer_.size() > kTableBytesMax - more) {
    fail(ErrorCode::too_large,
         "the encoded values would exceed 2 GiB; send large data as flame::Bytes, which has no such limit");
  }
}

void Encoder::align(std::size_t alignment, std::size_t offset) {
  const std::size_t past = (buffer_.size() + offset) % alignment;
  if (past != 0) buffer_.resize(buffer_.size() + alignment - past);
}

void Encoder::refer(std::size_t reference) {
  store(reference, buffer_.size() - reference, sizeof(std::uint32_t));
}

void Encoder::store(std::size_t position, std::uint64_t bits, std::size_t size) {
  std::memcpy(buffer_.data() + position, &bits, size);
}

void Encoder::begin_table() {
  if (++depth_ > kPayloadDepthMax) {
    fail(ErrorCode::invalid_argument,
         "the value is nested deeper than 64 levels; flatten it (lists of nodes with "
         "indices instead of trees of structs)");
  }
  fields_.clear();
}

void Encoder::end_table() {
  --depth_;
}

void Encoder::add_inline(std::size_t field, std::uint64_t bits, std::size_t size) {
  fields_.push_back({bits, static_cast<std::uint32_t>(field), static_cast<std::uint32_t>(size)});
}

void Encoder::add_reference(std::size_t field) {
  add_inline(field, 0, sizeof(std::uint32_t));
}

std::size_t Encoder::vtable_for(std::size_t table_size) {
  vtable_[0] = static_cast<std::uint16_t>(vtable_.size() * 2);
  vtable_[1] = static_cast<std::uint16_t>(table_size);
  const std::size_t bytes = vtable_.size() * 2;
  for (const std::size_t known : vtables_) {
    if (buffer_.size() - known >= bytes && std::memcmp(buffer_.data() + known, vtable_.data(), bytes) == 0)
      return known;
  }
  align(2);
  const std::size_t position = buffer_.size();
  const auto* raw = reinterpret_cast<const std::byte*>(vtable_.data());
  buffer_.insert(buffer_.end(), raw, raw + bytes);
  if (vtables_.size() < kVtablesKept) vtables_.push_back(position);
  return position;
}

std::size_t Encoder::commit_table(std::size_t reference) {
  // Large fields first: no padding but for the first.
  std::size_t fields_end = 0;
  for (const Field& field : fields_) fields_end = std::max<std::size_t>(fields_end, field.index + std::size_t{1});
  vtable_.assign(2 + fields_end, 0);
  const bool wide = std::any_of(fields_.begin(), fields_.end(), [](const Field& f) { return f.size == 8; });
  std::size_t at = wide ? 8 : 4;
  for (std::uint32_t size = 8; size > 0; size /= 2) {
    for (const Field& field : fields_) {
      if (field.size != size) continue;
      vtable_[2 + field.index] = static_cast<std::uint16_t>(at);
      at += size;
    }
  }
  const std::size_t table_size = at;
  if (table_size > UINT16_MAX || vtable_.size() * 2 > UINT16_MAX) {
    fail(ErrorCode::too_large, "one struct has more than 64 KiB of fields; split it");
  }
  reserve(vtable_.size() * 2 + table_size + 16);
  const std::size_t vtable = vtable_for(table_size);
  align(wide ? 8 : 4);
  refer(reference);
  const std::size_t table = buffer_.size();
  buffer_.resize(table + table_size);
  store(table, table - vtable, sizeof(std::int32_t));
  for (const Field& field : fields_) store(table + vtable_[2 + field.index], field.bits, field.size);
  return table;
}

std::size_t Encoder::reference_at(std::size_t table, std::size_t field) const {
  std::int32_t distance = 0;
  std::memcpy(&distance, buffer_.data() + table, sizeof distance);
  std::uint16_t offset = 0;
  std::memcpy(&offset, buffer_.data() + (table - static_cast<std::size_t>(distance)) + 4 + 2 * field, sizeof offset);
  return table + offset;
}

void Encoder::put_string(std::size_t reference, std::string_view text) {
  reserve(text.size() + 16);
  align(4);
  refer(reference);
  const std::size_t length = buffer_.size();
  buffer_.resize(length + 4);
  store(length, text.size(), 4);
  const auto* raw = reinterpret_cast<const std::byte*>(text.data());
  buffer_.insert(buffer_.end(), raw, raw + text.size());
  buffer_.push_back(std::byte{0});
}

std::size_t Encoder::put_vector(std::size_t reference, std::size_t count, std::size_t element_size) {
  if (count > kTableBytesMax) reserve(count);
  reserve(count * element_size + 16);
  align(std::max<std::size_t>(4, element_size), 4);
  refer(reference);
  const std::size_t length = buffer_.size();
  buffer_.resize(length + 4 + count * element_size);
  store(length, count, 4);
  return length + 4;
}

void Encoder::put_vector_of(std::size_t reference, const void* elements, std::size_t count, std::size_t element_size) {
  if (count > kTableBytesMax) reserve(count);
  reserve(count * element_size + 16);
  align(std::max<std::size_t>(4, element_size), 4);
  refer(reference);
  const std::size_t length = buffer_.size();
  buffer_.resize(length + 4);
  store(length, count, 4);
  const auto* raw = static_cast<const std::byte*>(elements);
  if (count != 0) buffer_.insert(buffer_.end(), raw, raw + count * element_size);
}

void Encoder::put_nested(std::size_t reference, const void* data, std::size_t size) {
  reserve(size + 32);
  align(16, 4);
  put_vector_of(reference, data, size, 1);
}

std::uint32_t Encoder::attach(const Bytes& bytes) {
  if (bytes.empty()) return 0;
  if (attachments_.size() == limits::kAttachmentsMax) {
    fail(ErrorCode::too_large, "more than 4096 flame::Bytes in one call; join them into fewer buffers");
  }
  attachments_.push_back(bytes);
  return static_cast<std::uint32_t>(attachments_.size());
}

std::uint32_t Encoder::track(const ObjectHandle& object, std::string_view type_name) {
  if (sink_ == nullptr) {
    if (resources_.size() == limits::kAttachmentsMax) {
      fail(ErrorCode::too_large, "more than 4096 flame::Tracked handles in one call");
    }
    resources_.push_back(object->id());
    return static_cast<std::uint32_t>(resources_.size());
  }
  const std::uint32_t position = sink_->add(object, type_name);
  if (position == 0) {
    fail(ErrorCode::invalid_argument, "the slot cannot hold one more " + std::string(type_name) +
                                          "; let tracked resources go, or keep them in one object");
  }
  return position;
}

void Encoder::fail_valueless() {
  fail(ErrorCode::invalid_argument, "a std::variant without a value (valueless_by_exception) cannot travel");
}

Payload Encoder::finish() {
  return {Bytes(std::move(buffer_)), std::move(attachments_), std::move(resources_)};
}

void sort_pointers(const void** first, std::size_t count, bool (*less)(const void*, const void*)) {
  std::sort(first, first + count, less);
}

Payload encode_void_result() {
  Encoder out(nullptr);
  put_table(out, Encoder::kRoot);
  return out.finish();
}

Payload encode_factory_result(std::uint32_t position) {
  Encoder out(nullptr);
  put_table(out, Encoder::kRoot, position);
  return out.finish();
}

}  // namespace flame::detail
