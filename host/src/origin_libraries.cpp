// Follows DT_NEEDED as the loader does, but only where $ORIGIN leads.
#include "host/src/origin_libraries.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/manifest/elf_dynamic.hpp"

namespace flame::pool {
namespace {

namespace fs = std::filesystem;

// The rest of a search path's entry after $ORIGIN; nullopt: it does not begin with that.
std::optional<std::string_view> after_origin(std::string_view entry) {
  for (const std::string_view origin : {std::string_view("$ORIGIN"), std::string_view("${ORIGIN}")}) {
    if (!entry.starts_with(origin)) continue;
    entry.remove_prefix(origin.size());
    if (entry.empty() || entry.front() == '/') return entry;
  }
  return std::nullopt;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// Where `library` is found for a file in `directory`; empty if not through $ORIGIN.
fs::path find_beside(const std::vector<std::string>& search_path, const fs::path& directory,
                     const std::string& library) {
  for (const std::string& entry : search_path) {
    const auto rest = after_origin(entry);
    const fs::path base = rest ? fs::path(directory.string() + std::string(*rest)) : fs::path(entry);
    const fs::path file = (base / library).lexically_normal();
    if (is_file(file)) return rest ? file : fs::path();
  }
  return {};
}

}  // namespace

std::vector<fs::path> origin_libraries(const fs::path& plugin) {
  std::error_code ignored;
  const fs::path directory = fs::weakly_canonical(plugin.parent_path().empty() ? "." : plugin.parent_path(), ignored);
  std::vector<fs::path> found;
  std::vector<fs::path> open = {directory / plugin.filename()};
  while (!open.empty() && found.size() < limits::kOriginLibrariesMax) {
    const fs::path file = open.back();
    open.pop_back();
    const manifest::ElfDynamic dynamic = manifest::read_dynamic(file);
    for (const std::string& library : dynamic.needed) {
      if (library.empty() || library.find('/') != std::string::npos) continue;
      const fs::path beside = find_beside(dynamic.search_path, file.parent_path(), library);
      if (beside.empty() || std::find(found.begin(), found.end(), beside) != found.end()) continue;
      found.push_back(beside);
      open.push_back(beside);
    }
  }
  return found;
}

fs::path common_directory(const std::vector<fs::path>& files) {
  fs::path common = files.front().parent_path();
  for (const fs::path& file : files) {
    const fs::path directory = file.parent_path();
    while (std::mismatch(common.begin(), common.end(), directory.begin(), directory.end()).first != common.end()) {
      common = common.parent_path();
    }
  }
  return common;
}

}  // namespace flame::pool
