// Notes in the control page when an allocation of this process fails, so that a death after it is out_of_memory.
#pragma once

namespace flame::slot {

/// Makes the linker take allocation_probe.cpp, whose malloc() and relatives replace the C library's names.
void link_allocation_probe();

}  // namespace flame::slot
