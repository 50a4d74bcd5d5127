// C++ names for people.
#pragma once

#include <string>

namespace flame::detail {

/// "video::Part" for "N5video4PartE"; the name as it is when it is no mangled one. Any thread.
[[nodiscard]] std::string demangle(const char* name);

/// The same of a name that nobody vouches for: each back reference in it may double the text, so a name with many is
/// given as it is.
[[nodiscard]] std::string demangle_untrusted(const std::string& name);

}  // namespace flame::detail
