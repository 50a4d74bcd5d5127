// What people and programs are told about changes of the plugin store. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "host/src/plugins/store/store.hpp"
#include "tools/flame/json_codec.hpp"

namespace flame::cli {

/// "2026-01-31 08:05" or, `exact`, "2026-01-31T08:05:09Z", of seconds since 1970, UTC; of a time that no calendar
/// has, the seconds. [any thread]
[[nodiscard]] std::string utc_time(std::int64_t seconds, bool exact = false);

/// "is refused by the host web-1 since 2026-01-31 08:05: it crashed", without what is not known. [any thread]
[[nodiscard]] std::string refusal_text(const store::Refusal& refusal);

/// One line with its newline: name, version and whole digest, and what is special about it. [any thread]
[[nodiscard]] std::string installation_text(const store::Installation& done);
[[nodiscard]] Json installation_to_json(const store::Installation& done);

/// One line for each build, with its size; none if nothing was removed. [any thread]
[[nodiscard]] std::string removed_text(const store::Removed& removed);
[[nodiscard]] Json removed_to_json(const store::Removed& removed);

}  // namespace flame::cli
