// A line-by-line parser: the printer puts one thing on a line.
#include "plugin_sdk/sdk/schema_parser.hpp"

#include <cstddef>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::detail {
namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool is_identifier(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

// "name:[type] = default (attributes);"
std::optional<ParsedField> parse_field(std::string_view line) {
  ParsedField field;
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !take_suffix(line, ";")) return std::nullopt;
  field.name = line.substr(0, colon);
  std::string_view type = line.substr(colon + 1);
  const std::size_t end = type.find(' ');
  if (end != type.npos) {
    field.rest = type.substr(end);
    type = type.substr(0, end);
  }
  field.vector = take_prefix(type, "[");
  if (field.vector != take_suffix(type, "]")) return std::nullopt;
  field.type = type;
  if (!is_identifier(field.name) || !is_identifier(field.type)) return std::nullopt;
  return field;
}

class Parser {
 public:
  bool line(std::string_view text) {
    if (table_ != nullptr) return table_line(text);
    if (text.empty() || text == "root_type Call;") return true;
    if (take_prefix(text, "attribute \"")) return take_suffix(text, "\";") && is_identifier(text);
    if (take_prefix(text, "enum ")) return enumeration(text);
    return take_prefix(text, "table ") && table(text);
  }

  std::optional<ParsedSchema> finish() {
    if (table_ != nullptr || !schema_.tables.contains("Call") || !schema_.tables.contains("Return"))
      return std::nullopt;
    return std::move(schema_);
  }

 private:
  bool table_line(std::string_view text) {
    if (text == "}") {
      table_ = nullptr;
      return true;
    }
    if (!take_prefix(text, "  ")) return false;
    const std::optional<ParsedField> field = parse_field(text);
    if (!field) return false;
    table_->fields.push_back(*field);
    return true;
  }

  bool table(std::string_view text) {
    if (!take_suffix(text, " {")) return false;
    const bool variant = take_suffix(text, " (flame_variant)");
    if (!is_identifier(text) || schema_.enums.contains(text)) return false;
    const auto [entry, fresh] = schema_.tables.try_emplace(text);
    table_ = &entry->second;
    table_->variant = variant;
    return fresh;
  }

  bool enumeration(std::string_view text) {
    const std::string_view name = text.substr(0, text.find(' '));
    return is_identifier(name) && !schema_.tables.contains(name) && schema_.enums.try_emplace(name, text).second;
  }

  ParsedSchema schema_;
  ParsedTable* table_ = nullptr;
};

}  // namespace

std::optional<ParsedSchema> parse_schema(std::string_view text) {
  if (text.size() > limits::kNoteBytesMax) return std::nullopt;
  Parser parser;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == text.npos || !parser.line(text.substr(0, end))) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return parser.finish();
}

}  // namespace flame::detail
