// Arguments from JSON and results to JSON, by the schema that a plugin's manifest gives for each task.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <flame/bytes.hpp>
#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

// Off: a Json that converts to anything also converts to an Error, so that Result<Json> would be ambiguous.
#define JSON_USE_IMPLICIT_CONVERSIONS 0
#include <nlohmann/json.hpp>

namespace flame::detail {
class SchemaTypes;
}

namespace flame::cli {

using Json = nlohmann::ordered_json;

/// Parses one JSON text of at most 512 levels. Numbers that are whole and fit into 64 bits become integers however they
/// are written (1e6, 9007199254740993.0), except the zero below zero; all others become the nearest double.
/// Error: invalid_argument with line and column, also for a member that is there twice and for numbers that are beyond
/// a double or so small that it has only 0 for them.
[[nodiscard]] Result<Json> parse_json(std::string_view text);

/// Adds a member that `object` does not have: in constant time, where operator[] looks at all others first.
void append_member(Json& object, const std::string& name, Json value);

/// What stands in the JSON of a result for an attachment (flame::Bytes): gets its bytes, returns the text.
using AttachmentWriter = std::function<Result<std::string>(const Bytes&)>;

/// "base64:…": the form that arguments take back.
[[nodiscard]] Result<std::string> attachment_as_base64(const Bytes& bytes);

/// Converts for one task. [any thread]
///
/// Arguments: a JSON array with one element per parameter; anything else stands for the one argument of a
/// one-parameter task. Structs are objects, or arrays where their members have no names; maps with text keys may be
/// objects; enums are names or numbers; null or a missing member is "not given". For flame::Bytes: "@path" is the
/// contents of a file, "base64:…" bytes, any other string its own text.
/// Results use the same forms. Non-finite numbers are the strings "nan", "inf", "-inf".
/// Numbers are the same bit for bit, there and back, or refused: whole numbers that the type cannot hold, numbers that
/// a float would make infinite or 0. The costs of both ways grow with the size alone, maps with n log n.
class JsonCodec {
 public:
  /// Error: incompatible when the text is no schema as FLAME prints it.
  [[nodiscard]] static Result<JsonCodec> from_schema(const std::string& fbs);

  /// Errors: invalid_argument that says which argument and member, what was expected and what was given; not_found
  /// for an "@path" that cannot be read; too_large for more than one call can carry.
  /// `arguments` comes from parse_json(): a number that is a double there is no whole one.
  [[nodiscard]] Result<detail::Payload> encode(const Json& arguments) const;

  /// The bytes come from plugin code and are verified first. Errors: incompatible when they are not what the schema
  /// says; invalid_argument that names the member when a string is no UTF-8, which JSON cannot carry. A task without a
  /// result gives null.
  [[nodiscard]] Result<Json> decode(const detail::Payload& result,
                                    const AttachmentWriter& write_attachment = attachment_as_base64) const;

  /// "(string, {path: string, height: int32})": the parameters for a person.
  [[nodiscard]] std::string parameters() const;
  /// parameters() " -> int32"; without the arrow for a task without a result.
  [[nodiscard]] std::string signature() const;

 private:
  JsonCodec() = default;
  std::shared_ptr<const detail::SchemaTypes> types_;
};

}  // namespace flame::cli
