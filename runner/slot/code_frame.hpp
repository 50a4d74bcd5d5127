// Names the module of a code address, in the process that runs there.
#pragma once

#include "runner/protocol/protocol.hpp"

namespace flame::slot {

/// Fills `frame`. Async-signal-safe, takes no lock and no memory: for signal handlers too. Code that no module holds
/// (it was made at run time, or its library has been closed) keeps its bare address.
void describe_frame(CodeFrame& frame, void* address) noexcept;

}  // namespace flame::slot
