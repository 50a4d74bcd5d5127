// The types that a schema text declares, described as desc_of<> describes those of C++.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/type_desc.hpp>

namespace flame::detail {

/// Immutable; its descriptions live as long as it does. All names are views into the text; tables always have one,
/// helpers, too.
class SchemaTypes {
 public:
  /// nullptr if the text has not the form that schema_text.hpp prints, a name occurs twice, or a type, Call or Return
  /// is missing. The text is not trusted: what was read is safe to verify and decode by. Attributes that this version
  /// does not know are ignored. [any thread]
  [[nodiscard]] static std::shared_ptr<const SchemaTypes> read(std::string_view text);

  [[nodiscard]] const TypeDesc& call() const { return named_.at("Call"); }
  [[nodiscard]] const TypeDesc& returned() const { return named_.at("Return"); }

  /// The text from a name in it to the end of its line: all that it says about a field or an enumeration.
  [[nodiscard]] std::string_view line(std::string_view name) const;

 private:
  friend class SchemaReader;
  explicit SchemaTypes(std::string_view text) : text_(text) {}

  const std::string text_;
  std::map<std::string_view, TypeDesc> named_;
  std::deque<TypeDesc> unnamed_;
  std::deque<std::vector<FieldDesc>> fields_;
  std::deque<std::vector<EnumValue>> values_;
};

}  // namespace flame::detail
