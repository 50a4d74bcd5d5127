// What a C++ type is on the wire, as constants: they drive the schema text, the fingerprint and the verifier.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flame::detail {

/// The first twelve are stored inline in a table or vector; the others are behind an offset.
enum class Kind : std::uint8_t {
  boolean,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
  uint64,
  float32,
  float64,
  none,  // no value at all: void results
  string,
  vector,
  table
};

/// What else has to hold, beyond the kind.
enum class Role : std::uint8_t {
  plain,
  enumeration,  // only the values of `values`
  duration,     // a count of unit_num/unit_den seconds
  time_point,   // the same since 1970-01-01T00:00:00Z
  attachment,   // 1-based frame number, 0 = empty; each frame at most once
  tracked,      // 1-based position in the resource list, 0 = empty handle; `name` is the type
  child,        // the same for the object of a factory
  variant,      // a table with exactly one field present
  entry,        // a {key, value} table of a map
  set,          // a vector without repeated elements
  nested        // a vector of bytes that is a FlatBuffers buffer with root `name`
};

struct TypeDesc;

struct EnumValue {
  std::string_view name;
  std::uint64_t value;  // the bits of the underlying type, sign-extended to 64 bits when it is signed
};

struct FieldDesc {
  std::string_view name;
  const TypeDesc* type;
  bool optional;  // absent means "no value" rather than zero or empty
};

struct TypeDesc {
  Kind kind = Kind::none;
  Role role = Role::plain;
  bool has_key = false;               // entry: its first field carries (key)
  bool sized = false;                 // vector: must have exactly `length` elements
  std::string_view name = {};         // tables and enums: "ns::T", empty: named after the field that uses it
  std::uint64_t id = 0;               // tables and enums of user types: tells them apart
  const TypeDesc* element = nullptr;  // vectors
  std::size_t length = 0;             // sized vectors
  const FieldDesc* fields = nullptr;  // tables
  std::size_t field_count = 0;
  const EnumValue* values = nullptr;  // enumerations, ascending
  std::size_t value_count = 0;
  std::int64_t unit_num = 0;  // durations and time points
  std::int64_t unit_den = 0;
};

constexpr bool is_inline(Kind kind) {
  return kind < Kind::none;
}

/// Bytes of an inline kind; 4 (the offset) for the others.
constexpr std::size_t inline_size(Kind kind) {
  // No switch: a compiler that wants a default there stands against one that does not.
  if (kind == Kind::boolean || kind == Kind::int8 || kind == Kind::uint8) return 1;
  if (kind == Kind::int16 || kind == Kind::uint16) return 2;
  return kind == Kind::int64 || kind == Kind::uint64 || kind == Kind::float64 ? 8 : 4;
}

constexpr bool is_signed_kind(Kind kind) {
  return kind == Kind::int8 || kind == Kind::int16 || kind == Kind::int32 || kind == Kind::int64;
}

/// FlatBuffers' name of a kind; empty where there is none.
constexpr std::string_view fbs_name(Kind kind) {
  constexpr std::array<std::string_view, 15> kNames = {"bool",   "byte", "ubyte",  "short", "ushort",
                                                       "int",    "uint", "long",   "ulong", "float",
                                                       "double", "",     "string", "",      ""};
  return kNames[static_cast<std::size_t>(kind)];
}

/// What an absent field of an enumeration reads as: zero if there is such an enumerator, else the smallest.
constexpr std::uint64_t default_bits(const TypeDesc& type) {
  if (type.role != Role::enumeration) return 0;
  for (std::size_t i = 0; i < type.value_count; ++i)
    if (type.values[i].value == 0) return 0;
  return type.values[0].value;
}

}  // namespace flame::detail
