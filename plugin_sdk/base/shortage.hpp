// Errors of the system that say "not now": no processes, memory or descriptors are left.
#pragma once

#include <string>

namespace flame::base {

/// EAGAIN, ENOMEM, EMFILE or ENFILE: what was tried may work later. [any thread]
[[nodiscard]] bool is_shortage(int error_number) noexcept;

/// Which limit to raise, as a sentence; empty for what is no shortage. [any thread]
[[nodiscard]] std::string shortage_remedy(int error_number);

}  // namespace flame::base
