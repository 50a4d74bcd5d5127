// Tells which slot of a process called exit(): with several of them in one process, the exit code does not say it.
#pragma once

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

/// From here on exit() and quick_exit() on the calling thread mark `page` before anything else happens. Once per slot,
/// on its own thread, after the plugin is loaded: what is registered last runs first. A child that is forked from this
/// process marks nothing.
void watch_exit(ControlPage* page);

}  // namespace flame::slot
