// What a change of a plugin's version writes into the plugin store for hosts that start later.
#pragma once

#include <string>

#include <flame/result.hpp>

#include "plugin_sdk/manifest/semver.hpp"
#include "tools/flame/plugin_change.hpp"
#include "tools/flame/plugin_place.hpp"

namespace flame::cli {

/// Writes for all hosts what those of the report have agreed on, and a note of it. Where there is no store none is
/// made, and the note says so. Errors become the report's problem. `forced`: a refusal of it in the store is lifted.
void record_agreement(const PluginPlace& place, bool forced, ChangeReport& report);

/// No host serves it: the version of the store that the next start of any host takes. What was refused is only taken if
/// `forced`, and its refusal is lifted then; what the rules of the place's configuration exclude is not. Errors: those
/// of store::Store; incompatible for the version that is excluded, if there is none beside it.
[[nodiscard]] Result<ChangeReport> activate_in_store(const PluginPlace& place,
                                                     const manifest::PluginReference& reference, bool forced);

/// No host serves it: back to what was before what the store has as active for all hosts. Errors besides: not_found
/// when there is none.
[[nodiscard]] Result<ChangeReport> roll_back_in_store(const PluginPlace& place, const std::string& plugin, bool forced);

}  // namespace flame::cli
