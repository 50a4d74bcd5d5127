// Reads what a slot or a zygote has printed.
#pragma once

#include <cstddef>
#include <string>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::slot {

/// Appends what a nonblocking pipe holds, at most `limit` bytes; closes it and returns false at its end.
bool drain_pipe(base::UniqueFd& fd, std::string& text, std::size_t limit);

}  // namespace flame::slot
