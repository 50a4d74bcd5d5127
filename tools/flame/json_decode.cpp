// Results to JSON: the SDK verifies the bytes, then one walk reads them with a budget.
#include <bit>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>

#include <flame/detail/decoder.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/sdk/schema_types.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "tools/flame/json_codec.hpp"
#include "tools/flame/json_schema.hpp"

namespace flame::cli {
namespace {

using detail::FieldDesc;
using detail::Kind;
using detail::Role;
using detail::TypeDesc;

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

std::string name_of(const TypeDesc& enumeration, std::uint64_t bits) {
  for (const auto& [name, value] : std::span(enumeration.values, enumeration.value_count)) {
    if (value == bits) return std::string(name);
  }
  damaged("an enumerator is unknown");
}

bool is_utf8(const Json& text) {
  try {
    static_cast<void>(text.dump(-1, ' ', false, Json::error_handler_t::strict));
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

/// For one verified payload.
class ResultReader {
 public:
  ResultReader(const detail::PayloadView& payload, const TypeDesc& returned, const AttachmentWriter& write_attachment)
      : write_attachment_(write_attachment),
        in_(payload, returned, nullptr, error_),
        budget_(16 * payload.table_size + 4096) {}

  Json root(const FieldDesc& field) { return value(in_.root(), 0, field); }

 private:
  Json value(std::size_t table, std::size_t index, const FieldDesc& field);
  Json part(std::size_t at, const TypeDesc& type);
  Json scalar(std::uint64_t bits, const TypeDesc& type);
  Json attachment(std::uint32_t frame);
  std::string string(std::size_t at);
  Json nested(std::size_t vector);
  Json vector(std::size_t vector, const TypeDesc& type);
  Json map(std::size_t vector, const TypeDesc& entry);
  Json table(std::size_t table, const TypeDesc& type);
  Json absent(const FieldDesc& field, unsigned depth);
  // What was not sent costs no bytes, but JSON has all of it.
  void spend() {
    if (budget_-- == 0) damaged("too much of it was left out");
  }

  const AttachmentWriter& write_attachment_;
  Error error_;
  detail::Decoder in_;
  std::size_t budget_;
  Way way_;
};

Json ResultReader::value(std::size_t table, std::size_t index, const FieldDesc& field) {
  spend();
  const std::size_t at = in_.field(table, index);
  return at == 0 ? absent(field, 0) : part(at, *field.type);
}

Json ResultReader::part(std::size_t at, const TypeDesc& type) {
  if (is_inline(type.kind)) return scalar(detail::load_bits(in_.bytes(at), type.kind), type);
  const std::size_t object = in_.follow(at);
  if (type.kind == Kind::string) return string(object);
  if (type.kind == Kind::table) return table(object, type);
  if (type.role == Role::nested) return nested(object);
  return is_text_map(type) ? map(object, *type.element) : vector(object, *type.element);
}

Json ResultReader::scalar(std::uint64_t bits, const TypeDesc& type) {
  switch (type.role) {
    case Role::attachment:
      return attachment(static_cast<std::uint32_t>(bits));
    case Role::tracked:
      return "tracked " + std::string(type.name);
    case Role::child:
      return "child " + std::string(type.name);
    case Role::enumeration:
      return name_of(type, bits);
    default:
      break;
  }
  if (type.kind == Kind::boolean) return bits != 0;
  if (type.kind == Kind::float64) return number(std::bit_cast<double>(bits));
  if (detail::is_signed_kind(type.kind)) return static_cast<std::int64_t>(bits);
  if (type.kind != Kind::float32) return bits;
  const auto real = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::isfinite(real) ? Json(as_printed(real)) : number(real);
}

Json ResultReader::attachment(std::uint32_t frame) {
  if (frame == 0) return "";
  auto text = write_attachment_(in_.attachment(frame));
  if (!text) throw CallError(std::move(text).error());
  return std::move(*text);
}

std::string ResultReader::string(std::size_t at) {
  std::string text(in_.text(at));
  if (is_utf8(text)) return text;
  throw CallError(
      Error{.code = ErrorCode::invalid_argument,
            .message = "result" + way_.text() + ": the string " +
                       Json(text).dump(-1, ' ', false, Json::error_handler_t::replace) +
                       " is no UTF-8, and JSON has no other strings. The task has run; for bytes that are no text, "
                       "let it return flame::Bytes."});
}

// A FlatBuffers object of the user's own schema, as its bytes: that schema is not in the manifest.
Json ResultReader::nested(std::size_t vector) {
  return *attachment_as_base64(Bytes(in_.bytes(vector + 4), in_.count(vector)));
}

Json ResultReader::vector(std::size_t vector, const TypeDesc& element) {
  Json out = Json::array();
  std::size_t at = vector + 4;
  for (std::size_t i = 0; i < in_.count(vector); ++i, at += inline_size(element.kind)) {
    way_.enter(i);
    out.push_back(part(at, element));
    way_.leave();
  }
  return out;
}

Json ResultReader::map(std::size_t vector, const TypeDesc& entry) {
  Json out = Json::object();
  std::unordered_set<std::string> names;
  std::size_t at = vector + 4;
  for (std::size_t i = 0; i < in_.count(vector); ++i, at += inline_size(entry.kind)) {
    const std::size_t pair = in_.follow(at);
    const auto name = value(pair, 0, entry.fields[0]).get<std::string>();
    if (!names.insert(name).second) damaged("a map has the key \"" + name + "\" twice");
    way_.enter(name);
    append_member(out, name, value(pair, 1, entry.fields[1]));
    way_.leave();
  }
  return out;
}

Json ResultReader::table(std::size_t table, const TypeDesc& type) {
  if (is_wrapper(type)) return value(table, 0, type.fields[0]);
  Json out = Json::object();
  for (std::size_t i = 0; i < type.field_count; ++i) {
    const FieldDesc& field = type.fields[i];
    if (type.role == Role::variant && in_.field(table, i) == 0) continue;
    way_.enter(field.name);
    append_member(out, std::string(field.name), value(table, i, field));
    way_.leave();
  }
  return out;
}

// What reads as a member that was not sent: the zero or empty value, null for an optional.
Json ResultReader::absent(const FieldDesc& field, unsigned depth) {
  spend();
  const TypeDesc& type = *field.type;
  if (field.optional) return {};
  if (is_inline(type.kind)) return scalar(default_bits(type), type);
  if (type.kind == Kind::string) return "";
  if (type.kind == Kind::vector) return is_text_map(type) ? Json::object() : Json::array();
  if (type.role == Role::variant || depth == limits::kDepthMax) return {};
  if (is_wrapper(type)) return absent(type.fields[0], depth + 1);
  Json out = Json::object();
  for (const FieldDesc& member : std::span(type.fields, type.field_count)) {
    append_member(out, std::string(member.name), absent(member, depth + 1));
  }
  return out;
}

}  // namespace

Result<std::string> attachment_as_base64(const Bytes& bytes) {
  return "base64:" + wire::to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Json> JsonCodec::decode(const detail::Payload& result, const AttachmentWriter& write_attachment) const {
  try {
    const TypeDesc& returned = types_->returned();
    if (returned.field_count == 0) return Json();
    const detail::PayloadView view(result);
    Error error;
    if (!detail::verify(view, returned, error)) damaged(error.message);
    return ResultReader(view, returned, write_attachment).root(returned.fields[0]);
  } catch (const CallError& error) {
    return error.error();
  }
}

}  // namespace flame::cli
