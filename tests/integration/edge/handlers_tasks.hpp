// Contract of the plugin edge_handlers, which has signal handlers of its own.
#pragma once

#include <cstdint>
#include <string>

#include <flame/contract.hpp>

namespace handlers {

/// Raises the signal; gives the name of the place whose handler ran.
std::string raise_and_tell(std::int32_t signal);
/// Installs a handler in the task, then as above.
std::string raise_with_a_handler_of_the_task(std::int32_t signal);
/// A handler that has looked at the fault and hands it on to the one that was there before.
void crash_and_hand_on();
/// Whether the signal stack that the plugin made for itself is in use.
bool has_its_own_signal_stack();
/// A child process of the task crashes; gives its signal.
std::int32_t child_crashes();

}  // namespace handlers
