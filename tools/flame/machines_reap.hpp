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

/// What each source lists. Error: of the first one that does not, or of a backend: an answer that is not whole would
/// let a machine seem not to exist.
[[nodiscard]] Result<std::vector<SourceList>> list_all(const MachineSources& sources);

}  // namespace flame::cli
