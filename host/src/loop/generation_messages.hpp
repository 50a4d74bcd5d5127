// What runners say of generations, in the words of the policy.
#pragma once

#include <optional>

#include "host/src/loop/plugin_ref.hpp"
#include "host/src/plugins/catalog.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/transport/session.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// nullopt: about a digest that this host does not know.
[[nodiscard]] inline std::optional<event::Loaded> to_event(const wire::Loaded& answer, const SessionInfo& runner,
                                                           const Catalog& catalog) {
  const auto digest = catalog.find_digest(answer.digest);
  if (!digest) return std::nullopt;
  event::Loaded event{.runner = runner.runner, .digest = *digest, .error = {}};
  if (answer.error.code != ErrorCode::none) {
    event.error = answer.error;
    event.error->runner = runner.name;
    event.error->plugin = catalog.plugin(*digest).reference;
  }
  return event;
}

/// The same as the runner would list it in a hello.
[[nodiscard]] inline wire::PluginState to_state(const event::Loaded& event, const Catalog& catalog) {
  wire::PluginState state;
  state.plugin = plugin_ref(catalog.plugin(event.digest));
  state.ready = !event.error;
  if (event.error) state.error = event.error->message;
  return state;
}

}  // namespace flame::pool
