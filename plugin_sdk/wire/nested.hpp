// What the generated structs have for a nested table: a value, where flatc would have a pointer.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <flame/error.hpp>

namespace flame::fb {
struct ErrorT;
struct UsageT;
}  // namespace flame::fb

namespace flame::wire {

/// As what a nested table stands in a message: as its generated struct, except where the public headers have a type.
template <typename Table>
struct NestedAs {
  using Value = Table;
  static const Table& table(const Value& value) { return value; }
  static Value value(Table&& table) { return std::move(table); }
  static bool absent(const Value& value) { return value == Table(); }
};
template <>
struct NestedAs<fb::ErrorT> {
  using Value = Error;  // its `invocation` does not travel
  static fb::ErrorT table(const Error& error);
  static Error value(fb::ErrorT&& table);
  static bool absent(const Error& error) { return error.code == ErrorCode::none; }
};
template <>
struct NestedAs<fb::UsageT> {
  using Value = Usage;
  static fb::UsageT table(const Usage& usage);
  static Usage value(fb::UsageT&& table);
  static bool absent(const Usage& usage);
};

/// The value itself, and beside it what the generated code wants of a pointer. A value that says nothing is not sent:
/// then it is "null", and null reads as such a value.
template <typename Table>
class Nested : public NestedAs<Table>::Value {
  using As = NestedAs<Table>;
  using Value = typename As::Value;

 public:
  Nested() = default;
  Nested(Value value) : Value(std::move(value)) {}  // NOLINT(google-explicit-constructor): it is that value
  /// Takes ownership, as a smart pointer does.
  explicit Nested(Table* table) : Nested(std::unique_ptr<Table>(table)) {}

  explicit operator bool() const { return !As::absent(*this); }
  decltype(auto) operator*() const { return As::table(*this); }
  [[nodiscard]] auto get() const {
    if constexpr (std::is_same_v<Table, Value>) {
      return static_cast<const Table*>(this);
    } else {
      return Pointee{As::table(*this)};
    }
  }
  friend bool operator==(const Nested& a, const Nested& b) { return *a == *b; }

 private:
  explicit Nested(std::unique_ptr<Table> table) : Value(table ? As::value(std::move(*table)) : Value()) {}

  // Lives until the generated function that takes the pointer has returned.
  struct Pointee {
    Table table;
    operator const Table*() const { return &table; }  // NOLINT(google-explicit-constructor): as get() of a pointer
  };
};

}  // namespace flame::wire
