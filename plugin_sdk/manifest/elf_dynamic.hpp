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
  /// It has a DT_RUNPATH: the loader looks nowhere else for what it needs. Else a DT_RPATH holds for what its libraries
  /// need, too.
  bool has_runpath = false;
};

/// Of the shared object at `path`, which nobody vouches for: what is damaged, missing or beyond
/// limits::kDynamicEntriesMax counts as not there. [any thread]
[[nodiscard]] ElfDynamic read_dynamic(const std::filesystem::path& path);

}  // namespace flame::manifest
