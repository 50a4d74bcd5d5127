// Events, actions and messages in words, for the trace of a world.
#pragma once

#include <string>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::sim {

[[nodiscard]] std::string describe(const pool::Event& event);
/// " -> boot 2, send 7 to 1", or nothing.
[[nodiscard]] std::string describe(const pool::Actions& actions);
[[nodiscard]] std::string describe(const wire::Body& body);

}  // namespace flame::sim
