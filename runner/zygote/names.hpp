// Demangles names that nobody vouches for, in a process of its own.
#pragma once

namespace flame::slot {

/// Reads names from standard input, each ended by NUL, and writes each as people read it to standard output, cut, ended
/// by NUL; one that is no name or needs too much memory as an empty one. Bounds its memory and CPU time first. Returns
/// the exit status.
[[nodiscard]] int demangle_names();

}  // namespace flame::slot
