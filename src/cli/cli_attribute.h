/** What `clearhead attribute` shows: parts of the stream, or streams, by position.
 *
 *    clh_attribute_grid grid = {0};
 *    if (clh_attribute_parts(&grid, &ask, model, cache, &err)) ...     // or clh_attribute_lens()
 *    clh_attribute_print(&grid, &ask, run);
 *    clh_attribute_grid_deinit(&grid);
 *
 *  A grid is rows of numbers by position, each with its name and mean; the caller owns it.
 */
#ifndef CLH_CLI_ATTRIBUTE_H
#define CLH_CLI_ATTRIBUTE_H

#include "base/strbuf.h"
#include "clearhead/logit_lens.h"
#include "clearhead/measure.h"
#include "cli/cli_batch.h"
#include "cli/cli_slice.h"

/** What is asked of a model. */
typedef struct clh_attribute_ask {
    const clh_invocation *inv;
    clh_cli_batch batch;
    size_t *position, count; /**< rows of logits that are looked at, owned */
    bool lens;
    bool right;        /**< the right token's logit less the mean; else `metric` at one position */
    clh_metric metric; /**< logit or logit_diff */
    unsigned split;
    clh_final_norm norm;
    const clh_watch *watch; /**< told the position at hand; may be NULL */
} clh_attribute_ask;

/** A row of a grid. */
typedef struct clh_attribute_row {
    char name[32];
    double mean;
    double *value; /**< [count], in the grid's numbers */
} clh_attribute_row;

/** Numbers by position. Of parts: the components, and behind them norm_bias, unembed_bias,
 *  remainder, total. Of a lens: loss, prob, rank, correct, logit of one stream after another. */
typedef struct clh_attribute_grid {
    size_t rows, count;
    size_t parts; /**< rows that are components; of a lens, streams */
    clh_attribute_row *row;
    double *number; /**< [rows, count] */
    double worst;   /**< of parts: largest |remainder| over the sum of all magnitudes; of a lens:
                         largest |last stream's logit - the model's| over the largest logit */
} clh_attribute_grid;

enum { CLH_ATTRIBUTE_EXTRAS = 4, CLH_LENS_NUMBERS = 5 };

/** Direct logit attribution. CLH_ENUMERIC when the norm is frozen and the parts do not add up to
 *  the logit; errors of clearhead/residual.h. */
clh_status clh_attribute_parts(clh_attribute_grid *out, const clh_attribute_ask *ask,
                               const clh_model *model, const clh_cache *cache, clh_error *err);

/** The logit lens; errors of clearhead/logit_lens.h. */
clh_status clh_attribute_lens(clh_attribute_grid *out, const clh_attribute_ask *ask,
                              const clh_model *model, const clh_cache *cache, clh_error *err);

/** Free what a grid holds. All zero is fine. */
void clh_attribute_grid_deinit(clh_attribute_grid *grid);

/** As a table, as JSON, as a heat map. */
void clh_attribute_print(const clh_attribute_grid *grid, const clh_attribute_ask *ask,
                         const clh_run *run);
void clh_attribute_add_json(clh_strbuf *text, const clh_attribute_grid *grid,
                            const clh_attribute_ask *ask, const clh_run *run);
clh_status clh_attribute_draw(const char *path, const clh_attribute_grid *grid,
                              const clh_attribute_ask *ask, const clh_run *run, clh_error *err);

#endif
