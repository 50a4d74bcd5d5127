/* Sizes and offsets of ABI 1.0 as the frozen header has them, for comparison with today's. */
#include "flame_abi_v1_0.h"
#include "layout.h"

const size_t flame_frozen_layout[FLAME_LAYOUT_COUNT] = FLAME_LAYOUT;
