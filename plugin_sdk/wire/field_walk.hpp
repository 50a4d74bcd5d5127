// Visits every field of a table and of the tables in it, by flatc's static reflection.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "plugin_sdk/wire/field_rules.hpp"

namespace flame::wire {

/// Where a field is: Invoke, payload, parts.
struct FieldPath {
  const FieldPath* parent;
  const char* name;
};

template <typename Visitor, typename Table>
bool walk_fields(Visitor& visitor, const Table& table, const FieldPath& path);

// `value`: what the generated accessor gives, so a pointer for all but numbers.
template <typename Visitor, typename Value>
bool walk_value(Visitor& visitor, Value value, const FieldRule& rule, const FieldPath& path) {
  if constexpr (!std::is_pointer_v<Value>) {
    return visitor.number(value, rule, path);
  } else if constexpr (std::is_same_v<Value, const flatbuffers::String*>) {
    return value == nullptr || visitor.text(*value, rule, path);
  } else if constexpr (requires { value->Get(0); }) {
    if (value == nullptr) return true;
    if (!visitor.list(*value, rule, path)) return false;
    if constexpr (std::is_pointer_v<decltype(value->Get(0))>) {
      for (flatbuffers::uoffset_t i = 0; i < value->size(); ++i) {
        if (!walk_value(visitor, value->Get(i), rule, path)) return false;
      }
    }
    return true;
  } else {
    return value == nullptr || walk_fields(visitor, *value, path);
  }
}

/// Calls number(), text() or list() of `visitor` with each field that is there, its rule and its path, a list before
/// its elements, until one returns false; returns whether none did. `table` has been verified or packed by us.
template <typename Visitor, typename Table>
bool walk_fields(Visitor& visitor, const Table& table, const FieldPath& path) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (walk_value(visitor, table.template get_field<I>(),
                       kRule<Table, static_cast<typename Table::FlatBuffersVTableOffset>(4 + 2 * I)>,
                       FieldPath{&path, Table::Traits::field_names[I]}) &&
            ...);
  }
  (std::make_index_sequence<Table::Traits::fields_number>());
}

}  // namespace flame::wire
