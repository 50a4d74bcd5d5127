// Tells which fields of a packed table have their default, so that a field added to a message later cannot be forgotten
// by the round-trip test.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace flame::test {

/// Appends the names ("Invoke.payload.parts") of the fields of `table` and of the tables in it that have their default.
template <typename Table>
void unset_fields(const Table& table, const std::string& name, std::vector<std::string>& out);

template <typename Value>
void unset_within(const Value& value, const std::string& name, std::vector<std::string>& out) {
  if constexpr (std::is_same_v<Value, const flatbuffers::String*>) {
    if (value->size() == 0) out.push_back(name);
  } else if constexpr (requires { value->Get(0); }) {
    if (value->size() == 0) out.push_back(name);
    using Element = decltype(value->Get(0));
    if constexpr (std::is_pointer_v<Element> && !std::is_same_v<Element, const flatbuffers::String*>) {
      for (flatbuffers::uoffset_t i = 0; i < value->size(); ++i) unset_fields(*value->Get(i), name, out);
    }
  } else if constexpr (std::is_pointer_v<Value>) {
    unset_fields(*value, name, out);
  }
}

template <typename Table>
void unset_fields(const Table& table, const std::string& name, std::vector<std::string>& out) {
  const auto& fields = reinterpret_cast<const flatbuffers::Table&>(table);  // a private base
  const auto look_at = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    const std::string field = name + '.' + Table::Traits::field_names[I];
    if (!fields.CheckField(4 + 2 * I)) return out.push_back(field);
    unset_within(table.template get_field<I>(), field, out);
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (look_at(std::integral_constant<std::size_t, I>()), ...);
  }
  (std::make_index_sequence<Table::Traits::fields_number>());
}

template <typename Table>
std::vector<std::string> unset_fields(const Table& table) {
  std::vector<std::string> out;
  unset_fields(table, Table::Traits::name, out);
  return out;
}

}  // namespace flame::test
