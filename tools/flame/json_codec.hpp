// Arguments from JSON and results to JSON, by the FlatBuffers schema that a plugin's manifest gives for each task.
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

namespace flame::cli {

using Json = nlohmann::ordered_json;

/// Parses one JSON text of at most 512 levels. Error: invalid_argument with line and column.
[[nodiscard]] Result<Json> parse_json(std::string_view text);

/// What stands in the JSON of a result for an attachment (flame::Bytes): gets its bytes, returns the text.
using AttachmentWriter = std::function<Result<std::string>(const Bytes&)>;

/// "base64:…": the form that arguments take back.
[[nodiscard]] Result<std::string> attachment_as_base64(const Bytes& bytes);

/// Converts for one task. Not for concurrent use of one object.
///
/// Arguments: a JSON array with one element per parameter; anything else stands for the one argument of a
/// one-parameter task. Structs are objects, or arrays where their members have no names; maps with text keys may be
/// objects; enums are names or numbers; null or a missing member is "not given". For flame::Bytes: "@path" is the
/// contents of a file, "base64:…" bytes, any other string its own text.
/// Results use the same forms. Non-finite numbers are the strings "nan", "inf", "-inf"; bytes that are no UTF-8 in a
/// string become U+FFFD.
class JsonCodec {
 public:
  /// Error: incompatible when the text is no schema with tables Call and Return.
  [[nodiscard]] static Result<JsonCodec> from_schema(const std::string& fbs);
  JsonCodec(JsonCodec&&) noexcept;
  JsonCodec& operator=(JsonCodec&&) noexcept;
  ~JsonCodec();

  /// Errors: invalid_argument that says which argument and member, what was expected and what was given; not_found
  /// for an "@path" that cannot be read.
  [[nodiscard]] Result<detail::Payload> encode(const Json& arguments);

  /// The bytes come from plugin code and are verified first. Error: incompatible when they are not what the schema
  /// says. A task without a result gives null.
  [[nodiscard]] Result<Json> decode(const detail::Payload& result,
                                    const AttachmentWriter& write_attachment = attachment_as_base64) const;

  /// "(string, {path: string, height: int32})": the parameters for a person.
  [[nodiscard]] std::string parameters() const;
  /// parameters() " -> int32"; without the arrow for a task without a result.
  [[nodiscard]] std::string signature() const;

 private:
  struct Schema;
  explicit JsonCodec(std::unique_ptr<Schema> schema);
  std::unique_ptr<Schema> schema_;
};

}  // namespace flame::cli
