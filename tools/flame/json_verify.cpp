// See json_verify.hpp. Positions are 64-bit, so that sums of 32-bit offsets from the buffer cannot wrap.
#include "tools/flame/json_verify.hpp"

#include <cstdint>
#include <cstring>

#include "plugin_sdk/base/limits.hpp"

namespace flame::cli {
namespace {

namespace fb = flatbuffers;

class Bounds {
 public:
  explicit Bounds(std::span<const std::byte> buffer) : buffer_(buffer), steps_left_(buffer.size() + 1) {}

  bool table(std::uint64_t at, const fb::StructDef& definition, unsigned depth);
  [[nodiscard]] bool target(std::uint64_t offset_at, std::uint64_t& target) const;

 private:
  /// One table as its vtable describes it.
  struct Frame {
    std::uint64_t at = 0;
    std::uint64_t vtable = 0;
    std::uint64_t vtable_size = 0;
    std::uint64_t size = 0;
  };

  [[nodiscard]] bool inside(std::uint64_t at, std::uint64_t size) const {
    return at <= buffer_.size() && size <= buffer_.size() - at;
  }
  [[nodiscard]] static bool aligned(std::uint64_t at, const fb::Type& type) {
    return at % (fb::IsStruct(type) ? type.struct_def->minalign : fb::SizeOf(type.base_type)) == 0;
  }
  template <class T>
  [[nodiscard]] T read(std::uint64_t at) const {
    T value;
    std::memcpy(&value, buffer_.data() + at, sizeof(T));
    return value;
  }
  bool frame(std::uint64_t at, Frame& out) const;
  bool field(const Frame& frame, const fb::FieldDef& field, unsigned depth);
  bool object(std::uint64_t offset_at, const fb::Type& type, unsigned depth);
  bool vector(std::uint64_t at, const fb::Type& element, unsigned depth);
  bool alternative(const Frame& frame, const fb::FieldDef& field, std::uint64_t at, unsigned depth);
  [[nodiscard]] bool string(std::uint64_t at) const;
  // One of the steps that a buffer of this size may cost.
  [[nodiscard]] bool step() { return steps_left_ > 0 && steps_left_-- > 0; }

  std::span<const std::byte> buffer_;
  std::uint64_t steps_left_;
};

bool Bounds::target(std::uint64_t offset_at, std::uint64_t& target) const {
  if (!inside(offset_at, sizeof(std::uint32_t))) return false;
  const auto offset = read<std::uint32_t>(offset_at);
  target = offset_at + offset;
  return offset != 0 && target < buffer_.size() && target % sizeof(std::uint32_t) == 0;
}

bool Bounds::frame(std::uint64_t at, Frame& out) const {
  if (!inside(at, sizeof(std::int32_t))) return false;
  const std::int64_t vtable = static_cast<std::int64_t>(at) - read<std::int32_t>(at);
  if (vtable < 0 || !inside(static_cast<std::uint64_t>(vtable), 2 * sizeof(std::uint16_t))) return false;
  out.at = at;
  out.vtable = static_cast<std::uint64_t>(vtable);
  out.vtable_size = read<std::uint16_t>(out.vtable);
  out.size = read<std::uint16_t>(out.vtable + sizeof(std::uint16_t));
  return out.vtable_size >= 2 * sizeof(std::uint16_t) && out.vtable_size % 2 == 0 &&
         inside(out.vtable, out.vtable_size) && out.size >= sizeof(std::int32_t) && inside(at, out.size);
}

bool Bounds::table(std::uint64_t at, const fb::StructDef& definition, unsigned depth) {
  Frame in;
  if (depth > limits::kDepthMax || !step() || !frame(at, in)) return false;
  for (const auto* member : definition.fields.vec) {
    if (!field(in, *member, depth)) return false;
  }
  return true;
}

bool Bounds::field(const Frame& frame, const fb::FieldDef& field, unsigned depth) {
  const std::uint64_t slot = field.value.offset;
  if (slot + sizeof(std::uint16_t) > frame.vtable_size) return true;  // not sent
  const auto offset = read<std::uint16_t>(frame.vtable + slot);
  if (offset == 0) return true;
  const auto& type = field.value.type;
  if (offset < sizeof(std::int32_t) || offset + fb::InlineSize(type) > frame.size) return false;
  const std::uint64_t at = frame.at + offset;
  if (!aligned(at, type)) return false;
  if (fb::IsScalar(type.base_type) || fb::IsStruct(type)) return true;
  if (type.base_type == fb::BASE_TYPE_UNION) return alternative(frame, field, at, depth);
  return object(at, type, depth);
}

bool Bounds::object(std::uint64_t offset_at, const fb::Type& type, unsigned depth) {
  std::uint64_t at = 0;
  if (!target(offset_at, at)) return false;
  if (fb::IsString(type)) return string(at);
  if (fb::IsVector(type)) return vector(at, type.VectorType(), depth);
  return fb::IsTable(type) && table(at, *type.struct_def, depth + 1);
}

bool Bounds::string(std::uint64_t at) const {
  if (!inside(at, sizeof(std::uint32_t))) return false;
  return inside(at + sizeof(std::uint32_t), std::uint64_t{read<std::uint32_t>(at)} + 1);
}

bool Bounds::vector(std::uint64_t at, const fb::Type& element, unsigned depth) {
  if (!inside(at, sizeof(std::uint32_t))) return false;
  const std::uint64_t count = read<std::uint32_t>(at);
  const std::uint64_t first = at + sizeof(std::uint32_t);
  const std::uint64_t stride = fb::InlineSize(element);
  if (!inside(first, count * stride) || (count != 0 && !aligned(first, element))) return false;
  if (fb::IsScalar(element.base_type) || fb::IsStruct(element)) return true;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!step() || !object(first + i * stride, element, depth)) return false;
  }
  return true;
}

// FlatBuffers puts the tag of a union in the member before it.
bool Bounds::alternative(const Frame& frame, const fb::FieldDef& field, std::uint64_t at, unsigned depth) {
  const std::uint64_t slot = field.value.offset - sizeof(std::uint16_t);
  const auto offset = read<std::uint16_t>(frame.vtable + slot);
  if (offset < sizeof(std::int32_t) || offset + sizeof(std::uint8_t) > frame.size) return false;
  const auto* known = field.value.type.enum_def->ReverseLookup(read<std::uint8_t>(frame.at + offset));
  std::uint64_t place = 0;
  if (known == nullptr || !target(at, place)) return false;
  if (fb::IsString(known->union_type)) return string(place);
  const auto* definition = known->union_type.struct_def;
  if (definition == nullptr) return true;
  if (definition->fixed) return inside(place, definition->bytesize);
  return table(place, *definition, depth + 1);
}

}  // namespace

bool is_sound(const fb::StructDef& root, std::span<const std::byte> buffer) {
  Bounds bounds(buffer);
  std::uint64_t at = 0;
  return bounds.target(0, at) && bounds.table(at, root, 1);
}

}  // namespace flame::cli
