// What a runner has of the plugins that it was asked to have.
#pragma once

#include <algorithm>
#include <vector>

#include "host/src/policy/events.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

/// What the runner has, each once, and what it was asked to have and has not.
[[nodiscard]] inline std::vector<event::RunnerPlugin> all_plugins(const std::vector<event::RunnerPlugin>& reported,
                                                                  const std::vector<DigestId>& asked) {
  std::vector<event::RunnerPlugin> plugins;
  const auto add = [&](const event::RunnerPlugin& plugin) {
    if (std::ranges::find(plugins, plugin.digest, &event::RunnerPlugin::digest) == plugins.end())
      plugins.push_back(plugin);
  };
  std::ranges::for_each(reported, add);
  for (DigestId digest : asked)
    add({digest, base::make_error(ErrorCode::not_found,
                                  "the runner does not have the plugin; install it in the runner's image")});
  return plugins;
}

}  // namespace flame::pool
