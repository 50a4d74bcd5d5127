// A task's schema as FlatBuffers' parser holds it. The only header of the command that includes flatbuffers.
#pragma once

#include <flatbuffers/idl.h>

#include <string>
#include <vector>

#include "tools/flame/json_codec.hpp"

namespace flame::cli {

struct JsonCodec::Schema {
  flatbuffers::Parser parser;
  const flatbuffers::StructDef* call = nullptr;
  const flatbuffers::StructDef* returned = nullptr;
};

/// The value of a field's attribute, or nullptr.
[[nodiscard]] const std::string* attribute(const flatbuffers::FieldDef& field, const char* name);

/// Whether all members are named f0, f1, …: they have no names in C++.
[[nodiscard]] bool is_positional(const flatbuffers::StructDef& table);

/// Whether the table only wraps an element that FlatBuffers cannot put into a vector: one member `v`.
[[nodiscard]] bool is_wrapper(const flatbuffers::StructDef& table);

/// Whether the element type is an entry of a map: {key, value}, sorted by key.
[[nodiscard]] bool is_map_entry(const flatbuffers::Type& element);

/// The same with text keys: an object in JSON.
[[nodiscard]] bool is_text_map(const flatbuffers::Type& element);

/// Whether exactly one member is present.
[[nodiscard]] bool is_variant(const flatbuffers::StructDef& table);

/// "string", "[int32]", "{path: string}": a type for a person; `depth` limits nested members.
[[nodiscard]] std::string describe(const flatbuffers::Type& type, const flatbuffers::FieldDef& field, int depth = 2);

/// Names of a table's members.
[[nodiscard]] std::vector<std::string> member_names(const flatbuffers::StructDef& table);

}  // namespace flame::cli
