// Which libraries an ELF file wants to be loaded with it, and where it tells the loader to look.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace flame::manifest {

struct ElfDynamic {
  std::vector<std::string> needed;  // DT_NEEDED
  /// DT_RUNPATH, else DT_RPATH; `$ORIGIN` is not replaced.
  std::vector<std::string> search_path;
};

/// Of the shared object at `path`, which nobody vouches for: what is damaged, missing or beyond
/// limits::kDynamicEntriesMax counts as not there. [any thread]
[[nodiscard]] ElfDynamic read_dynamic(const std::filesystem::path& path);

}  // namespace flame::manifest
