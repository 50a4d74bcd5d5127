// Decodes envelopes: verify, check each field, unpack.
#include <concepts>
#include <string>
#include <type_traits>
#include <variant>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/field_check.hpp"

namespace flame::wire {
namespace {

// False if it breaks a rule.
template <typename Message>
bool take_as(FieldCheck& check, const fb::Envelope& envelope, Message& message) {
  return check.take(*static_cast<const typename Message::TableType*>(envelope.body()), message);
}

bool take_as(FieldCheck&, const fb::Envelope& envelope, Undecoded& unknown) {
  const auto kind = static_cast<unsigned>(envelope.body_type());
  unknown.answer = {.id = envelope.request_id(), .what = "message kind " + std::to_string(kind)};
  return true;
}

// As the alternative of its kind, or as Undecoded, which is the last one.
template <typename... Messages>
bool take(FieldCheck& check, const fb::Envelope& envelope, std::variant<Messages...>& body) {
  bool good = false;
  const auto take_if = [&]<typename Message>(std::type_identity<Message>) {
    const bool fits = fb::BodyUnionTraits<Message>::enum_value == envelope.body_type();
    if (!fits && !std::same_as<Message, Undecoded>) return false;
    good = take_as(check, envelope, body.template emplace<Message>());
    return true;
  };
  static_cast<void>((take_if(std::type_identity<Messages>()) || ...));
  return good;
}

}  // namespace

flame::Result<Envelope> decode(std::span<const std::byte> frame) {
  if (frame.size() > limits::kEnvelopeMax) {
    return incompatible("an envelope of " + std::to_string(frame.size()) + " bytes is over the limit");
  }
  const auto bytes = aligned_for_reading(frame);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), limits::kEnvelopeDepthMax, limits::kEnvelopeTablesMax);
  if (!fb::VerifyEnvelopeBuffer(verifier)) {
    return incompatible("not a FLAME envelope, or a damaged one (" + std::to_string(frame.size()) + " bytes)");
  }
  const auto& envelope = *fb::GetEnvelope(data);
  if (envelope.body() == nullptr || envelope.body_type() == fb::Body::NONE) {
    return incompatible("the envelope has no body");
  }
  flame::Result<Envelope> result(boost::system::in_place_value);
  result->session = envelope.session();
  FieldCheck check;
  if (!take(check, envelope, result->body)) return check.error();
  return result;
}

}  // namespace flame::wire
