/* The kinds of edits that need no more than a few lines each. */
#include <assert.h>
#include <string.h>

#include "edit/editor_parts.h"
#include "edit/what.h"

/* ---- Numbers -----------------------------------------------------------------------------------
 */

static void set_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_real value = (clh_real)at->edit->value;
    (void)h, (void)p, (void)user;
    for (size_t i = 0; i < at->layout.width; i++)
        row[i] = value;
}

static void add_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_real value = (clh_real)at->edit->value;
    (void)h, (void)p, (void)user;
    for (size_t i = 0; i < at->layout.width; i++)
        row[i] = value + row[i];
}

static clh_edit_spread tensor_spread(const clh_at *at)
{
    clh_edit_spread spread = {0};
    const bool fits = clh_edit_spread_of(&spread, &at->edit->tensor, &at->to, at->layout.pattern);
    assert(fits); /* edit_check.c */
    (void)fits;
    return spread;
}

static void add_tensor_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_edit_spread *s = user;
    const clh_real *from = at->edit->tensor.data + h * s->head + p * s->position;
    for (size_t i = 0; i < at->layout.width; i++)
        row[i] = from[i * s->item] + row[i];
}

static void zero_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    (void)h, (void)p, (void)user;
    memset(row, 0, at->layout.width * sizeof *row);
}

static clh_status write_zero(const clh_at *at, clh_error *err)
{
    (void)err;
    clh_at_each(at, zero_row, NULL);
    return CLH_OK;
}

static clh_status write_set(const clh_at *at, clh_error *err)
{
    (void)err;
    if (at->edit->tensor.data)
        clh_at_copy(at, at->edit->tensor.data, tensor_spread(at));
    else
        clh_at_each(at, set_row, NULL);
    return CLH_OK;
}

static clh_status write_add(const clh_at *at, clh_error *err)
{
    (void)err;
    clh_edit_spread spread = {0};
    if (at->edit->tensor.data)
        spread = tensor_spread(at);
    clh_at_each(at, at->edit->tensor.data ? add_tensor_row : add_row, &spread);
    return CLH_OK;
}

const clh_what clh_what_zero = {
    .name = "zero", .takes = CLH_TAKES_PLACE, .needs = CLH_TAKES_SITE, .write = write_zero};
const clh_what clh_what_set = {.name = "set",
                               .takes = CLH_TAKES_PLACE | CLH_TAKES_NUMBER,
                               .needs = CLH_TAKES_SITE,
                               .write = write_set};
const clh_what clh_what_add = {.name = "add",
                               .takes = CLH_TAKES_PLACE | CLH_TAKES_NUMBER,
                               .needs = CLH_TAKES_SITE,
                               .write = write_add};

/* ---- What stands elsewhere ---------------------------------------------------------------------
 */

static clh_status write_copy(const clh_at *at, clh_error *err)
{
    clh_tensor from;
    clh_status status = clh_at_source(at, &from, err);
    if (status)
        return status;
    const clh_edit_layout layout = clh_edit_layout_as(&from, at->layout.pattern);
    const size_t pos = from.shape[layout.pattern ? 2 : 1];
    clh_at_copy(at, from.data, clh_edit_spread_in(&layout, pos));
    return CLH_OK;
}

const clh_what clh_what_mean = {.name = "mean",
                                .takes = CLH_TAKES_PLACE,
                                .needs = CLH_TAKES_SITE,
                                .from = CLH_FROM_MEAN,
                                .write = write_copy};
const clh_what clh_what_resample = {.name = "resample",
                                    .takes = CLH_TAKES_PLACE,
                                    .needs = CLH_TAKES_SITE,
                                    .from = CLH_FROM_OTHER,
                                    .write = write_copy};
const clh_what clh_what_patch = {.name = "patch",
                                 .takes = CLH_TAKES_PLACE | CLH_TAKES_SEQUENCE,
                                 .needs = CLH_TAKES_SITE | CLH_TAKES_SEQUENCE,
                                 .from = CLH_FROM_SEQUENCE,
                                 .write = write_copy};
const clh_what clh_what_model = {.name = "model",
                                 .takes = CLH_TAKES_PLACE | CLH_TAKES_MODEL,
                                 .needs = CLH_TAKES_SITE,
                                 .from = CLH_FROM_MODEL,
                                 .write = write_copy};
const clh_what clh_what_weights = {.name = "weights",
                                   .takes = CLH_TAKES_SITE | CLH_TAKES_HEADS | CLH_TAKES_CIRCUIT |
                                            CLH_TAKES_MODEL,
                                   .needs = CLH_TAKES_CIRCUIT,
                                   .from = CLH_FROM_WEIGHTS};

/* ---- What this pass has elsewhere --------------------------------------------------------------
 */

static void less_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_real *less = (const clh_real *)user + p * at->layout.width;
    (void)h;
    for (size_t i = 0; i < at->layout.width; i++)
        row[i] -= less[i];
}

static clh_status write_direct(const clh_at *at, clh_error *err)
{
    (void)err;
    clh_at_each(at, less_row, clh_cache_act(at->cache, CLH_A_RESID_PRE, 0).data);
    return CLH_OK;
}

const clh_what clh_what_direct = {.name = "direct",
                                  .knows_site = true,
                                  .site = CLH_A_RESID_POST,
                                  .last = true,
                                  .takes = CLH_TAKES_POSITIONS,
                                  .write = write_direct};

/* ---- Patterns ----------------------------------------------------------------------------------
 */

static bool is_pattern(const clh_row *row)
{
    return clh_act_of(row) == CLH_A_PATTERN;
}

static void pattern_row(const clh_at *at, size_t h, size_t p, clh_real *row, void *user)
{
    const clh_model_config *c = clh_model_get_config(clh_editor_model(at->editor));
    const bool causal = c->attention_dir == CLH_ATTENTION_CAUSAL;
    (void)h, (void)user;
    clh_edit_row(at->edit, at->sample, &at->tokens, at->sample->first_scored[at->index], p,
                 causal ? p : at->tokens.pos - 1, at->layout.width, row);
}

static clh_status write_pattern(const clh_at *at, clh_error *err)
{
    (void)err;
    clh_at_each(at, pattern_row, NULL);
    return CLH_OK;
}

#define PATTERN(name_, more)                                                                       \
    const clh_what clh_what_##name_ = {.name = #name_,                                             \
                                       .knows_site = true,                                         \
                                       .site = CLH_A_PATTERN,                                      \
                                       .only = is_pattern,                                         \
                                       .only_text = "patterns [1, n_heads, T, T]",                 \
                                       .takes = CLH_TAKES_PLACE | (more),                          \
                                       .needs = (more),                                            \
                                       .write = write_pattern}
PATTERN(one_hot, 0);
PATTERN(only, CLH_TAKES_SOURCES);
PATTERN(without, CLH_TAKES_SOURCES);
PATTERN(even, 0);
