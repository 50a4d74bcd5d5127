// Whether a CPU can run what a plugin was compiled for. Elsewhere than on x86-64 nothing is known, and nothing refused.
#pragma once

#include <optional>

#include <flame/detail/plugin_cpu.hpp>
#include <flame/error.hpp>

#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::manifest {

/// What this machine's CPU, and its kernel, let a program use; asked once. [any thread]
[[nodiscard]] const detail::CpuFeatures& this_cpu() noexcept;

/// Whether `cpu` runs the plugin. Pure. nullopt if so, and for a plugin that does not say what it needs (from an older
/// SDK, or in C). Else incompatible with the remedy: names what the plugin was compiled for and what the CPU lacks, or
/// the word of a newer SDK that this version does not know. [any thread]
[[nodiscard]] std::optional<Error> check_cpu(const Manifest& manifest, const detail::CpuFeatures& cpu = this_cpu());

}  // namespace flame::manifest
