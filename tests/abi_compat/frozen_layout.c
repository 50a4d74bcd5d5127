/* Sizes and offsets as a frozen header has them (FLAME_FROZEN_HEADER), for comparison with today's. */
#include FLAME_FROZEN_HEADER
#include "layout.h"

const size_t FLAME_LAYOUT_NAME(FLAME_FROZEN_MINOR)[FLAME_LAYOUT_COUNT] = FLAME_LAYOUT;
#if FLAME_FROZEN_MINOR >= 2
const size_t flame_added_layout[FLAME_ADDED_COUNT] = FLAME_ADDED_LAYOUT;
#endif
