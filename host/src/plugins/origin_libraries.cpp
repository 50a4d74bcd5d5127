// Follows DT_NEEDED as the loader does, but only where $ORIGIN leads.
#include "host/src/plugins/origin_libraries.hpp"

#include <algorithm>
#include <deque>
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

/// A directory of a search path.
struct Place {
  fs::path directory;
  bool from_origin = false;
};
using Places = std::vector<Place>;

Places places_of(const manifest::ElfDynamic& dynamic, const fs::path& directory) {
  Places places;
  for (const std::string& entry : dynamic.search_path) {
    const auto rest = after_origin(entry);
    places.push_back({rest ? fs::path(directory.string() + std::string(*rest)) : fs::path(entry), rest.has_value()});
  }
  return places;
}

// Empty if not found through $ORIGIN.
fs::path find_beside(const Places& places, const std::string& library) {
  for (const Place& place : places) {
    const fs::path file = (place.directory / library).lexically_normal();
    if (is_file(file)) return place.from_origin ? file : fs::path();
  }
  return {};
}

/// A file whose libraries are to be found, and the DT_RPATHs of those that brought it in, the nearest first.
struct Open {
  fs::path file;
  Places handed_down;
};

}  // namespace

// As the loader does: breadth first, since who brings a library in first hands its DT_RPATH down to it.
std::vector<fs::path> origin_libraries(const fs::path& plugin) {
  std::error_code ignored;
  const fs::path directory = fs::weakly_canonical(plugin.parent_path().empty() ? "." : plugin.parent_path(), ignored);
  std::vector<fs::path> found;
  std::deque<Open> open = {{directory / plugin.filename(), {}}};
  for (; !open.empty() && found.size() < limits::kOriginLibrariesMax; open.pop_front()) {
    const Open& next = open.front();
    const manifest::ElfDynamic dynamic = manifest::read_dynamic(next.file);
    const Places own = places_of(dynamic, next.file.parent_path());
    Places all = own;
    all.insert(all.end(), next.handed_down.begin(), next.handed_down.end());
    for (const std::string& library : dynamic.needed) {
      if (library.empty() || library.find('/') != std::string::npos) continue;
      const fs::path beside = find_beside(dynamic.has_runpath ? own : all, library);
      if (beside.empty() || std::find(found.begin(), found.end(), beside) != found.end()) continue;
      found.push_back(beside);
      open.push_back({beside, dynamic.has_runpath ? next.handed_down : all});
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
