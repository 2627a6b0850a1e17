#include "model/memory/undo.h"

#include <assert.h>
#include <string.h>

enum { SPARE_MOST = 1 << 20 /* bytes */ };

/* ---- Rows in memory ----------------------------------------------------------------------------
 */

/* `runs` runs of `length` numbers: in the activation from `first` on, `stride` apart, among those
 * kept likewise. */
typedef struct runs {
    size_t runs, length, first, stride, kept_first, kept_stride;
} runs;

/* Positions `some` of `rows`. An activation is [pos, head, width], [pos, width], [pos], or
 * [head, query_pos, key_pos]. */
static runs runs_of(const clh_blob *values, clh_rows_at rows, clh_window some)
{
    const clh_tensor *t = &values->tensor[rows.activation];
    const size_t positions = some.end - some.begin, skipped = some.begin - rows.at.begin;
    const size_t heads = rows.heads.end - rows.heads.begin;
    if (values->place[rows.activation].row->dim[1] == DIM_HEADS) {
        const size_t T = t->shape[2], keys = t->shape[3];
        return (runs){.runs = heads,
                      .length = positions * keys,
                      .first = (rows.heads.begin * T + some.begin) * keys,
                      .stride = T * keys,
                      .kept_first = skipped * keys,
                      .kept_stride = (rows.at.end - rows.at.begin) * keys};
    }
    const size_t all = t->rank == 4 ? t->shape[2] : 1;
    const size_t width = t->rank > 2 ? t->shape[t->rank - 1] : 1;
    const size_t row = all * width, each = heads * width;
    return (runs){.runs = heads == all ? 1 : positions,
                  .length = heads == all ? positions * row : each,
                  .first = some.begin * row + rows.heads.begin * width,
                  .stride = row,
                  .kept_first = skipped * each,
                  .kept_stride = each};
}

static void copy_back(const clh_blob *values, const clh_kept *kept, clh_window some)
{
    if (clh_window_empty(some) || !kept->block.data)
        return;
    const runs r = runs_of(values, kept->rows, some);
    clh_real *to = values->tensor[kept->rows.activation].data + r.first;
    const clh_real *from = kept->block.data + r.kept_first;
    for (size_t i = 0; i < r.runs; i++)
        memcpy(to + i * r.stride, from + i * r.kept_stride, r.length * sizeof *to);
}

static void copy_out(clh_real *to, const clh_blob *values, clh_rows_at rows)
{
    const runs r = runs_of(values, rows, rows.at);
    const clh_real *from = values->tensor[rows.activation].data + r.first;
    for (size_t i = 0; i < r.runs; i++)
        memcpy(to + i * r.kept_stride, from + i * r.stride, r.length * sizeof *to);
}

static size_t count_of(const clh_blob *values, clh_rows_at rows)
{
    const runs r = runs_of(values, rows, rows.at);
    return r.runs * r.length;
}

/* ---- Blocks ------------------------------------------------------------------------------------
 */

/* The least spare block that is large enough, or a new one. */
static clh_status take_block(clh_undo *undo, clh_block *out, size_t need, clh_error *err)
{
    size_t best = CLH_SPARE_BLOCKS;
    for (size_t i = 0; i < CLH_SPARE_BLOCKS; i++)
        if (undo->spare[i].data && undo->spare[i].capacity >= need &&
            (best == CLH_SPARE_BLOCKS || undo->spare[i].capacity < undo->spare[best].capacity))
            best = i;
    if (best < CLH_SPARE_BLOCKS) {
        *out = undo->spare[best];
        undo->spare[best] = (clh_block){0};
        return CLH_OK;
    }
    out->data = clh_alloc_array(need, sizeof *out->data, err);
    out->capacity = need;
    return out->data ? CLH_OK : CLH_ENOMEM;
}

/* Keep it for the next pass, unless that would be much. */
static void give_block(clh_undo *undo, clh_block *block)
{
    size_t all = block->capacity, free = CLH_SPARE_BLOCKS;
    for (size_t i = 0; i < CLH_SPARE_BLOCKS; i++) {
        all += undo->spare[i].capacity;
        if (!undo->spare[i].data)
            free = i;
    }
    if (block->data && free < CLH_SPARE_BLOCKS && all <= SPARE_MOST / sizeof(clh_real))
        undo->spare[free] = *block;
    else
        clh_free(block->data);
    *block = (clh_block){0};
}

/* ---- A pass ------------------------------------------------------------------------------------
 */

clh_window clh_undo_put_back(clh_undo *undo, const clh_blob *values, size_t activation,
                             clh_window computed)
{
    assert(undo && values && activation <= clh_undo_next(undo));
    clh_window all = {0};
    undo->first = undo->next;
    for (; clh_undo_next(undo) == activation; undo->next++) {
        const clh_kept *kept = &undo->held.item[undo->next];
        copy_back(values, kept, clh_window_before(kept->rows.at, computed));
        copy_back(values, kept, clh_window_behind(kept->rows.at, computed));
        all = clh_window_hull(all, kept->rows.at);
    }
    return all;
}

static clh_status add(clh_kept_list *list, clh_kept kept, clh_error *err)
{
    if (list->count == list->capacity) {
        const size_t more = list->capacity ? 2 * list->capacity : 8;
        clh_kept *item = clh_alloc_array(more, sizeof *item, err);
        if (!item)
            return CLH_ENOMEM;
        if (list->count)
            memcpy(item, list->item, list->count * sizeof *item);
        clh_free(list->item);
        list->item = item;
        list->capacity = more;
    }
    list->item[list->count++] = kept;
    return CLH_OK;
}

static bool holds(const clh_rows_at *a, const clh_rows_at *b)
{
    return a->activation == b->activation && a->at.begin <= b->at.begin && b->at.end <= a->at.end &&
           a->heads.begin <= b->heads.begin && b->heads.end <= a->heads.end;
}

clh_status clh_undo_keep(clh_undo *undo, const clh_blob *values, clh_rows_at rows, clh_error *err)
{
    assert(undo && values && rows.activation < values->tensors);
    if (clh_window_empty(rows.at) || clh_window_empty(rows.heads))
        return CLH_OK;
    for (size_t i = undo->kept.count;
         i-- > 0 && undo->kept.item[i].rows.activation == rows.activation;)
        if (holds(&undo->kept.item[i].rows, &rows))
            return CLH_OK;
    clh_kept kept = {.rows = rows};
    for (size_t i = undo->first; i < undo->next && !kept.block.data; i++) {
        clh_kept *held = &undo->held.item[i]; /* the same rows again: the plain numbers are there */
        if (held->block.data && holds(&held->rows, &rows) && holds(&rows, &held->rows)) {
            kept.block = held->block;
            held->block = (clh_block){0};
        }
    }
    if (!kept.block.data) {
        clh_status status = take_block(undo, &kept.block, count_of(values, rows), err);
        if (status)
            return status;
        copy_out(kept.block.data, values, rows);
    }
    clh_status status = add(&undo->kept, kept, err);
    if (status)
        clh_free(kept.block.data);
    return status;
}

void clh_undo_leave(clh_undo *undo)
{
    for (; undo->first < undo->next; undo->first++)
        give_block(undo, &undo->held.item[undo->first].block);
}

void clh_undo_turn(clh_undo *undo)
{
    assert(undo->first == undo->held.count && undo->next == undo->held.count);
    const clh_kept_list empty = {.item = undo->held.item, .capacity = undo->held.capacity};
    undo->held = undo->kept;
    undo->kept = empty;
    undo->first = undo->next = 0;
}

void clh_undo_forget(clh_undo *undo)
{
    clh_kept_list *const lists[] = {&undo->held, &undo->kept};
    for (size_t l = 0; l < CLH_COUNT(lists); l++) {
        for (size_t i = 0; i < lists[l]->count; i++)
            give_block(undo, &lists[l]->item[i].block);
        lists[l]->count = 0;
    }
    undo->first = undo->next = 0;
    undo->wanted = (clh_window){0};
}

size_t clh_undo_count(const clh_undo *undo, const clh_blob *values)
{
    size_t count = 0;
    for (size_t i = 0; i < undo->held.count; i++)
        count += count_of(values, undo->held.item[i].rows);
    return count;
}

void clh_undo_deinit(clh_undo *undo)
{
    clh_undo_forget(undo);
    for (size_t i = 0; i < CLH_SPARE_BLOCKS; i++)
        clh_free(undo->spare[i].data);
    clh_free(undo->kept.item);
    clh_free(undo->held.item);
    *undo = (clh_undo){0};
}
