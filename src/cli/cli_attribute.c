/* The numbers of `clearhead attribute`. */
#include "cli/cli_attribute.h"

#include <assert.h>
#include <math.h>

#include "base/base.h"

static clh_status grid_make(clh_attribute_grid *out, size_t rows, size_t count, clh_error *err)
{
    *out = (clh_attribute_grid){.rows = rows, .count = count};
    out->row = clh_alloc_zeroed(rows, sizeof *out->row, err);
    out->number = clh_alloc_zeroed(rows, count * sizeof *out->number, err);
    if (!out->row || !out->number)
        return CLH_ENOMEM;
    for (size_t r = 0; r < rows; r++)
        out->row[r].value = out->number + r * count;
    return CLH_OK;
}

static void take_means(clh_attribute_grid *grid)
{
    for (size_t r = 0; r < grid->rows; r++) {
        clh_attribute_row *row = &grid->row[r];
        row->mean = 0;
        for (size_t i = 0; i < grid->count; i++)
            row->mean += row->value[i] / (double)grid->count;
    }
}

void clh_attribute_grid_deinit(clh_attribute_grid *grid)
{
    clh_free(grid->row);
    clh_free(grid->number);
    *grid = (clh_attribute_grid){0};
}

/* ---- Parts -------------------------------------------------------------------------------------
 */

static const char *const extra_names[CLH_ATTRIBUTE_EXTRAS] = {"norm_bias", "unembed_bias",
                                                              "remainder", "total"};

static clh_status attribute_one(clh_attribution *out, const clh_attribute_ask *ask,
                                const clh_model *model, const clh_cache *cache, size_t position,
                                clh_error *err)
{
    const clh_tokens *t = &ask->batch.tokens;
    return ask->right
               ? clh_attribution_predictions(out, model, cache, t, position + 1, position + 2,
                                             CLH_EVERY_TOKEN, ask->split, ask->norm, err)
               : clh_attribution_metric(out, model, cache, &ask->metric, ask->split, ask->norm,
                                        err);
}

static void name_rows(clh_attribute_grid *grid, const clh_attribution *from)
{
    grid->parts = from->count;
    for (size_t r = 0; r < from->count; r++)
        (void)clh_component_label(&from->component[r], grid->row[r].name);
    for (size_t e = 0; e < CLH_ATTRIBUTE_EXTRAS; e++)
        (void)snprintf(grid->row[from->count + e].name, sizeof grid->row->name, "%s",
                       extra_names[e]);
    /* the stream's own remainder is a component beside that of the logits */
    (void)snprintf(grid->row[from->count - 1].name, sizeof grid->row->name, "resid_remainder");
}

/* A column of the grid; that the parts are the whole, where they must be. */
static clh_status take_column(clh_attribute_grid *grid, const clh_attribution *from, size_t at,
                              size_t position, clh_error *err)
{
    const double extra[CLH_ATTRIBUTE_EXTRAS] = {from->norm_bias, from->unembed_bias,
                                                from->remainder, from->total};
    double size = fabs(from->norm_bias) + fabs(from->unembed_bias), sum = 0;
    for (size_t r = 0; r < from->count; r++) {
        grid->row[r].value[at] = from->value[r];
        size += fabs(from->value[r]);
        sum += from->value[r];
    }
    for (size_t e = 0; e < CLH_ATTRIBUTE_EXTRAS; e++)
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

clh_status clh_attribute_parts(clh_attribute_grid *out, const clh_attribute_ask *ask,
                               const clh_model *model, const clh_cache *cache, clh_error *err)
{
    assert(out && ask && ask->count > 0 && !ask->lens);
    clh_status status = CLH_OK;
    *out = (clh_attribute_grid){0};
    for (size_t i = 0; i < ask->count && !status; i++) {
        clh_attribution one = {0};
        clh_watch_call(ask->watch, i, ask->count);
        status = attribute_one(&one, ask, model, cache, ask->position[i], err);
        if (!status && i == 0) {
            status = grid_make(out, one.count + CLH_ATTRIBUTE_EXTRAS, ask->count, err);
            if (!status)
                name_rows(out, &one);
        }
        if (!status)
            status = take_column(out, &one, i, ask->position[i], err);
        clh_attribution_deinit(&one);
    }
    take_means(out);
    return status;
}

/* ---- The lens ----------------------------------------------------------------------------------
 */

static const char *const lens_names[CLH_LENS_NUMBERS] = {"loss", "prob", "rank", "correct",
                                                         "logit"};

static clh_status take_lens(clh_attribute_grid *grid, const clh_logit_lens *lens,
                            const clh_attribute_ask *ask, clh_error *err)
{
    const double *const from[CLH_LENS_NUMBERS] = {lens->loss, lens->prob, lens->rank, lens->correct,
                                                  lens->logit};
    clh_status status = grid_make(grid, lens->streams * CLH_LENS_NUMBERS, ask->count, err);
    if (status)
        return status;
    grid->parts = lens->streams;
    grid->worst = lens->largest > 0 ? lens->distance / lens->largest : 0;
    for (size_t s = 0; s < lens->streams; s++)
        for (size_t k = 0; k < CLH_LENS_NUMBERS; k++) {
            clh_attribute_row *row = &grid->row[s * CLH_LENS_NUMBERS + k];
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

clh_status clh_attribute_lens(clh_attribute_grid *out, const clh_attribute_ask *ask,
                              const clh_model *model, const clh_cache *cache, clh_error *err)
{
    assert(out && ask && ask->count > 0 && ask->lens);
    size_t least = SIZE_MAX, most = 0;
    clh_logit_lens lens = {0};
    *out = (clh_attribute_grid){0};
    for (size_t i = 0; i < ask->count; i++) {
        least = ask->position[i] < least ? ask->position[i] : least;
        most = ask->position[i] > most ? ask->position[i] : most;
    }
    const clh_lens_ask of = {.mid = true, .begin = least + 1, .end = most + 2, .norm = ask->norm};
    clh_status status = clh_logit_lens_run(&lens, model, cache, &ask->batch.tokens, &of, err);
    if (!status)
        status = take_lens(out, &lens, ask, err);
    take_means(out);
    clh_logit_lens_deinit(&lens);
    return status;
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void add_numbers(clh_strbuf *text, const double *values, size_t count)
{
    clh_strbuf_adds(text, "[");
    for (size_t i = 0; i < count; i++) {
        clh_strbuf_adds(text, i ? ", " : "");
        clh_strbuf_add_number(text, values[i], 9);
    }
    clh_strbuf_adds(text, "]");
}

static void add_field(clh_strbuf *text, const char *name, double value)
{
    clh_strbuf_addf(text, ", \"%s\": ", name);
    clh_strbuf_add_number(text, value, 9);
}

static void add_parts(clh_strbuf *text, const clh_attribute_grid *grid)
{
    for (size_t e = 0; e < CLH_ATTRIBUTE_EXTRAS; e++)
        add_field(text, extra_names[e], grid->row[grid->parts + e].mean);
    clh_strbuf_adds(text, ", \"components\": [");
    for (size_t r = 0; r < grid->parts; r++) {
        clh_strbuf_addf(text, "%s{\"name\": \"%s\"", r ? ", " : "", grid->row[r].name);
        add_field(text, "value", grid->row[r].mean);
        clh_strbuf_adds(text, ", \"by_position\": ");
        add_numbers(text, grid->row[r].value, grid->count);
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "], \"by_position\": {");
    for (size_t e = 0; e < CLH_ATTRIBUTE_EXTRAS; e++) {
        clh_strbuf_addf(text, "%s\"%s\": ", e ? ", " : "", extra_names[e]);
        add_numbers(text, grid->row[grid->parts + e].value, grid->count);
    }
    clh_strbuf_adds(text, "}");
}

static void add_streams(clh_strbuf *text, const clh_attribute_grid *grid)
{
    clh_strbuf_adds(text, ", \"streams\": [");
    for (size_t s = 0; s < grid->parts; s++) {
        const clh_attribute_row *row = &grid->row[s * CLH_LENS_NUMBERS];
        clh_strbuf_addf(text, "%s{\"name\": \"%s\"", s ? ", " : "", row->name);
        for (size_t k = 0; k < CLH_LENS_NUMBERS; k++)
            add_field(text, lens_names[k], row[k].mean);
        clh_strbuf_adds(text, ", \"by_position\": {");
        for (size_t k = 0; k < CLH_LENS_NUMBERS; k++) {
            clh_strbuf_addf(text, "%s\"%s\": ", k ? ", " : "", lens_names[k]);
            add_numbers(text, row[k].value, grid->count);
        }
        clh_strbuf_adds(text, "}}");
    }
    clh_strbuf_adds(text, "]");
}

void clh_attribute_add_json(clh_strbuf *text, const clh_attribute_grid *grid,
                            const clh_attribute_ask *ask, const clh_run *run)
{
    static const char *const splits[] = {"layers", "heads", "neurons"};
    assert(text && grid && ask && run);
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(run));
    clh_strbuf_addf(text, ", \"step\": %zu, \"sequences\": %zu, \"norm\": \"%s\"",
                    clh_run_step(run), ask->batch.tokens.batch, clh_final_norm_name(ask->norm));
    if (!ask->lens) {
        clh_strbuf_addf(text, ", \"split\": \"%s\", \"metric\": ",
                        splits[ask->split & CLH_SPLIT_NEURONS ? 2 : ask->split]);
        clh_strbuf_add_json(text, clh_opt_text(ask->inv, "metric"));
    }
    add_field(text, ask->lens ? "distance" : "largest_remainder", grid->worst);
    clh_strbuf_adds(text, ", \"positions\": [");
    for (size_t i = 0; i < grid->count; i++)
        clh_strbuf_addf(text, "%s%zu", i ? ", " : "", ask->position[i]);
    clh_strbuf_adds(text, "]");
    (ask->lens ? add_streams : add_parts)(text, grid);
    clh_strbuf_adds(text, "}");
}
