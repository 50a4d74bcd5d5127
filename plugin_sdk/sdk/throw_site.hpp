// Where the exception that reaches the firewall was thrown.
#pragma once

#include <cstddef>
#include <span>

namespace flame::detail {

/// Before the first `try` with a clause for ThrowWatch. [any thread]
void arm_throw_watch() noexcept;

/// Return addresses of the stack that threw the last exception which only the firewall catches, innermost first: the
/// unwinder's own come first. Of the calling thread; valid until it throws again. Empties the record. Empty when the
/// exception is no C++ one, and with another library than libstdc++.
[[nodiscard]] std::span<void* const> take_throw_site() noexcept;

}  // namespace flame::detail
