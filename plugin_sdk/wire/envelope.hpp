// Encoding and decoding of one envelope frame. Nothing here knows sockets; nothing here trusts its input.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::wire {

/// Encodes `body` for `session` (0 before Welcome). The result is at most limits::kEnvelopeMax bytes: texts and lists
/// past their limits are cut, with a mark at the end of a cut text. [any thread]
[[nodiscard]] std::vector<std::byte> encode(std::uint64_t session, const Body& body);
/// The same into `out`, whose storage is reused.
void encode_into(std::vector<std::byte>& out, std::uint64_t session, const Body& body);

/// Keeps nothing: `frame` may be reused after return, and need not be aligned. Errors, all ErrorCode::incompatible with
/// a sentence that names the field: not a FLAME envelope, fails verification, over a limit, enum out of range. A body
/// of a kind this protocol minor does not know decodes to Undecoded, whose answer has its request_id and its number.
/// [any thread]
[[nodiscard]] flame::Result<Envelope> decode(std::span<const std::byte> frame);

/// FLAME_PARENT: the flat buffer, and its base64 form for environments. Same error rule as decode(). [any thread]
[[nodiscard]] std::string encode_parent(const Parent& parent);
[[nodiscard]] flame::Result<Parent> decode_parent(std::string_view bytes);
[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace flame::wire
