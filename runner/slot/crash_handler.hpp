// Announces a crash in the control page before the process dies of it, and knows each thread's page.
#pragma once

#include "runner/slot/protocol.hpp"

namespace flame::slot {

/// Loads what backtrace() needs. Once, in the zygote: a handler may not load libraries.
void prime_crash_handler();

/// Handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT that write raw addresses and then let the signal act.
/// Threads without a page of their own (started by tasks) report into `page`.
void install_crash_handler(ControlPage* page);

/// Gives the calling thread a page of its own and a signal stack, so that a stack overflow is reported too.
void adopt_thread(ControlPage* page);

/// Writes where code lies into the page, so that addresses can be named after death.
void describe_modules(ControlPage* page);

/// The calling thread's page, else the process's, else nullptr. Safe in malloc and in signal handlers.
[[nodiscard]] ControlPage* current_page() noexcept;

}  // namespace flame::slot
