// The supervisor: puts the runner's parts together and turns one loop over all their descriptors and deadlines.
#pragma once

#include <string>

namespace flame::runner {

/// Serves the host that `parent_bytes` (wire/parent.fbs; wiped here) names, until the terminator lets it go or the
/// guardian dies. Returns the exit status: 0 after an orderly end, 1 when the host could not be reached or was lost
/// before it welcomed us, 2 when `parent_bytes` is unusable. Call in the main thread of a single-threaded process that
/// is a subreaper, with SIGTERM, SIGINT, SIGHUP and SIGCHLD blocked.
[[nodiscard]] int supervise(std::string parent_bytes);

}  // namespace flame::runner
