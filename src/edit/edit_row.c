#include "edit/edit_row.h"

#include <assert.h>

bool clh_edit_spread_of(clh_edit_spread *out, const clh_tensor *given, const clh_tensor *site,
                        bool pattern)
{
    assert(out && given && site && site->rank >= 2);
    const clh_edit_layout layout = clh_edit_layout_as(site, pattern);
    size_t stride[CLH_RANK_MAX] = {0}, step = 1;
    if (given->rank > site->rank)
        return false;
    for (size_t i = 1; i <= given->rank; i++) {
        const size_t have = given->shape[given->rank - i], at = site->rank - i;
        if (have != 1 && have != site->shape[at])
            return false;
        stride[at] = have == 1 ? 0 : step;
        step *= have;
    }
    *out = (clh_edit_spread){.head = layout.has_heads ? stride[layout.pattern ? 1 : 2] : 0,
                             .position = stride[layout.pattern ? 2 : 1],
                             .item = site->rank > 2 ? stride[site->rank - 1] : 0};
    return true;
}

bool clh_edit_listed(const long *list, size_t length, size_t index, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < length; i++)
        found = found || (list[i] < 0 ? list[i] + (long)count : list[i]) == (long)index;
    return found;
}

/* ---- Patterns ----------------------------------------------------------------------------------
 */

enum { LANES = 16 }; /* so many numbers at once, whatever the width of a register */

/* The first of the largest of [0, p]. */
static size_t strongest(const clh_real *row, size_t p)
{
    clh_real lane[LANES], most = row[0];
    size_t j = 0, best = 0;
    for (size_t i = 0; i < LANES; i++)
        lane[i] = row[0];
    for (; j + LANES <= p + 1; j += LANES)
        for (size_t i = 0; i < LANES; i++)
            lane[i] = row[j + i] > lane[i] ? row[j + i] : lane[i];
    for (size_t i = 0; i < LANES; i++)
        most = lane[i] > most ? lane[i] : most;
    for (; j <= p; j++)
        most = row[j] > most ? row[j] : most;
    while (best < p && row[best] != most)
        best++;
    return best;
}

/* Whether a letter stands at `position` of the `length` tokens of a sequence of the task. */
static bool is_letter(const clh_task *task, size_t length, size_t position)
{
    const clh_token_kind letter = task ? clh_task_letter_kind(task) : 0;
    return letter && clh_task_kind(task, length, position) == letter;
}

static bool in_set(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                   size_t first_scored, size_t p, size_t j, size_t best)
{
    switch (edit->sources) {
    case CLH_SOURCES_ANSWER:
        return p + 1 < tokens->pos && tokens->ids[j] == tokens->ids[p + 1];
    case CLH_SOURCES_FIRST_TERM:
        return j < first_scored &&
               is_letter(sample->task, sample->skip + tokens->pos, sample->skip + j);
    case CLH_SOURCES_STRONGEST:
        return j == best;
    case CLH_SOURCES_SELF:
        return j == p;
    case CLH_SOURCES_POSITIONS:
        return clh_edit_listed(edit->keys, edit->key_count, j, tokens->pos);
    default:
        return true;
    }
}

static void even_row(size_t last, size_t width, clh_real *row)
{
    for (size_t j = 0; j < width; j++)
        row[j] = j <= last ? 1 / (clh_real)(last + 1) : 0;
}

/* All of a row on its strongest source: 1, unless nothing is taken away. */
static void one_hot_row(size_t last, clh_real *row)
{
    const size_t best = strongest(row, last);
    const clh_real left = row[best];
    unsigned removed = 0;
    row[best] = 0;
    for (size_t j = 0; j <= last; j++) {
        removed |= row[j] != 0;
        row[j] = 0;
    }
    row[best] = removed && left > 0 ? 1 : left;
}

/* `without`: sources of the set 0, else those outside; the rest scaled to sum to 1. */
static void keep_sources(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                         size_t first_scored, size_t p, size_t last, clh_real *row)
{
    const bool without = edit->kind == CLH_EDIT_WITHOUT;
    const size_t best = edit->sources == CLH_SOURCES_STRONGEST ? strongest(row, last) : 0;
    double left = 0;
    bool removed = false;
    for (size_t j = 0; j <= last; j++) {
        if (in_set(edit, sample, tokens, first_scored, p, j, best) == without) {
            removed = removed || row[j] != 0;
            row[j] = 0;
        } else {
            left += (double)row[j];
        }
    }
    for (size_t j = 0; removed && left > 0 && j <= last; j++)
        row[j] = (clh_real)((double)row[j] / left);
}

void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t last, size_t width, clh_real *row)
{
    assert(edit && row && p <= last && last < width);
    if (edit->kind == CLH_EDIT_EVEN)
        even_row(last, width, row);
    else if (edit->kind == CLH_EDIT_ONE_HOT)
        one_hot_row(last, row);
    else
        keep_sources(edit, sample, tokens, first_scored, p, last, row);
}
