/** Attribution, or the logit lens, position by position: rows of numbers with their names.
 *
 *    clh_resid_grid grid = {0};
 *    const clh_resid_grid_ask ask = {.tokens = tokens, .position = position, .count = count, .right = true,
 *                              .split = CLH_SPLIT_HEADS, .norm = CLH_NORM_FROZEN};
 *    if (clh_resid_grid_parts(&grid, model, cache, &ask, NULL, &err)) ...
 *    grid.row[r].name, grid.row[r].mean, grid.row[r].value[i]           // of position[i]
 *    clh_resid_grid_deinit(&grid);
 *
 *  The caller owns a grid, and everything in it belongs to it. A cache is as for
 *  clearhead/residual.h.
 */
#ifndef CLH_RESID_GRID_H
#define CLH_RESID_GRID_H

#include "clearhead/logit_lens.h"
#include "clearhead/watch.h"

/** What is looked at. Borrowed. */
typedef struct clh_resid_grid_ask {
    clh_tokens tokens;
    const size_t *position; /**< [count]: rows of logits */
    size_t count;
    bool right;        /**< the right token's logit less the mean; else `metric` at one position */
    clh_metric metric; /**< logit or logit_diff */
    unsigned split;
    clh_final_norm norm;
} clh_resid_grid_ask;

typedef struct clh_resid_grid_row {
    char name[32];
    double mean, least, most;
    double *value; /**< [count], in the grid's numbers */
} clh_resid_grid_row;

/** What stands behind the components of a grid of parts. */
typedef enum clh_resid_grid_extra {
    CLH_RESID_NORM_BIAS = 0,
    CLH_RESID_UNEMBED_BIAS = 1,
    CLH_RESID_REMAINDER = 2,
    CLH_RESID_TOTAL = 3, /**< of all others */
    CLH_RESID_EXTRAS = 4
} clh_resid_grid_extra;

/** What is said of each stream of a lens. */
typedef enum clh_resid_grid_number {
    CLH_RESID_LOSS = 0,
    CLH_RESID_PROB = 1,
    CLH_RESID_RANK = 2,
    CLH_RESID_CORRECT = 3,
    CLH_RESID_LOGIT = 4,
    CLH_RESID_NUMBERS = 5
} clh_resid_grid_number;

typedef struct clh_resid_grid {
    size_t rows, count;
    size_t parts; /**< of parts: rows that are components, then CLH_RESID_EXTRAS; of a lens:
                            streams, in each of CLH_RESID_NUMBERS blocks of rows */
    clh_resid_grid_row *row; /**< [rows] */
    double *number;          /**< [rows, count] */
    size_t *order;           /**< [parts]: the largest |mean| first; NULL of a lens */
    double worst; /**< of parts: largest |remainder| over the sum of all magnitudes; of a lens:
                            largest |last stream's logit - the model's| over the largest logit */
} clh_resid_grid;

/** Direct logit attribution. CLH_ENUMERIC when the norm is frozen and the parts do not add up to the
 *  logit; CLH_STOPPED; errors of clearhead/residual.h. `watch` may be NULL. */
clh_status clh_resid_grid_parts(clh_resid_grid *out, const clh_model *model, const clh_cache *cache,
                                const clh_resid_grid_ask *ask, const clh_watch *watch,
                                clh_error *err);

/** The logit lens, of the right token; errors of clearhead/logit_lens.h. */
clh_status clh_resid_grid_lens(clh_resid_grid *out, const clh_model *model, const clh_cache *cache,
                               const clh_resid_grid_ask *ask, const clh_watch *watch,
                               clh_error *err);

/** Free what a grid holds. All zero is fine. */
void clh_resid_grid_deinit(clh_resid_grid *grid);

/** Rows of a grid with their positions row by row, whole terms in each, so that what a slot has in
 *  common stands in one column: a picture of more positions than a strip can show. */
typedef struct clh_resid_fold {
    size_t parts, rows, cols; /**< 0 rows: the positions are few, or not one after the other */
    double *value;            /**< [parts, rows, cols]; NaN behind the last position */
    const char **title;       /**< [parts]: "L0H0, mean 0.123" */
    const char **row, **col;  /**< [rows], [cols]: "term 3", "1"; of a task without terms places */
    char (*text)[48];
} clh_resid_fold;

/** Fold `count` rows of `grid` from row `from` on, without the one at `skip` (SIZE_MAX: none). `task`
 *  may be NULL. CLH_ENOMEM. */
clh_status clh_resid_fold_make(clh_resid_fold *out, const clh_resid_grid *grid,
                               const clh_resid_grid_ask *ask, size_t from, size_t count,
                               size_t skip, const clh_task *task, clh_error *err);

/** Free what a fold holds. All zero is fine. */
void clh_resid_fold_deinit(clh_resid_fold *fold);

#endif
