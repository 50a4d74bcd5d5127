// The header has to compile alone, as C++20 with every warning an error.
#include "flame_abi.h"

flame_entry_fn flame_abi_compiles_as_cxx(flame_entry_fn entry);
flame_entry_fn flame_abi_compiles_as_cxx(flame_entry_fn entry) {
  return entry;
}
