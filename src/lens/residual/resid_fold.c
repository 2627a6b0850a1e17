/* Positions that run row by row, whole terms in each. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/decimal.h"
#include "lens/residual/resid_grid.h"
#include "measure/sequences/place.h"

enum { STRIP_MOST = 40, PANELS_MOST = 64, NO_TERMS = 10, LABEL = 48 };

static bool folds(const clh_resid_grid_ask *ask, size_t parts)
{
    if (ask->count <= STRIP_MOST || ask->count <= 4 * parts || parts > PANELS_MOST)
        return false;
    for (size_t i = 1; i < ask->count; i++)
        if (ask->position[i] != ask->position[0] + i)
            return false;
    return true;
}

/* Whole terms to a row, as many as make a panel most nearly square. */
static void choose_shape(clh_resid_fold *f, size_t count, const clh_place *at, size_t pos)
{
    size_t slots = 0;
    for (size_t i = 0; i < pos; i++)
        slots = at[i].slot > slots ? at[i].slot : slots;
    const size_t per_term = slots ? slots + 1 : NO_TERMS; /* with the space behind it */
    const size_t terms = (size_t)(sqrt((double)count) / (double)per_term + 0.5);
    f->cols = per_term * (terms ? terms : 1);
    f->rows = (count + f->cols - 1) / f->cols;
}

/* Rows by the first term in them, columns by the slot or what else is predicted: "space". */
static void label_terms(clh_resid_fold *f, size_t first, const clh_place *at, size_t pos,
                        const clh_task *task)
{
    for (size_t r = 0; r < f->rows; r++) {
        size_t i = first + r * f->cols;
        while (i < pos && i < first + (r + 1) * f->cols && at[i].term == 0)
            i++;
        if (i < pos && at[i].term > 0)
            (void)snprintf(f->text[r], LABEL, "term %zu", at[i].term);
        else
            clh_task_label(task, pos, first + r * f->cols, f->text[r]);
    }
    for (size_t c = 0; c < f->cols && first + c < pos; c++) {
        char *text = f->text[f->rows + c];
        if (at[first + c].slot > 0)
            (void)snprintf(text, LABEL, "%zu", at[first + c].slot);
        else
            clh_task_label(task, pos, first + c, text);
        text[strcspn(text, " ")] = '\0'; /* of "space 2" the kind */
    }
}

static void label_offsets(clh_resid_fold *f, const size_t *position)
{
    for (size_t r = 0; r < f->rows; r++)
        (void)snprintf(f->text[r], LABEL, "%zu", position[r * f->cols]);
    for (size_t c = 0; c < f->cols; c++)
        (void)snprintf(f->text[f->rows + c], LABEL, "+%zu", c);
}

static clh_status make_room(clh_resid_fold *f, clh_error *err)
{
    const size_t texts = f->parts + f->rows + f->cols;
    f->value = clh_alloc_array(f->rows * f->cols, f->parts * sizeof *f->value, err);
    f->text = clh_alloc_zeroed(texts, sizeof *f->text, err);
    f->row = clh_alloc_array(texts, sizeof *f->row, err);
    if (!f->value || !f->text || !f->row)
        return CLH_ENOMEM;
    for (size_t i = 0; i < texts; i++)
        f->row[i] = f->text[i];
    f->col = f->row + f->rows;
    f->title = f->col + f->cols;
    return CLH_OK;
}

static void fill_part(clh_resid_fold *f, size_t part, const clh_resid_grid_row *row, size_t count)
{
    const size_t cells = f->rows * f->cols;
    const double mean = fabs(row->mean) < 0.0005 ? 0 : row->mean; /* no zero has a sign */
    (void)clh_snprintf(f->text[f->rows + f->cols + part], LABEL, "%s, mean %.3f", row->name, mean);
    for (size_t i = 0; i < cells; i++)
        f->value[part * cells + i] = i < count ? row->value[i] : NAN;
}

clh_status clh_resid_fold_make(clh_resid_fold *out, const clh_resid_grid *grid,
                               const clh_resid_grid_ask *ask, size_t from, size_t count,
                               size_t skip, const clh_task *task, clh_error *err)
{
    assert(out && grid && ask && from + count <= grid->rows);
    const size_t pos = ask->tokens.pos;
    *out = (clh_resid_fold){.parts = count - (skip != SIZE_MAX)};
    if (!folds(ask, out->parts))
        return CLH_OK;
    clh_place *at = clh_alloc_zeroed(pos, sizeof *at, err);
    if (!at)
        return CLH_ENOMEM;
    const bool terms = clh_places_find(at, task, pos) > 0;
    choose_shape(out, ask->count, at, pos);
    clh_status status = make_room(out, err);
    for (size_t r = from, part = 0; r < from + count && !status; r++)
        if (r != skip)
            fill_part(out, part++, &grid->row[r], grid->count);
    if (!status && terms)
        label_terms(out, ask->position[0] + 1, at, pos, task);
    else if (!status)
        label_offsets(out, ask->position);
    clh_free(at);
    if (status)
        clh_resid_fold_deinit(out);
    return status;
}

void clh_resid_fold_deinit(clh_resid_fold *fold)
{
    clh_free(fold->value);
    clh_free((void *)fold->row);
    clh_free(fold->text);
    *fold = (clh_resid_fold){0};
}
