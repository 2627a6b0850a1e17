/** What an opened clh_paths holds: path.c patches it, path_eap.c differentiates it. */
#ifndef CLH_PATH_RUNS_H
#define CLH_PATH_RUNS_H

#include "lens/paths/graph_twin.h"

struct clh_paths {
    clh_paths_ask ask;
    clh_graph_twin twin;
    clh_cache *clean, *corrupted; /**< the two runs, never written */
    clh_cache *scratch;           /**< whatever is being tried */
    clh_cache *gradient;          /**< NULL until asked for */
    double clean_metric, corrupted_metric;
    clh_node_rows *rows; /**< [writers]: what a sum is made of */
    clh_real *message;   /**< [pos, d_model]: what goes along a path */
};

#endif
