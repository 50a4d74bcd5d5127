/* Both libraries; EDGE_BESIDE_INNER chooses. */
#include "beside_library.h"

#ifdef EDGE_BESIDE_INNER
const char* edge_beside_inner(void) {
  return "inner";
}
#else
const char* edge_beside_outer(void) {
  return edge_beside_inner();
}
#endif
