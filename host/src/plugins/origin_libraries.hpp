// The libraries that stand beside a plugin: those that it, or one of them, finds through $ORIGIN in its search path, or
// in the DT_RPATH of one that brought it in.
#pragma once

#include <filesystem>
#include <vector>

namespace flame::pool {

/// Absolute, normal paths, each once, as the loader would ask for them (links are not followed); at most
/// limits::kOriginLibrariesMax. A library that is found elsewhere first is not among them. [any thread]
[[nodiscard]] std::vector<std::filesystem::path> origin_libraries(const std::filesystem::path& plugin);

/// The deepest directory that holds all of `files`, which are absolute and normal.
[[nodiscard]] std::filesystem::path common_directory(const std::vector<std::filesystem::path>& files);

}  // namespace flame::pool
