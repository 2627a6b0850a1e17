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

static size_t strongest(const clh_real *row, size_t p)
{
    size_t best = 0;
    for (size_t j = 1; j <= p; j++)
        best = row[j] > row[best] ? j : best;
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

static void even_row(size_t p, size_t width, clh_real *row)
{
    for (size_t j = 0; j < width; j++)
        row[j] = j <= p ? 1 / (clh_real)(p + 1) : 0;
}

void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t width, clh_real *row)
{
    assert(edit && row && p < width);
    if (edit->kind == CLH_EDIT_EVEN) {
        even_row(p, width, row);
        return;
    }
    const size_t best = strongest(row, p);
    double left = 0;
    bool removed = false;
    for (size_t j = 0; j <= p; j++) {
        const bool in = edit->kind == CLH_EDIT_ONE_HOT
                            ? j == best
                            : in_set(edit, sample, tokens, first_scored, p, j, best);
        if (in == (edit->kind == CLH_EDIT_WITHOUT)) {
            removed = removed || row[j] != 0;
            row[j] = 0;
        }
        left += (double)row[j];
    }
    for (size_t j = 0; removed && left > 0 && j <= p; j++)
        row[j] = (clh_real)((double)row[j] / left);
}
