// Notes in the control page when an allocation of this process fails, so that a death after it is out_of_memory.
#pragma once

namespace flame::slot {

/// Makes the linker take allocation_probe.cpp, whose malloc() and relatives stand before those of the C library
/// and of preloaded allocators, and call them.
void link_allocation_probe();

}  // namespace flame::slot
