// Announces a crash in the control page before the process dies of it, and knows each thread's page.
#pragma once

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

/// Handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT that report the call stack and then let the signal act.
/// Call it before the plugin is loaded: a handler that the plugin or one of its libraries installs, whenever that is,
/// takes the place of ours and may hand on to it. What is installed already (by a preloaded library, a sanitizer)
/// stays.
void install_crash_handler();

/// From here on this process reports its crashes. Threads without a page of their own (started by tasks) report into
/// `page`; a child that is forked from this process reports nothing.
void report_crashes_into(ControlPage* page);

/// Gives the calling thread a page of its own and, unless it has one, a signal stack, so that a stack overflow is
/// reported too.
void adopt_thread(ControlPage* page);

/// The calling thread's page, else the process's, else nullptr. Safe in malloc and in signal handlers.
[[nodiscard]] ControlPage* current_page() noexcept;

}  // namespace flame::slot
