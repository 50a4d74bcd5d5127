// C++ names for people.
#pragma once

#include <string>

namespace flame::detail {

/// "video::Part" for "N5video4PartE"; the name as it is when it is no mangled one. Only for names that
/// somebody vouches for: a short one may stand for a text without end. Any thread.
[[nodiscard]] std::string demangle(const char* name);

}  // namespace flame::detail
