// How a secret is written in TOML.
#pragma once

#include <filesystem>
#include <optional>

#include <toml++/toml.h>

#include <flame/config.hpp>

namespace flame::pool {

/// `{ env = "X" }` or `{ file = "…" }`: exactly one of these keys, a string. A relative file is taken from `directory`.
/// Nothing: the table is no secret.
[[nodiscard]] std::optional<Secret> read_secret(const toml::table& table, const std::filesystem::path& directory);

}  // namespace flame::pool
