// Directories that only this user may use: what lies there can be trusted.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include <flame/result.hpp>

namespace flame::pool {

/// Whose directory `path` is; nullopt if it is none of mode 0700, also if it is a link to one. [any thread]
[[nodiscard]] std::optional<uid_t> owner_of_private(const std::filesystem::path& path);

/// Makes `dir` with mode 0700, or finds it like that and this user's. Error: boot_failed; other users may have made it
/// when ours was gone, so nothing in it is to be trusted. [any thread]
[[nodiscard]] Result<void> make_private(const std::filesystem::path& dir);

}  // namespace flame::pool
