// Whether two signatures with different fingerprints may still talk to each other.
#pragma once

#include <string>
#include <string_view>

namespace flame::detail {

/// Both texts are schemas as Callee<F>::schema prints them; they may come from a manifest and are not trusted. True if
/// they are equal, or if one of them (the same one everywhere) only appends fields at the end of tables. Parameters,
/// enumerators and alternatives of variants cannot be appended. False for a text that is not a schema; then and for
/// every other difference `difference`, unless null, says which, naming both sides. [any thread]
[[nodiscard]] bool compatible(std::string_view caller_schema, std::string_view plugin_schema,
                              std::string* difference = nullptr);

/// "(video_Video, int) -> video_Resized", for messages; "(?)" for a text that is not a schema.
[[nodiscard]] std::string signature_text(std::string_view schema);

}  // namespace flame::detail
