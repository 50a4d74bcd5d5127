// The plugin edge_files.
#include "tests/integration/edge/files_tasks.hpp"

#include <unistd.h>

#include <flame/plugin.hpp>

std::int64_t edge_files::process() {
  return ::getpid();
}

FLAME_PLUGIN("edge_files", "1.0.0", p) {
  p.task<edge_files::process>();
}
