/* Libraries beside the plugin edge_beside: it needs the outer one, and that the inner one. */
#ifndef EDGE_BESIDE_LIBRARY_H
#define EDGE_BESIDE_LIBRARY_H

#ifdef __cplusplus
extern "C" {
#endif
const char* edge_beside_outer(void);
const char* edge_beside_inner(void);
#ifdef __cplusplus
}
#endif

#endif
