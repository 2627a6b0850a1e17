/** What flows along every edge of a model's graph, as one table.
 *
 *    clh_path_table table = {0};
 *    if (clh_path_table_make(&table, paths, 10, NULL, &err)) ...
 *    for (size_t i = 0; i < table.edges; i++)
 *        ... table.edge[table.order[i]], table.exact[table.order[i]]     // the strongest first
 *    clh_path_table_deinit(&table);
 *
 *  The caller owns the struct, and everything in it belongs to it.
 */
#ifndef CLH_PATH_TABLE_H
#define CLH_PATH_TABLE_H

#include "clearhead/path.h"

typedef struct clh_path_table {
    size_t edges, writers, readers;
    double *exact;    /**< [edges] */
    double *estimate; /**< [edges], by gradients; NULL: not asked for */
    double worst;     /**< largest |estimate - exact|; NaN without estimates */
    size_t *order;    /**< [edges]: the largest |exact| first */
    double *matrix;   /**< [ways, writers, readers]: exact and, where there are, estimates; NaN
                                 where no edge leads from the writer to the reader */
    size_t ways;
    const char **edge;             /**< [edges]: "L0H1->L1H0.q" */
    const char **writer, **reader; /**< [writers], [readers] */
    char (*text)[72];
} clh_path_table;

/** An edge, the strongest first; NaN without estimates. */
typedef struct clh_path_row {
    const char *edge;
    double exact, estimate, error;
} clh_path_row;
clh_path_row clh_path_table_row(const clh_path_table *table, size_t place);

/** Compute it. `steps` of clh_paths_eap(), 0: no estimates. Errors of clh_paths_exact() and
 *  clh_paths_eap(); CLH_STOPPED. */
clh_status clh_path_table_make(clh_path_table *out, clh_paths *paths, size_t steps,
                               const clh_watch *watch, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_path_table_deinit(clh_path_table *table);

/** The effect of the edges that `names` means at once, or along the path `path`; the other is NULL.
 *  Errors of clh_graph_choose(), clh_graph_path(), clh_paths_set() and clh_paths_along(). */
clh_status clh_paths_one(double *effect, clh_paths *paths, const char *names, const char *path,
                         const clh_watch *watch, clh_error *err);

#endif
