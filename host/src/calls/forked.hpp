// fork() without exec: how the child is told that the host is not there.
#pragma once

#include <flame/error.hpp>

namespace flame::pool {

/// What calls get there: shutting_down.
[[nodiscard]] Error forked_error();

}  // namespace flame::pool
