// Text from a slot made safe for logs, JSON and FlatBuffers strings.
#pragma once

#include <string>
#include <string_view>

namespace flame::slot {

/// `text` as valid UTF-8 without control characters: invalid bytes become U+FFFD, controls other than tab and newline
/// become spaces.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace flame::slot
