// flame machines reap.
#pragma once

#include <vector>

#include <flame/result.hpp>

#include "tools/flame/machine_source.hpp"
#include "tools/flame/machines_text.hpp"

namespace CLI {
class App;
}

namespace flame::cli {

void add_machines_reap(CLI::App& machines, int& exit_code);

/// What each source lists, and why something may be missing.
struct AllLists {
  std::vector<SourceList> lists;
  std::vector<Error> missing;  ///< of sources and of backends that have not answered
};
[[nodiscard]] AllLists list_all(const MachineSources& sources);

}  // namespace flame::cli
