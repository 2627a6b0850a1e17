#include "lens/causal/patch_view.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "model/description/layout.h"

static size_t rows_of(const clh_patch_site *site)
{
    return site->heads ? site->heads : 1;
}

double clh_patch_share(const clh_patch *p, double value)
{
    const double way = p->clean - p->corrupted;
    return way < 0 || way > 0 ? (value - p->corrupted) / way : NAN;
}

clh_patch_best clh_patch_strongest(const clh_patch *p, const clh_patch_site *site)
{
    assert(p && site && p->pos > 0 && p->each > 0);
    const size_t count = rows_of(site) * p->each;
    size_t at = 0;
    double error = site->estimate ? 0 : NAN;
    for (size_t i = 0; i < count; i++) {
        const double effect = site->value[i] - p->corrupted;
        if (fabs(effect) > fabs(site->value[at] - p->corrupted))
            at = i;
        if (site->estimate)
            error = fmax(error, fabs(site->estimate[i] - effect));
    }
    const bool whole = p->index == CLH_PATCH_ALL_POS,
               by_source = p->index == CLH_PATCH_DEST_SRC_POS;
    const size_t in = at % p->each;
    return (clh_patch_best){.head = site->heads ? at / p->each : SIZE_MAX,
                            .pos = whole       ? SIZE_MAX
                                   : by_source ? in / p->pos
                                               : in,
                            .src = by_source ? in % p->pos : SIZE_MAX,
                            .effect = site->value[at] - p->corrupted,
                            .share = clh_patch_share(p, site->value[at]),
                            .estimate = site->estimate ? site->estimate[at] : NAN,
                            .error = error};
}

/* "0 q 1": layer, short name, head. */
static void name_row(char out[64], const clh_patch_site *site, size_t head)
{
    const clh_row *row = clh_row_named(&clh_layout_acts, site->name);
    const char *short_name = row ? clh_row_short(row) : site->name;
    const char *layer = row && row->scope == SCOPE_BLOCK ? strchr(site->name, '.') : NULL;
    const int digits = layer ? (int)strcspn(layer + 1, ".") : 0;
    const int used =
        snprintf(out, 64, "%.*s%s%s", digits, layer ? layer + 1 : "", layer ? " " : "", short_name);
    assert(used > 0 && used < 64);
    if (site->heads)
        (void)snprintf(out + used, 64 - (size_t)used, " %zu", head);
}

/* A row for every site and head, in the order of the numbers. */
static void fill_rows(clh_patch_shares *out, const clh_patch *p)
{
    size_t row = 0;
    for (size_t s = 0; s < p->count; s++)
        for (size_t h = 0; h < rows_of(&p->site[s]); h++, row++) {
            name_row(out->text[row], &p->site[s], h);
            out->label[row] = out->text[row];
            for (size_t i = 0; i < p->each; i++)
                out->value[row * p->each + i] =
                    clh_patch_share(p, p->site[s].value[h * p->each + i]);
        }
    assert(row == out->rows);
}

/* A row for every site, a column for every head. */
static void fill_heads(clh_patch_shares *out, const clh_patch *p, size_t most)
{
    for (size_t s = 0; s < p->count; s++) {
        out->label[s] = p->site[s].name;
        for (size_t h = 0; h < most; h++)
            out->value[s * most + h] =
                h < rows_of(&p->site[s]) ? clh_patch_share(p, p->site[s].value[h]) : NAN;
    }
}

clh_status clh_patch_shares_make(clh_patch_shares *out, const clh_patch *p, clh_error *err)
{
    assert(out && p && p->each > 0);
    const bool whole = p->index == CLH_PATCH_ALL_POS;
    size_t most = 1;
    for (size_t s = 0; s < p->count; s++)
        most = rows_of(&p->site[s]) > most ? rows_of(&p->site[s]) : most;
    *out = (clh_patch_shares){.rows = whole ? p->count : p->patches / p->each};
    out->value = clh_alloc_array(whole ? p->count * most : p->patches, sizeof *out->value, err);
    out->text = clh_alloc_array(out->rows, sizeof *out->text, err);
    out->label = clh_alloc_array(out->rows, sizeof *out->label, err);
    if (!out->value || !out->text || !out->label) {
        clh_patch_shares_deinit(out);
        return CLH_ENOMEM;
    }
    if (whole)
        fill_heads(out, p, most);
    else
        fill_rows(out, p);
    static const char *const names[CLH_PATCH_INDICES][4] = {
        [CLH_PATCH_BY_POS] = {"share", "piece", "pos", NULL},
        [CLH_PATCH_ALL_POS] = {"share_all_pos", "site", "head", NULL},
        [CLH_PATCH_DEST_SRC_POS] = {"share_dest_src_pos", "piece", "query_pos", "key_pos"}};
    const char *const *name = names[p->index];
    out->array =
        name[3] ? clh_array_cube(*name, CLH_F64, out->value, out->rows, p->pos, p->pos)
                : clh_array_matrix(*name, CLH_F64, out->value, out->rows, whole ? most : p->each);
    out->axes[0] = (clh_axis){name[1], out->label};
    out->axes[1] = (clh_axis){name[2], NULL};
    out->axes[2] = (clh_axis){name[3], NULL};
    return CLH_OK;
}

clh_array clh_patch_array(const clh_axis **axes, const char *name, const clh_patch *p,
                          const clh_patch_site *site, const double *data)
{
    static const clh_axis by_pos[] = {{.name = "head"}, {.name = "pos"}};
    static const clh_axis by_source[] = {
        {.name = "head"}, {.name = "query_pos"}, {.name = "key_pos"}};
    const bool source = p->index == CLH_PATCH_DEST_SRC_POS;
    const size_t heads = rows_of(site);
    clh_array view = source ? clh_array_cube(name, CLH_F64, data, heads, p->pos, p->pos)
                     : p->index == CLH_PATCH_ALL_POS ? clh_array_vector(name, CLH_F64, data, heads)
                     : !site->heads ? clh_array_vector(name, CLH_F64, data, p->each)
                                    : clh_array_matrix(name, CLH_F64, data, heads, p->each);
    view.dtype = CLH_F32;
    const bool headless = !site->heads && p->index == CLH_PATCH_BY_POS;
    *axes = source ? by_source : headless ? by_pos + 1 : by_pos;
    return view;
}

void clh_patch_shares_deinit(clh_patch_shares *shares)
{
    clh_free(shares->value);
    clh_free((void *)shares->label);
    clh_free(shares->text);
    *shares = (clh_patch_shares){0};
}
