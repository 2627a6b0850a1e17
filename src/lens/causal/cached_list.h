/** Which arrays a clh_cached has, and where their numbers lie. */
#ifndef CLH_CACHED_LIST_H
#define CLH_CACHED_LIST_H

#include "lens/causal/cached.h"

/** List them; cached->cache is opened, the batch chosen, the scalar read. */
clh_status clh_cached_list(clh_cached *cached, const char *names, clh_error *err);

/** Point the arrays at what was computed. */
void clh_cached_fill(clh_cached *cached);

#endif
