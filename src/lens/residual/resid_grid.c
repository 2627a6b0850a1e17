#include "lens/residual/resid_grid.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/stop.h"

static clh_status make_grid(clh_resid_grid *out, size_t rows, size_t count, clh_error *err)
{
    *out = (clh_resid_grid){.rows = rows, .count = count};
    out->row = clh_alloc_zeroed(rows, sizeof *out->row, err);
    out->number = clh_alloc_zeroed(rows, count * sizeof *out->number, err);
    if (!out->row || !out->number)
        return CLH_ENOMEM;
    for (size_t r = 0; r < rows; r++)
        out->row[r].value = out->number + r * count;
    return CLH_OK;
}

static void take_means(clh_resid_grid *grid)
{
    for (size_t r = 0; r < grid->rows; r++) {
        clh_resid_grid_row *row = &grid->row[r];
        row->mean = 0;
        row->least = row->most = row->value[0];
        for (size_t i = 0; i < grid->count; i++) {
            row->mean += row->value[i] / (double)grid->count;
            row->least = fmin(row->least, row->value[i]);
            row->most = fmax(row->most, row->value[i]);
        }
    }
}

void clh_resid_grid_deinit(clh_resid_grid *grid)
{
    clh_free(grid->row);
    clh_free(grid->number);
    clh_free(grid->order);
    *grid = (clh_resid_grid){0};
}

/* ---- Parts -------------------------------------------------------------------------------------
 */

static clh_status attribute_one(clh_attribution *out, const clh_model *model,
                                const clh_cache *cache, const clh_resid_grid_ask *ask,
                                size_t position, clh_error *err)
{
    return ask->right ? clh_attribution_predictions(out, model, cache, &ask->tokens, position + 1,
                                                    position + 2, CLH_EVERY_TOKEN, ask->split,
                                                    ask->norm, err)
                      : clh_attribution_metric(out, model, cache, &ask->metric, ask->split,
                                               ask->norm, err);
}

static void name_rows(clh_resid_grid *grid, const clh_attribution *from)
{
    static const char *const extra[CLH_RESID_EXTRAS] = {"norm_bias", "unembed_bias", "remainder",
                                                        "total"};
    grid->parts = from->count;
    for (size_t r = 0; r < from->count; r++)
        (void)clh_component_label(&from->component[r], grid->row[r].name);
    for (size_t e = 0; e < CLH_RESID_EXTRAS; e++)
        (void)snprintf(grid->row[from->count + e].name, sizeof grid->row->name, "%s", extra[e]);
    /* the stream's own remainder is a component beside that of the logits */
    (void)snprintf(grid->row[from->count - 1].name, sizeof grid->row->name, "resid_remainder");
}

/* A column of the grid; that the parts are the whole, where they must be. */
static clh_status take_column(clh_resid_grid *grid, const clh_attribution *from, size_t at,
                              size_t position, clh_error *err)
{
    const double extra[CLH_RESID_EXTRAS] = {from->norm_bias, from->unembed_bias, from->remainder,
                                            from->total};
    double size = fabs(from->norm_bias) + fabs(from->unembed_bias), sum = 0;
    for (size_t r = 0; r < from->count; r++) {
        grid->row[r].value[at] = from->value[r];
        size += fabs(from->value[r]);
        sum += from->value[r];
    }
    for (size_t e = 0; e < CLH_RESID_EXTRAS; e++)
        grid->row[from->count + e].value[at] = extra[e];
    sum += from->norm_bias + from->unembed_bias;
    assert(!isfinite(size) || fabs(sum + from->remainder - from->total) <= 1e-9 * (size + 1));
    const double missing = fabs(from->remainder) + fabs(from->value[from->count - 1]);
    grid->worst = size > 0 ? fmax(grid->worst, missing / size) : grid->worst;
    if (from->norm == CLH_NORM_FROZEN && !(missing <= 1e-3 * size))
        return clh_fail(err, CLH_ENUMERIC,
                        "the parts at position %zu add up to %.9g, the logits say %.9g", position,
                        sum, from->total);
    return CLH_OK;
}

typedef struct keyed {
    double size;
    size_t row;
} keyed;

static int by_size(const void *left, const void *right)
{
    const keyed *a = left, *b = right;
    if (a->size < b->size || a->size > b->size)
        return a->size < b->size ? 1 : -1;
    return a->row < b->row ? -1 : 1;
}

static clh_status sort_parts(clh_resid_grid *grid, clh_error *err)
{
    keyed *key = clh_alloc_array(grid->parts, sizeof *key, err);
    grid->order = clh_alloc_array(grid->parts, sizeof *grid->order, err);
    if (key && grid->order) {
        for (size_t r = 0; r < grid->parts; r++)
            key[r] = (keyed){fabs(grid->row[r].mean), r};
        qsort(key, grid->parts, sizeof *key, by_size);
        for (size_t r = 0; r < grid->parts; r++)
            grid->order[r] = key[r].row;
    }
    clh_free(key);
    return key && grid->order ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_resid_grid_parts(clh_resid_grid *out, const clh_model *model, const clh_cache *cache,
                                const clh_resid_grid_ask *ask, const clh_watch *watch,
                                clh_error *err)
{
    assert(out && model && cache && ask && ask->count > 0);
    clh_status status = CLH_OK;
    *out = (clh_resid_grid){0};
    for (size_t i = 0; i < ask->count && !status; i++) {
        clh_attribution one = {0};
        status = clh_watch_check(watch, i, ask->count, "positions", err);
        if (!status)
            status = attribute_one(&one, model, cache, ask, ask->position[i], err);
        if (!status && i == 0) {
            status = make_grid(out, one.count + CLH_RESID_EXTRAS, ask->count, err);
            if (!status)
                name_rows(out, &one);
        }
        if (!status)
            status = take_column(out, &one, i, ask->position[i], err);
        clh_attribution_deinit(&one);
    }
    if (!status)
        status = clh_watch_check(watch, ask->count, ask->count, "positions", err);
    if (!status)
        take_means(out);
    if (!status)
        status = sort_parts(out, err);
    if (status)
        clh_resid_grid_deinit(out);
    return status;
}

/* ---- The lens ----------------------------------------------------------------------------------
 */

static clh_status take_lens(clh_resid_grid *grid, const clh_logit_lens *lens,
                            const clh_resid_grid_ask *ask, clh_error *err)
{
    const double *const from[CLH_RESID_NUMBERS] = {lens->loss, lens->prob, lens->rank,
                                                   lens->correct, lens->logit};
    clh_status status = make_grid(grid, lens->streams * CLH_RESID_NUMBERS, ask->count, err);
    if (status)
        return status;
    grid->parts = lens->streams;
    grid->worst = lens->largest > 0 ? lens->distance / lens->largest : 0;
    for (size_t k = 0; k < CLH_RESID_NUMBERS; k++)
        for (size_t s = 0; s < lens->streams; s++) {
            clh_resid_grid_row *row = &grid->row[k * lens->streams + s];
            (void)clh_component_label(&lens->stream[s], row->name);
            for (size_t i = 0; i < ask->count; i++)
                row->value[i] = from[k][s * lens->count + ask->position[i] + 1 - lens->begin];
        }
    if (!(grid->worst <= 1e-3))
        return clh_fail(err, CLH_ENUMERIC,
                        "the lens on the last stream is %.3g away from logits of at most %.3g",
                        lens->distance, lens->largest);
    return CLH_OK;
}

clh_status clh_resid_grid_lens(clh_resid_grid *out, const clh_model *model, const clh_cache *cache,
                               const clh_resid_grid_ask *ask, const clh_watch *watch,
                               clh_error *err)
{
    assert(out && model && cache && ask && ask->count > 0);
    size_t least = SIZE_MAX, most = 0;
    clh_logit_lens lens = {0};
    *out = (clh_resid_grid){0};
    for (size_t i = 0; i < ask->count; i++) {
        least = ask->position[i] < least ? ask->position[i] : least;
        most = ask->position[i] > most ? ask->position[i] : most;
    }
    const clh_lens_ask of = {.mid = true, .begin = least + 1, .end = most + 2, .norm = ask->norm};
    clh_status status = clh_logit_lens_run(&lens, model, cache, &ask->tokens, &of, watch, err);
    if (!status)
        status = take_lens(out, &lens, ask, err);
    if (!status)
        take_means(out);
    clh_logit_lens_deinit(&lens);
    if (status)
        clh_resid_grid_deinit(out);
    return status;
}
