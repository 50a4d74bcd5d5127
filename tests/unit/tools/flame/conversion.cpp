// By the library of JSON values, which this file alone includes.
#include "tests/unit/tools/flame/conversion.hpp"

#include <utility>

#include "tools/flame/json_codec.hpp"

namespace flame::cli {
namespace {

template <class T>
T taken(Result<T> result) {
  if (!result) throw CallError(result.error());
  return std::move(*result);
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Conversion::Conversion(const std::string& schema)
    : codec_(std::make_shared<JsonCodec>(taken(JsonCodec::from_schema(schema)))) {}

Result<detail::Payload> Conversion::encode(const std::string& arguments) const {
  auto json = parse_json(arguments);
  if (!json) return json.error();
  return codec_->encode(*json);
}

Result<std::string> Conversion::decode(const detail::Payload& result, const std::string& member,
                                       const std::string& attachment) const {
  const AttachmentWriter writer = [&attachment](const Bytes&) -> Result<std::string> { return attachment; };
  const auto json = attachment.empty() ? codec_->decode(result) : codec_->decode(result, writer);
  if (!json) return json.error();
  return text_of(json->at(Json::json_pointer(member)));
}

std::string Conversion::back(const std::string& arguments, const std::string& member) const {
  const auto payload = encode(arguments);
  if (!payload) return payload.error().message;
  const auto text = decode(*payload, member);
  return text ? *text : text.error().message;
}

std::string Conversion::complaint(const std::string& arguments) const {
  const auto payload = encode(arguments);
  if (payload) return "(no error)";
  return payload.error().code == ErrorCode::invalid_argument ? payload.error().message : payload.error().to_string();
}

std::string Conversion::signature() const {
  return codec_->signature();
}

std::string Conversion::parameters() const {
  return codec_->parameters();
}

Result<std::string> parsed(const std::string& text) {
  const auto json = parse_json(text);
  if (!json) return json.error();
  return text_of(*json);
}

}  // namespace flame::cli
