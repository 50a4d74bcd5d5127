// Whom this process works for, as the runner told the plugin: what Parent::get() gives.
#pragma once

#include <optional>

#include <flame_abi.h>
#include <flame/parent.hpp>

namespace flame::detail {

[[nodiscard]] Parent to_parent(const flame_parent_info& info);

/// Remembers `info` for process_parent(); null is ignored. Called by the trampolines. [any thread]
void set_process_parent(const flame_parent_info* info) noexcept;
[[nodiscard]] std::optional<Parent> process_parent();

}  // namespace flame::detail
