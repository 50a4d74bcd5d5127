// Reading of a schema, and what can be asked of it.
#include "tools/flame/json_schema.hpp"

#include <utility>

namespace flame::cli {
namespace {

namespace fb = flatbuffers;

const fb::StructDef* complete_table(const fb::Parser& parser, const char* name) {
  const auto* found = parser.structs_.Lookup(name);
  return found != nullptr && !found->predecl && !found->fixed ? found : nullptr;
}

Error no_schema(const std::string& why) {
  return Error{.code = ErrorCode::incompatible,
               .message = "the schema in the plugin's manifest cannot be used: " + why +
                          ". Rebuild the plugin with this version of FLAME."};
}

const char* scalar_name(fb::BaseType type) {
  switch (type) {
    case fb::BASE_TYPE_BOOL:
      return "bool";
    case fb::BASE_TYPE_CHAR:
      return "int8";
    case fb::BASE_TYPE_UCHAR:
      return "uint8";
    case fb::BASE_TYPE_SHORT:
      return "int16";
    case fb::BASE_TYPE_USHORT:
      return "uint16";
    case fb::BASE_TYPE_INT:
      return "int32";
    case fb::BASE_TYPE_UINT:
      return "uint32";
    case fb::BASE_TYPE_LONG:
      return "int64";
    case fb::BASE_TYPE_ULONG:
      return "uint64";
    case fb::BASE_TYPE_FLOAT:
      return "float";
    case fb::BASE_TYPE_DOUBLE:
      return "double";
    case fb::BASE_TYPE_STRING:
      return "string";
    default:
      return "union";
  }
}

std::string describe_variant(const fb::StructDef& table, int depth) {
  std::string text;
  for (const auto* member : table.fields.vec) {
    text +=
        (text.empty() ? "{" : " | {") + member->name + ": " + describe(member->value.type, *member, depth - 1) + "}";
  }
  return text;
}

std::string describe_table(const fb::StructDef& table, int depth) {
  if (depth <= 0) return table.name;
  if (is_variant(table)) return describe_variant(table, depth);
  std::string text;
  for (const auto* member : table.fields.vec) {
    if (!text.empty()) text += ", ";
    if (!is_positional(table)) text += member->name + ": ";
    text += describe(member->value.type, *member, depth - 1);
  }
  return is_positional(table) ? "[" + text + "]" : "{" + text + "}";
}

std::string describe_enum(const fb::EnumDef& definition) {
  std::string text;
  for (const auto* value : definition.Vals()) text += (text.empty() ? "" : "|") + value->name;
  return text;
}

}  // namespace

const std::string* attribute(const fb::FieldDef& field, const char* name) {
  const auto* value = field.attributes.Lookup(name);
  return value != nullptr ? &value->constant : nullptr;
}

bool is_positional(const fb::StructDef& table) {
  const auto& members = table.fields.vec;
  if (members.empty()) return false;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i]->name != "f" + std::to_string(i)) return false;
  }
  return true;
}

bool is_wrapper(const fb::StructDef& table) {
  return !table.fixed && table.fields.vec.size() == 1 && table.fields.vec[0]->name == "v";
}

bool is_map_entry(const fb::Type& element) {
  if (!fb::IsTable(element)) return false;
  const auto& members = element.struct_def->fields.vec;
  return members.size() == 2 && members[0]->name == "key" && members[0]->key && members[1]->name == "value";
}

bool is_text_map(const fb::Type& element) {
  return is_map_entry(element) && fb::IsString(element.struct_def->fields.vec[0]->value.type);
}

bool is_variant(const fb::StructDef& table) {
  return table.attributes.Lookup("flame_variant") != nullptr;
}

std::string describe(const fb::Type& type, const fb::FieldDef& field, int depth) {
  if (attribute(field, "flame_nested") != nullptr) return "bytes of a " + *attribute(field, "flame_nested");
  if (attribute(field, "flame_attachment") != nullptr && fb::IsScalar(type.base_type)) return "bytes";
  if (attribute(field, "flame_tracked") != nullptr && fb::IsScalar(type.base_type)) return "tracked resource";
  if (fb::IsVector(type)) {
    if (is_map_entry(type.VectorType())) return "map";
    return "[" + describe(type.VectorType(), field, depth) + "]";
  }
  if (type.base_type == fb::BASE_TYPE_STRUCT) {
    if (is_wrapper(*type.struct_def)) {
      const auto& inner = *type.struct_def->fields.vec[0];
      return describe(inner.value.type, inner, depth);
    }
    return describe_table(*type.struct_def, depth);
  }
  if (type.enum_def != nullptr && fb::IsInteger(type.base_type)) return describe_enum(*type.enum_def);
  std::string text = scalar_name(type.base_type);
  if (const auto* unit = attribute(field, "flame_unit")) text += " (in units of " + *unit + ")";
  return text;
}

std::vector<std::string> member_names(const fb::StructDef& table) {
  std::vector<std::string> names;
  for (const auto* member : table.fields.vec) names.push_back(member->name);
  return names;
}

Result<JsonCodec> JsonCodec::from_schema(const std::string& fbs) {
  auto schema = std::make_unique<Schema>();
  auto& parser = schema->parser;
  parser.opts.strict_json = false;      // it only makes the parser refuse what the walk has already converted
  parser.builder_.ForceDefaults(true);  // else -0.0, which equals the default, would be left out and read as 0.0
  if (!parser.Parse(fbs.c_str())) return no_schema(parser.error_);
  schema->call = complete_table(parser, "Call");
  schema->returned = complete_table(parser, "Return");
  if (schema->call == nullptr || schema->returned == nullptr) return no_schema("it has no tables Call and Return");
  // The parser sorts maps in a time that grows with the square of their size; the walk has sorted them already.
  for (auto* table : parser.structs_.vec) table->has_key = false;
  parser.SetRootType("Call");
  return JsonCodec(std::move(schema));
}

JsonCodec::JsonCodec(std::unique_ptr<Schema> schema) : schema_(std::move(schema)) {}
JsonCodec::JsonCodec(JsonCodec&&) noexcept = default;
JsonCodec& JsonCodec::operator=(JsonCodec&&) noexcept = default;
JsonCodec::~JsonCodec() = default;

std::string JsonCodec::parameters() const {
  std::string text;
  for (const auto* parameter : schema_->call->fields.vec) {
    text += (text.empty() ? "" : ", ") + describe(parameter->value.type, *parameter);
  }
  return "(" + text + ")";
}

std::string JsonCodec::signature() const {
  const auto& members = schema_->returned->fields.vec;
  return parameters() + (members.empty() ? "" : " -> " + describe(members[0]->value.type, *members[0]));
}

}  // namespace flame::cli
