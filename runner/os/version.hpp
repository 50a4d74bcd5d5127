// The version of this build.
#pragma once

namespace flame::runner {

inline constexpr const char* kVersion = FLAME_VERSION;

}  // namespace flame::runner
