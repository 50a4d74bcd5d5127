// Runs start() or start_slot() of a plugin.
#pragma once

#include <flame_abi.h>

#include <optional>
#include <string_view>

#include <flame/error.hpp>

namespace flame::slot {

/// Calls `hook`, called `name` in messages; does nothing if it is null. What it gives is what callers see: task_failed
/// or out_of_memory, with the plugin's own words.
[[nodiscard]] std::optional<Error> run_hook(flame_status (*hook)(const flame_parent_info*, char*, std::size_t),
                                            const flame_parent_info& parent, std::string_view name);

}  // namespace flame::slot
