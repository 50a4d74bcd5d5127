// Reads the canonical schema text back. Only what schema_text.hpp prints is accepted; the text is not trusted.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace flame::detail {

struct ParsedField {
  std::string_view name;
  std::string_view type;  // without brackets: "int", "work_Shape"
  bool vector = false;
  std::string_view rest;  // default value and attributes, as printed
};

struct ParsedTable {
  std::vector<ParsedField> fields;
  bool variant = false;
};

/// Views into the text that it was parsed from.
struct ParsedSchema {
  std::map<std::string_view, ParsedTable> tables;
  std::map<std::string_view, std::string_view> enums;  // name → the line
};

/// nullopt if a line has not the printed form, a name occurs twice, or Call or Return is missing.
[[nodiscard]] std::optional<ParsedSchema> parse_schema(std::string_view text);

}  // namespace flame::detail
