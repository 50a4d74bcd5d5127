// JSON to arguments: a walk that checks and normalises the JSON by the schema, then FlatBuffers' own parser.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tools/flame/json_schema.hpp"

namespace flame::cli {
namespace {

namespace fb = flatbuffers;

constexpr std::size_t kQuotedMax = 60;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw CallError(Error{.code = ErrorCode::invalid_argument, .message = path + ": " + what + "."});
}

std::string quoted(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kQuotedMax) text = text.substr(0, kQuotedMax) + "…";
  return text;
}

Json numbers(const std::string& bytes) {
  Json out = Json::array();
  for (const char byte : bytes) out.push_back(static_cast<unsigned char>(byte));
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

const Json& key_of(const Json& entry) {
  static const Json kZero = 0;  // what a key that was not given reads as, like "" for texts
  const auto found = entry.find("key");
  return found != entry.end() ? *found : kZero;
}

const Json& text_of(const Json& key) {
  static const Json kEmpty = "";
  return key.is_string() ? key : kEmpty;
}

// As readers of the buffer search it. Texts are compared as bytes, numbers by their value.
bool by_key(const Json& a, const Json& b) {
  const Json& x = key_of(a);
  const Json& y = key_of(b);
  if (x.is_string() || y.is_string()) return text_of(x) < text_of(y);
  return x < y;
}

Json sorted_by_key(Json entries, const std::string& path) {
  auto& list = entries.get_ref<Json::array_t&>();
  std::stable_sort(list.begin(), list.end(), by_key);
  const auto twice = std::adjacent_find(list.begin(), list.end(),
                                        [](const Json& a, const Json& b) { return !by_key(a, b) && !by_key(b, a); });
  if (twice != list.end()) refuse(path, "the key " + quoted(key_of(*twice)) + " is there twice");
  return entries;
}

// Walks JSON and schema together; collects attachments on the way.
class Normaliser {
 public:
  Json arguments(const Json& given, const fb::StructDef& call);
  std::vector<Bytes> take_attachments() { return std::move(attachments_); }

 private:
  Json value(const Json& in, const fb::Type& type, const fb::FieldDef& field, const std::string& path);
  Json scalar(const Json& in, const fb::Type& type, const std::string& path);
  Json real(const Json& in, const fb::Type& type, const std::string& path);
  Json integer(const Json& in, fb::BaseType type, const std::string& path);
  Json enumerator(const Json& in, const fb::EnumDef& definition, const std::string& path);
  Json vector(const Json& in, const fb::Type& element, const fb::FieldDef& field, const std::string& path);
  Json map(const Json& in, const fb::StructDef& entry, const std::string& path);
  Json map_key(const std::string& name, const fb::FieldDef& key, const std::string& path);
  Json table(const Json& in, const fb::StructDef& definition, const std::string& path);
  std::string bytes(const Json& in, const std::string& path);
  Json attachment(const Json& in, const std::string& path);

  std::vector<Bytes> attachments_;
};

Json Normaliser::arguments(const Json& given, const fb::StructDef& call) {
  const auto& parameters = call.fields.vec;
  const Json list = given.is_array() ? given : Json::array({given});
  if (list.size() != parameters.size()) {
    const std::string takes = std::to_string(parameters.size()) + (parameters.size() == 1 ? " argument" : " arguments");
    const bool list_argument = given.is_array() && parameters.size() == 1 && fb::IsVector(parameters[0]->value.type);
    refuse("arguments", "the task takes " + takes + ", " + std::to_string(list.size()) + " given" +
                            (list_argument ? ": the outer array is the list of arguments, so write [[…]]" : ""));
  }
  Json out = Json::object();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::string path = "argument " + std::to_string(i + 1);
    if (list[i].is_null()) continue;
    out[parameters[i]->name] = value(list[i], parameters[i]->value.type, *parameters[i], path);
  }
  return out;
}

Json Normaliser::value(const Json& in, const fb::Type& type, const fb::FieldDef& field, const std::string& path) {
  if (fb::IsScalar(type.base_type) && type.base_type != fb::BASE_TYPE_UTYPE) {
    if (attribute(field, "flame_attachment") != nullptr) return attachment(in, path);
    if (attribute(field, "flame_tracked") != nullptr) {
      refuse(path, "a tracked resource exists only inside a C++ host and cannot be given as JSON");
    }
    return scalar(in, type, path);
  }
  if (fb::IsString(type)) {
    if (!in.is_string()) refuse(path, "expected a string, got " + quoted(in));
    return in;
  }
  if (attribute(field, "flame_nested") != nullptr && in.is_string()) return numbers(bytes(in, path));
  if (fb::IsVector(type)) return vector(in, type.VectorType(), field, path);
  if (fb::IsTable(type)) return table(in, *type.struct_def, path);
  return in;  // unions and fixed structs of flatc's own types: its parser knows them
}

Json Normaliser::scalar(const Json& in, const fb::Type& type, const std::string& path) {
  if (type.enum_def != nullptr) return enumerator(in, *type.enum_def, path);
  if (type.base_type == fb::BASE_TYPE_BOOL) {
    if (!in.is_boolean()) refuse(path, "expected true or false, got " + quoted(in));
    return in;
  }
  if (fb::IsInteger(type.base_type)) return integer(in, type.base_type, path);
  if (in.is_number()) return real(in, type, path);
  if (in == "nan" || in == "inf" || in == "-inf") return in;
  refuse(path, "expected a number, got " + quoted(in));
}

Json Normaliser::real(const Json& in, const fb::Type& type, const std::string& path) {
  const auto number = in.get<double>();
  if (type.base_type == fb::BASE_TYPE_DOUBLE) return number;
  // What rounds to more than the largest float would become infinite.
  constexpr double kHalfStepAbove = 0x1.ffffffp127;
  if (std::abs(number) >= kHalfStepAbove) refuse(path, "expected a number that a float can hold, got " + quoted(in));
  const auto narrow = static_cast<float>(number);
  if (narrow == 0 && number != 0) refuse(path, quoted(in) + " is too small: a float has only 0 for it");
  return static_cast<double>(narrow);
}

template <class T>
Json in_range(const Json& in, const std::string& path) {
  const std::string expected = "expected a whole number from " + std::to_string(std::numeric_limits<T>::min()) +
                               " to " + std::to_string(std::numeric_limits<T>::max()) + ", got ";
  if (in.is_number_unsigned() && std::in_range<T>(in.get<std::uint64_t>())) return in;
  if (in.is_number_integer() && !in.is_number_unsigned() && std::in_range<T>(in.get<std::int64_t>())) return in;
  if (in.is_number_float() && in.get<double>() == 0) return 0;  // "-0"
  refuse(path, expected + quoted(in));
}

Json Normaliser::integer(const Json& in, fb::BaseType type, const std::string& path) {
  switch (type) {
    case fb::BASE_TYPE_CHAR:
      return in_range<std::int8_t>(in, path);
    case fb::BASE_TYPE_UCHAR:
      return in_range<std::uint8_t>(in, path);
    case fb::BASE_TYPE_SHORT:
      return in_range<std::int16_t>(in, path);
    case fb::BASE_TYPE_USHORT:
      return in_range<std::uint16_t>(in, path);
    case fb::BASE_TYPE_INT:
      return in_range<std::int32_t>(in, path);
    case fb::BASE_TYPE_UINT:
      return in_range<std::uint32_t>(in, path);
    case fb::BASE_TYPE_ULONG:
      return in_range<std::uint64_t>(in, path);
    default:
      return in_range<std::int64_t>(in, path);
  }
}

bool is_unsigned_64(const fb::EnumDef& definition) {
  return definition.underlying_type.base_type == fb::BASE_TYPE_ULONG;
}

// Whether `in` is the number of the enumerator, whose 64 bits are signed or not by its type.
bool is_number_of(const Json& in, const fb::EnumDef& definition, const fb::EnumVal& known) {
  if (!in.is_number_integer()) return false;
  const bool beyond = in.is_number_unsigned() && !std::in_range<std::int64_t>(in.get<std::uint64_t>());
  if (is_unsigned_64(definition)) {
    return (in.is_number_unsigned() || in.get<std::int64_t>() >= 0) && in.get<std::uint64_t>() == known.GetAsUInt64();
  }
  return !beyond && in.get<std::int64_t>() == known.GetAsInt64();
}

Json number_of(const fb::EnumDef& definition, const fb::EnumVal& known) {
  return is_unsigned_64(definition) ? Json(known.GetAsUInt64()) : Json(known.GetAsInt64());
}

Json Normaliser::enumerator(const Json& in, const fb::EnumDef& definition, const std::string& path) {
  std::vector<std::string> names;
  for (const auto* known : definition.Vals()) {
    const bool named = in.is_string() && in.get_ref<const std::string&>() == known->name;
    if (named || is_number_of(in, definition, *known)) return number_of(definition, *known);
    names.push_back(known->name);
  }
  const std::string hint = in.is_string() ? base::did_you_mean(in.get<std::string>(), names) : "";
  refuse(path, "expected one of " + joined(names) + ", got " + quoted(in) + hint);
}

Json Normaliser::vector(const Json& in, const fb::Type& element, const fb::FieldDef& field, const std::string& path) {
  if (is_map_entry(element) && in.is_object()) return map(in, *element.struct_def, path);
  if (!in.is_array()) refuse(path, "expected a list, got " + quoted(in));
  Json out = Json::array();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::string at = path + "[" + std::to_string(i) + "]";
    if (fb::IsTable(element)) {
      out.push_back(table(in[i], *element.struct_def, at));
    } else {
      if (in[i].is_null()) refuse(at, "expected " + describe(element, field) + ", got null");
      out.push_back(value(in[i], element, field, at));
    }
  }
  return is_map_entry(element) ? sorted_by_key(std::move(out), path) : out;
}

Json Normaliser::map_key(const std::string& name, const fb::FieldDef& key, const std::string& path) {
  if (fb::IsString(key.value.type) || key.value.type.enum_def != nullptr) return value(name, key.value.type, key, path);
  const auto number = parse_json(name);
  if (!number) refuse(path, "the keys of this map are numbers");
  return value(*number, key.value.type, key, path);
}

Json Normaliser::map(const Json& in, const fb::StructDef& entry, const std::string& path) {
  const auto& mapped = *entry.fields.vec[1];
  Json out = Json::array();
  for (const auto& [name, member] : in.items()) {
    const std::string at = path + "." + name;
    Json item{{"key", map_key(name, *entry.fields.vec[0], at)}};
    if (!member.is_null()) item["value"] = value(member, mapped.value.type, mapped, at);
    out.push_back(std::move(item));
  }
  return sorted_by_key(std::move(out), path);
}

Json Normaliser::table(const Json& in, const fb::StructDef& definition, const std::string& path) {
  const auto& members = definition.fields.vec;
  if (is_wrapper(definition) && !(in.is_object() && in.size() == 1 && in.contains("v"))) {
    if (in.is_null()) return Json::object();
    return {{"v", value(in, members[0]->value.type, *members[0], path)}};
  }
  Json out = Json::object();
  if (in.is_array() && is_positional(definition)) {
    if (in.size() != members.size()) {
      refuse(path, "expected " + std::to_string(members.size()) + " elements, got " + std::to_string(in.size()));
    }
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (in[i].is_null()) continue;
      out[members[i]->name] = value(in[i], members[i]->value.type, *members[i], path + "[" + std::to_string(i) + "]");
    }
    return out;
  }
  if (!in.is_object()) refuse(path, "expected an object, got " + quoted(in));
  if (is_variant(definition) && in.size() != 1) {
    refuse(path, "expected an object with exactly one of " + joined(member_names(definition)) + ", got " + quoted(in));
  }
  for (const auto& [name, member] : in.items()) {
    const auto* field = definition.fields.Lookup(name);
    if (field == nullptr) {
      const auto names = member_names(definition);
      refuse(path,
             "unknown member \"" + name + "\"" + base::did_you_mean(name, names) + " (members: " + joined(names) + ")");
    }
    if (!member.is_null()) out[name] = value(member, field->value.type, *field, path + "." + name);
  }
  return out;
}

std::string Normaliser::bytes(const Json& in, const std::string& path) {
  if (!in.is_string()) refuse(path, "expected \"@path\", \"base64:…\" or text for bytes, got " + quoted(in));
  auto text = in.get<std::string>();
  if (text.starts_with("@")) {
    auto contents = base::read_file(text.substr(1), limits::kPayloadMaxCeiling);
    if (contents) return std::move(*contents);
    auto error = std::move(contents).error();
    error.message = path + ": " + error.message;
    throw CallError(std::move(error));
  }
  if (!text.starts_with("base64:")) return text;
  auto decoded = wire::from_base64(std::string_view(text).substr(7));
  if (!decoded) refuse(path, "this is no valid base64");
  return std::move(*decoded);
}

Json Normaliser::attachment(const Json& in, const std::string& path) {
  auto contents = bytes(in, path);
  if (contents.empty()) return 0;
  attachments_.emplace_back(std::move(contents));
  return attachments_.size();
}

}  // namespace

Result<detail::Payload> JsonCodec::encode(const Json& arguments) {
  try {
    Normaliser normaliser;
    const Json normal = normaliser.arguments(arguments, *schema_->call);
    auto& parser = schema_->parser;
    const std::string text = normal.dump(-1, ' ', false, Json::error_handler_t::strict);
    if (!parser.Parse(text.c_str())) {
      return Error{.code = ErrorCode::invalid_argument, .message = "arguments: " + parser.error_};
    }
    detail::Payload payload;
    payload.table = Bytes(parser.builder_.GetBufferPointer(), parser.builder_.GetSize());
    payload.attachments = normaliser.take_attachments();
    return payload;
  } catch (const CallError& error) {
    return error.error();
  } catch (const Json::exception&) {
    return Error{.code = ErrorCode::invalid_argument, .message = "arguments: a string is not valid UTF-8."};
  }
}

}  // namespace flame::cli
