// Bounds what a nested FlatBuffers buffer decodes to. FlatBuffers' own verifier lets objects share texts, vectors and
// tables, so that 3 MB may decode to 500 GB; this walk lets each byte of the buffer pay for one byte of one object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace flame::detail {

/// Driven by flatc's type tables (`--reflect-types`): `TypeTable` is flatbuffers::TypeTable, without its header. Reads
/// nothing outside of the buffer. What it accepts FlatBuffers' verifier checks in linear time, and it decodes to at
/// most a constant multiple of its size.
template <class TypeTable>
class FlatWalk {
 public:
  FlatWalk(const std::byte* data, std::size_t size, unsigned depth_max)
      : data_(data), size_(size), budget_(size), depth_max_(depth_max) {}

  /// Whether the buffer holds one object of the table `type` within the bounds.
  bool root(const TypeTable& type) { return size_ >= 8 && referred_table(0, type, 0); }

 private:
  // flatbuffers::ElementaryType and SequenceType, whose values the generated code shares with its library.
  enum : unsigned { kUnionType = 0, kUint8 = 3, kInt16 = 4, kUint16 = 5, kLong = 8, kUnsignedLong = 9, kDouble = 11 };
  enum : unsigned { kString = 12, kSequence = 13 };
  enum class Form : int { table, structure, union_, enumeration };

  // One field or one alternative of a union.
  struct Entry {
    unsigned base;
    bool repeated;
    const TypeTable* type;  // of a sequence, else the enumeration or null
  };
  static Entry entry(const TypeTable& type, std::size_t index) {
    const auto code = type.type_codes[index];
    return {code.base_type, code.is_repeating != 0,
            code.sequence_ref < 0 ? nullptr : type.type_refs[code.sequence_ref]()};
  }
  static Form form(const TypeTable& type) { return static_cast<Form>(type.st); }

  static std::size_t inline_size(const Entry& entry) {
    if (entry.base == kSequence && entry.type != nullptr && form(*entry.type) == Form::structure) {
      return static_cast<std::size_t>(entry.type->values[entry.type->num_elems]);
    }
    if (entry.base <= kUint8) return 1;
    if (entry.base == kInt16 || entry.base == kUint16) return 2;
    return entry.base == kLong || entry.base == kUnsignedLong || entry.base == kDouble ? 8 : 4;
  }

  template <class U>
  [[nodiscard]] U load(std::size_t at) const {
    U value;
    std::memcpy(&value, data_ + at, sizeof value);
    return value;
  }

  bool claim(std::size_t at, std::size_t bytes) {
    if (bytes > size_ || at > size_ - bytes || bytes > budget_) return false;
    budget_ -= bytes;
    return true;
  }

  // The object that the offset at `at` leads to; its first four bytes are there. 0: none.
  [[nodiscard]] std::size_t follow(std::size_t at) const {
    const std::uint32_t distance = load<std::uint32_t>(at);
    return distance == 0 || distance > size_ - at || size_ - at - distance < 4 ? 0 : at + distance;
  }

  bool referred(std::size_t at, const Entry& entry, unsigned depth) {
    if (entry.base == kString) return referred_string(at);
    if (entry.base != kSequence || entry.type == nullptr) return true;
    return form(*entry.type) == Form::table ? referred_table(at, *entry.type, depth) : referred_struct(at, entry);
  }

  bool referred_string(std::size_t at) {
    const std::size_t string = follow(at);
    return string != 0 && claim(string, 4 + std::size_t{load<std::uint32_t>(string)} + 1);
  }

  // A structure stands behind an offset only as an alternative of a union.
  bool referred_struct(std::size_t at, const Entry& entry) {
    const std::size_t structure = follow(at);
    return structure != 0 && claim(structure, inline_size(entry));
  }

  bool referred_table(std::size_t at, const TypeTable& type, unsigned depth) {
    const std::size_t table = follow(at);
    if (table == 0 || depth == depth_max_) return false;
    const std::int64_t vtable_at = static_cast<std::int64_t>(table) - load<std::int32_t>(table);
    if (vtable_at < 0 || static_cast<std::uint64_t>(vtable_at) + 4 > size_) return false;
    const auto vtable = static_cast<std::size_t>(vtable_at);
    const std::size_t vtable_size = load<std::uint16_t>(vtable);
    const std::size_t table_size = load<std::uint16_t>(vtable + 2);
    if (vtable_size < 4 || vtable_size > size_ - vtable || table_size < 4 || !claim(table, table_size)) return false;
    std::size_t before = 0;  // the field before this one: the type of a union
    for (std::size_t i = 0; i < type.num_elems && 4 + 2 * i + 2 <= vtable_size; ++i) {
      const std::size_t offset = load<std::uint16_t>(vtable + 4 + 2 * i);
      const Entry field = entry(type, i);
      if (offset != 0) {
        const std::size_t bytes = field.repeated ? 4 : inline_size(field);
        if (offset < 4 || offset + bytes > table_size) return false;
        if (!value(table + offset, field, before, depth + 1)) return false;
      }
      before = offset == 0 ? 0 : table + offset;
    }
    return true;
  }

  bool value(std::size_t at, const Entry& field, std::size_t before, unsigned depth) {
    if (field.repeated) return vector(at, field, before, depth);
    if (field.base == kSequence && field.type != nullptr && form(*field.type) == Form::structure) return true;
    if (!is_union(field)) return referred(at, field, depth);
    return before == 0 || alternative(at, *field.type, load<std::uint8_t>(before), depth);
  }

  bool vector(std::size_t at, const Entry& field, std::size_t before, unsigned depth) {
    const std::size_t vector = follow(at);
    if (vector == 0) return false;
    const std::size_t count = load<std::uint32_t>(vector);
    const std::size_t element = inline_size(field);
    if (!claim(vector, 4 + count * element)) return false;
    std::size_t types = 0;  // of a vector of unions
    if (is_union(field)) {
      types = before == 0 ? 0 : follow(before);
      if (types == 0 || load<std::uint32_t>(types) < count || count > size_ - types - 4) return false;
    } else if (field.base != kString && (field.base != kSequence || element_is_struct(field))) {
      return true;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t position = vector + 4 + 4 * i;
      const bool good = types == 0 ? referred(position, field, depth)
                                   : alternative(position, *field.type, load<std::uint8_t>(types + 4 + i), depth);
      if (!good) return false;
    }
    return true;
  }

  // An alternative that this side does not know is not decoded.
  bool alternative(std::size_t at, const TypeTable& type, std::uint8_t chosen, unsigned depth) {
    if (chosen == 0) return true;
    std::size_t index = chosen;
    if (type.values != nullptr) {
      for (index = 0; index < type.num_elems && type.values[index] != chosen;) ++index;
    }
    return index >= type.num_elems || referred(at, entry(type, index), depth);
  }

  static bool is_union(const Entry& field) {
    return field.base == kSequence && field.type != nullptr && form(*field.type) == Form::union_;
  }
  static bool element_is_struct(const Entry& field) {
    return field.type == nullptr || form(*field.type) == Form::structure;
  }

  const std::byte* data_;
  std::size_t size_;
  std::size_t budget_;
  unsigned depth_max_;
};

}  // namespace flame::detail
