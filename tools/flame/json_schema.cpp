// Reading of a schema, and what can be asked of it.
#include "tools/flame/json_schema.hpp"

#include <array>
#include <span>

#include "plugin_sdk/sdk/schema_types.hpp"
#include "tools/flame/json_codec.hpp"

namespace flame::cli {
namespace {

using detail::Kind;
using detail::Role;
using detail::TypeDesc;

std::string scalar_name(Kind kind) {
  constexpr std::array<const char*, 13> kNames = {"bool",  "int8",   "uint8", "int16",  "uint16", "int32", "uint32",
                                                  "int64", "uint64", "float", "double", "",       "string"};
  return kNames.at(static_cast<std::size_t>(kind));
}

std::string describe_variant(const TypeDesc& table, int depth, int lists) {
  std::string text;
  for (const auto& member : std::span(table.fields, table.field_count)) {
    text += (text.empty() ? "{" : " | {") + std::string(member.name) + ": " + describe(*member.type, depth - 1, lists) +
            "}";
  }
  return text;
}

std::string describe_table(const TypeDesc& table, int depth, int lists) {
  if (is_wrapper(table) && lists > 0) return describe(*table.fields[0].type, depth, lists - 1);
  if (depth <= 0) return std::string(table.name);
  if (table.role == Role::variant) return describe_variant(table, depth, lists);
  std::string text;
  for (const auto& member : std::span(table.fields, table.field_count)) {
    if (!text.empty()) text += ", ";
    if (!is_positional(table)) text += std::string(member.name) + ": ";
    text += describe(*member.type, depth - 1, lists);
  }
  return is_positional(table) ? "[" + text + "]" : "{" + text + "}";
}

std::string describe_enum(const TypeDesc& type) {
  std::string text;
  for (const auto& value : std::span(type.values, type.value_count)) {
    text += (text.empty() ? "" : "|") + std::string(value.name);
  }
  return text;
}

std::string describe_time(const TypeDesc& type) {
  return scalar_name(type.kind) + " (in units of " + std::to_string(type.unit_num) + "/" +
         std::to_string(type.unit_den) + (type.role == Role::duration ? "s)" : "s since 1970)");
}

}  // namespace

bool is_positional(const TypeDesc& table) {
  for (std::size_t i = 0; i < table.field_count; ++i) {
    if (table.fields[i].name != "f" + std::to_string(i)) return false;
  }
  return table.field_count != 0;
}

bool is_wrapper(const TypeDesc& table) {
  return table.field_count == 1 && table.fields[0].name == "v";
}

bool is_text_map(const TypeDesc& vector) {
  return vector.element->role == Role::entry && vector.element->fields[0].type->kind == Kind::string;
}

std::string describe(const TypeDesc& type, int depth, int lists) {
  switch (type.role) {
    case Role::nested:
      return "bytes of a " + std::string(type.name);
    case Role::attachment:
      return "bytes";
    case Role::tracked:
      return "tracked resource";
    case Role::enumeration:
      return describe_enum(type);
    case Role::duration:
    case Role::time_point:
      return describe_time(type);
    default:
      break;
  }
  if (type.kind == Kind::table) return describe_table(type, depth, lists);
  if (type.kind != Kind::vector) return scalar_name(type.kind);
  return type.element->role == Role::entry ? "map" : "[" + describe(*type.element, depth, lists) + "]";
}

std::vector<std::string> member_names(const TypeDesc& table) {
  std::vector<std::string> names;
  for (const auto& member : std::span(table.fields, table.field_count)) names.emplace_back(member.name);
  return names;
}

std::string Way::text() const {
  std::string text;
  for (const auto& [kind, name, index] : steps_) {
    if (kind == Step::Kind::argument) text += "argument " + std::to_string(index + 1);
    if (kind == Step::Kind::element) text += "[" + std::to_string(index) + "]";
    if (kind == Step::Kind::member) text += "." + std::string(name);
  }
  return text;
}

Result<JsonCodec> JsonCodec::from_schema(const std::string& fbs) {
  JsonCodec codec;
  codec.types_ = detail::SchemaTypes::read(fbs);
  if (codec.types_ != nullptr) return codec;
  return Error{.code = ErrorCode::incompatible,
               .message =
                   "the schema in the plugin's manifest is not one that FLAME prints. Rebuild the plugin with "
                   "this version of FLAME."};
}

std::string JsonCodec::parameters() const {
  std::string text;
  for (const auto& parameter : std::span(types_->call().fields, types_->call().field_count)) {
    text += (text.empty() ? "" : ", ") + describe(*parameter.type);
  }
  return "(" + text + ")";
}

std::string JsonCodec::signature() const {
  const TypeDesc& returned = types_->returned();
  return parameters() + (returned.field_count == 0 ? "" : " -> " + describe(*returned.fields[0].type));
}

}  // namespace flame::cli
