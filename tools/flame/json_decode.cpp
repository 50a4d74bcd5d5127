// Results to JSON: the bytes are verified by the schema, then walked with a budget.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tools/flame/json_schema.hpp"
#include "tools/flame/json_verify.hpp"

namespace flame::cli {
namespace {

namespace fb = flatbuffers;

[[noreturn]] void damaged(const std::string& why) {
  throw CallError(Error{.code = ErrorCode::incompatible,
                        .message = "the result is not what the task's schema says: " + why +
                                   ". Rebuild the plugin and the runner with the same version of FLAME."});
}

// The double that prints as the float does: 0.1f is 0.1 for a person, not 0.10000000149011612.
double as_printed(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double widened = value;
  std::from_chars(text, end, widened);
  // Near the middle between two floats the way over a double may end at the other one.
  return static_cast<float>(widened) == value ? widened : value;
}

Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

template <class T>
Json read(const std::uint8_t* at) {
  return fb::ReadScalar<T>(at);
}

Json read_scalar(fb::BaseType type, const std::uint8_t* at) {
  switch (type) {
    case fb::BASE_TYPE_BOOL:
      return fb::ReadScalar<std::uint8_t>(at) != 0;
    case fb::BASE_TYPE_CHAR:
      return read<std::int8_t>(at);
    case fb::BASE_TYPE_UTYPE:
    case fb::BASE_TYPE_UCHAR:
      return read<std::uint8_t>(at);
    case fb::BASE_TYPE_SHORT:
      return read<std::int16_t>(at);
    case fb::BASE_TYPE_USHORT:
      return read<std::uint16_t>(at);
    case fb::BASE_TYPE_INT:
      return read<std::int32_t>(at);
    case fb::BASE_TYPE_UINT:
      return read<std::uint32_t>(at);
    case fb::BASE_TYPE_LONG:
      return read<std::int64_t>(at);
    case fb::BASE_TYPE_ULONG:
      return read<std::uint64_t>(at);
    case fb::BASE_TYPE_FLOAT: {
      const auto value = fb::ReadScalar<float>(at);
      return std::isfinite(value) ? Json(as_printed(value)) : number(value);
    }
    default:
      return number(fb::ReadScalar<double>(at));
  }
}

// What the schema gives as a member's default: the text of a number.
Json default_scalar(const fb::Type& type, const std::string& constant) {
  if (type.base_type == fb::BASE_TYPE_BOOL) return constant != "0" && constant != "false";
  if (type.base_type == fb::BASE_TYPE_ULONG) return std::strtoull(constant.c_str(), nullptr, 10);
  if (fb::IsFloat(type.base_type)) return number(std::strtod(constant.c_str(), nullptr));
  return std::strtoll(constant.c_str(), nullptr, 10);
}

class Walker {
 public:
  Walker(const detail::Payload& payload, const AttachmentWriter& write_attachment)
      : payload_(payload), write_attachment_(write_attachment), budget_(16 * payload.table.size() + 4096) {}

  Json root(const fb::Table& returned, const fb::FieldDef& field);

 private:
  Json member(const fb::Table& table, const fb::FieldDef& field);
  Json value(const fb::Table& parent, const fb::FieldDef& field);
  Json table(const fb::Table& table, const fb::StructDef& definition);
  Json element(const std::uint8_t* place, const fb::Type& type, const fb::FieldDef& field);
  Json fixed_struct(const std::uint8_t* at, const fb::StructDef& definition);
  Json scalar(Json bits, const fb::Type& type, const fb::FieldDef& field);
  Json vector(const std::uint8_t* at, const fb::Type& element_type, const fb::FieldDef& field);
  Json map(const fb::VectorOfAny& entries, const fb::StructDef& entry);
  Json union_member(const fb::Table& parent, const std::uint8_t* at, const fb::FieldDef& field);
  Json absent(const fb::FieldDef& field, unsigned depth);
  Json nested(const std::uint8_t* vector_at);
  std::string string(const std::uint8_t* at);
  Json attachment(std::uint64_t number);
  // Shared objects make a small buffer decode to a huge tree; no honest writer makes them.
  void spend(std::size_t amount) {
    if (amount > budget_) damaged("it refers to the same bytes again and again");
    budget_ -= amount;
  }

  /// A step on the way from the result to what is read: a member, or an element.
  struct Step {
    const std::string* member = nullptr;
    std::size_t index = 0;
  };
  [[nodiscard]] std::string place() const;
  [[noreturn]] void no_text(const std::string& bytes) const;

  const detail::Payload& payload_;
  const AttachmentWriter& write_attachment_;
  std::size_t budget_;
  std::vector<Step> way_;
};

std::string Walker::place() const {
  std::string text = "result";
  for (const Step& step : way_) text += step.member ? "." + *step.member : "[" + std::to_string(step.index) + "]";
  return text;
}

void Walker::no_text(const std::string& bytes) const {
  throw CallError(
      Error{.code = ErrorCode::invalid_argument,
            .message = place() + ": the string " + Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace) +
                       " is no UTF-8, and JSON has no other strings. The task has run; for bytes that are no text, "
                       "let it return flame::Bytes."});
}

const std::uint8_t* followed(const std::uint8_t* offset_at) {
  return offset_at + fb::ReadScalar<fb::uoffset_t>(offset_at);
}

Json Walker::root(const fb::Table& returned, const fb::FieldDef& field) {
  return value(returned, field);
}

Json Walker::member(const fb::Table& parent, const fb::FieldDef& field) {
  way_.push_back({.member = &field.name});
  Json out = value(parent, field);
  way_.pop_back();
  return out;
}

Json Walker::value(const fb::Table& parent, const fb::FieldDef& field) {
  spend(1);
  const auto& type = field.value.type;
  const std::uint8_t* at = parent.GetAddressOf(field.value.offset);
  if (fb::IsScalar(type.base_type)) {
    return at != nullptr ? scalar(read_scalar(type.base_type, at), type, field) : absent(field, 0);
  }
  if (at == nullptr) return absent(field, 0);
  if (fb::IsStruct(type)) return fixed_struct(at, *type.struct_def);
  if (type.base_type == fb::BASE_TYPE_UNION) return union_member(parent, followed(at), field);
  if (fb::IsString(type)) return string(followed(at));
  if (attribute(field, "flame_nested") != nullptr) return nested(followed(at));
  if (fb::IsVector(type)) return vector(followed(at), type.VectorType(), field);
  return table(*reinterpret_cast<const fb::Table*>(followed(at)), *type.struct_def);
}

Json Walker::table(const fb::Table& in, const fb::StructDef& definition) {
  if (is_wrapper(definition)) return value(in, *definition.fields.vec[0]);
  Json out = Json::object();
  for (const auto* field : definition.fields.vec) {
    if (is_variant(definition) && !in.CheckField(field->value.offset)) continue;
    if (!field->deprecated) append_member(out, field->name, member(in, *field));
  }
  return out;
}

Json Walker::fixed_struct(const std::uint8_t* at, const fb::StructDef& definition) {
  Json out = Json::object();
  for (const auto* field : definition.fields.vec) {
    spend(1);
    const auto& type = field->value.type;
    const auto* place = at + field->value.offset;
    if (fb::IsStruct(type)) {
      out[field->name] = fixed_struct(place, *type.struct_def);
    } else if (fb::IsArray(type)) {
      Json elements = Json::array();
      const auto element = type.VectorType();
      const std::size_t size = fb::InlineSize(element);
      for (std::size_t i = 0; i < type.fixed_length; ++i) {
        elements.push_back(fb::IsStruct(element)
                               ? fixed_struct(place + i * size, *element.struct_def)
                               : scalar(read_scalar(element.base_type, place + i * size), element, *field));
      }
      out[field->name] = std::move(elements);
    } else {
      out[field->name] = scalar(read_scalar(type.base_type, place), type, *field);
    }
  }
  return out;
}

Json Walker::scalar(Json bits, const fb::Type& type, const fb::FieldDef& field) {
  if (attribute(field, "flame_attachment") != nullptr) return attachment(bits.get<std::uint64_t>());
  if (const auto* name = attribute(field, "flame_tracked")) return "tracked " + *name;
  if (const auto* name = attribute(field, "flame_child")) return "child " + *name;
  if (type.enum_def == nullptr || !bits.is_number_integer()) return bits;
  const auto* known = type.enum_def->ReverseLookup(bits.get<std::int64_t>());
  return known != nullptr ? Json(known->name) : bits;
}

Json Walker::vector(const std::uint8_t* at, const fb::Type& element_type, const fb::FieldDef& field) {
  const auto& elements = *reinterpret_cast<const fb::VectorOfAny*>(at);
  spend(elements.size());
  if (is_text_map(element_type)) return map(elements, *element_type.struct_def);
  Json out = Json::array();
  const std::size_t stride = fb::InlineSize(element_type);
  for (fb::uoffset_t i = 0; i < elements.size(); ++i) {
    way_.push_back({.index = i});
    out.push_back(element(elements.Data() + i * stride, element_type, field));
    way_.pop_back();
  }
  return out;
}

Json Walker::element(const std::uint8_t* place, const fb::Type& type, const fb::FieldDef& field) {
  if (fb::IsScalar(type.base_type)) return scalar(read_scalar(type.base_type, place), type, field);
  if (fb::IsString(type)) return string(followed(place));
  if (fb::IsStruct(type)) return fixed_struct(place, *type.struct_def);
  if (fb::IsTable(type)) return table(*reinterpret_cast<const fb::Table*>(followed(place)), *type.struct_def);
  damaged("a vector of unions cannot be shown as JSON");
}

Json Walker::map(const fb::VectorOfAny& entries, const fb::StructDef& entry) {
  Json out = Json::object();
  std::unordered_set<std::string> names;
  for (fb::uoffset_t i = 0; i < entries.size(); ++i) {
    const auto* place = entries.Data() + i * sizeof(fb::uoffset_t);
    const auto& pair = *reinterpret_cast<const fb::Table*>(followed(place));
    const auto name = value(pair, *entry.fields.vec[0]).get<std::string>();
    if (!names.insert(name).second) damaged("a map has the key \"" + name + "\" twice");
    way_.push_back({.member = &name});
    append_member(out, name, value(pair, *entry.fields.vec[1]));
    way_.pop_back();
  }
  return out;
}

Json Walker::union_member(const fb::Table& parent, const std::uint8_t* at, const fb::FieldDef& field) {
  // FlatBuffers puts the tag of a union in the member before it.
  const auto tag_offset = static_cast<fb::voffset_t>(field.value.offset - sizeof(fb::voffset_t));
  const auto tag = parent.GetField<std::uint8_t>(tag_offset, 0);
  const auto* alternative = field.value.type.enum_def->ReverseLookup(tag);
  if (alternative == nullptr) damaged("a union has an unknown alternative");
  if (fb::IsString(alternative->union_type)) return string(at);
  const auto* definition = alternative->union_type.struct_def;
  if (definition == nullptr) return {};
  if (definition->fixed) return fixed_struct(at, *definition);
  return table(*reinterpret_cast<const fb::Table*>(at), *definition);
}

// What reads as a member that was not sent: the zero or empty value, null for an optional.
Json Walker::absent(const fb::FieldDef& field, unsigned depth) {
  spend(1);
  const auto& type = field.value.type;
  if (field.IsScalarOptional() || attribute(field, "flame_optional") != nullptr) return {};
  if (fb::IsScalar(type.base_type)) return scalar(default_scalar(type, field.value.constant), type, field);
  if (fb::IsString(type)) return "";
  if (fb::IsVector(type)) return is_text_map(type.VectorType()) ? Json::object() : Json::array();
  if (!fb::IsTable(type) || is_variant(*type.struct_def) || depth == limits::kDepthMax) return {};
  if (is_wrapper(*type.struct_def)) return absent(*type.struct_def->fields.vec[0], depth + 1);
  Json out = Json::object();
  for (const auto* member : type.struct_def->fields.vec) out[member->name] = absent(*member, depth + 1);
  return out;
}

// A FlatBuffers object of the user's own schema, as its bytes: that schema is not in the manifest.
Json Walker::nested(const std::uint8_t* vector_at) {
  const auto& bytes = *reinterpret_cast<const fb::Vector<std::uint8_t>*>(vector_at);
  spend(bytes.size());
  return *attachment_as_base64(Bytes(bytes.data(), bytes.size()));
}

std::string Walker::string(const std::uint8_t* at) {
  const auto& characters = *reinterpret_cast<const fb::String*>(at);
  spend(characters.size());
  auto text = characters.str();
  const char* position = text.data();
  while (position != text.data() + text.size()) {
    if (fb::FromUTF8(&position) < 0) no_text(text);
  }
  return text;
}

Json Walker::attachment(std::uint64_t number) {
  if (number == 0) return "";
  if (number > payload_.attachments.size()) damaged("it names an attachment that did not come");
  auto text = write_attachment_(payload_.attachments[static_cast<std::size_t>(number - 1)]);
  if (!text) throw CallError(std::move(text).error());
  return std::move(*text);
}

}  // namespace

Result<std::string> attachment_as_base64(const Bytes& bytes) {
  return "base64:" + wire::to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Json> JsonCodec::decode(const detail::Payload& result, const AttachmentWriter& write_attachment) const {
  try {
    const auto& members = schema_->returned->fields.vec;
    if (members.empty()) return Json();
    if (!is_sound(*schema_->returned, result.table.span())) damaged("it does not verify");
    const auto& root = *fb::GetRoot<fb::Table>(result.table.data());
    return Walker(result, write_attachment).root(root, *members[0]);
  } catch (const CallError& error) {
    return error.error();
  }
}

}  // namespace flame::cli
