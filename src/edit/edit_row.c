#include "edit/edit_row.h"

#include <assert.h>

#include "model/layout.h"

static const char *const kinds[CLH_EDIT_KINDS] = {"zero",     "set",     "add",   "mean",
                                                  "resample", "one_hot", "only",  "without",
                                                  "direct",   "part",    "patch", "weights"};
static const char *const sets[CLH_SOURCES_KINDS] = {"answer", "first_term", "strongest",
                                                    "self",   "all",        "positions"};

const char *clh_edit_kind_name(clh_edit_kind kind)
{
    assert(kind < CLH_EDIT_KINDS);
    return kinds[kind];
}

const char *clh_edit_sources_name(clh_edit_sources sources)
{
    assert(sources < CLH_SOURCES_KINDS);
    return sets[sources];
}

clh_edit_layout clh_edit_layout_of(const clh_tensor *tensor)
{
    clh_edit_layout layout = {.heads = 1, .width = 1};
    const clh_row *row = clh_row_named(&clh_layout_acts, tensor->name);
    layout.pattern = row && row->dim[CLH_RANK_MAX - 1] == DIM_KEY_POS;
    layout.has_heads = tensor->rank == 4;
    if (layout.has_heads)
        layout.heads = tensor->shape[layout.pattern ? 1 : 2];
    if (tensor->rank > 2)
        layout.width = tensor->shape[tensor->rank - 1];
    return layout;
}

size_t clh_edit_row_at(const clh_edit_layout *layout, size_t pos, size_t h, size_t p)
{
    return (layout->pattern ? h * pos + p : p * layout->heads + h) * layout->width;
}

/* Whether a list of positions, negative ones from the end, has `p` in it. */
static bool names(const long *list, long count, size_t p, size_t pos)
{
    bool found = false;
    for (long i = 0; i < count; i++)
        found = found || (list[i] < 0 ? list[i] + (long)pos : list[i]) == (long)p;
    return found;
}

bool clh_edit_chooses(const clh_edit *edit, size_t h, size_t p, size_t pos)
{
    bool head = edit->head_count == 0;
    for (size_t i = 0; i < edit->head_count; i++)
        head = head || edit->heads[i] == h;
    return head &&
           (edit->position_count == 0 || names(edit->positions, edit->position_count, p, pos));
}

bool clh_edit_of_patterns(clh_edit_kind kind)
{
    return kind == CLH_EDIT_ONE_HOT || kind == CLH_EDIT_ONLY || kind == CLH_EDIT_WITHOUT;
}

bool clh_edit_spread_of(clh_edit_spread *out, const clh_tensor *given, const clh_tensor *site)
{
    assert(out && given && site && site->rank >= 2);
    const clh_edit_layout layout = clh_edit_layout_of(site);
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
        return names(edit->keys, edit->key_count, j, tokens->pos);
    default:
        return true;
    }
}

void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t width, clh_real *row)
{
    assert(edit && row && (!clh_edit_of_patterns(edit->kind) || p < width));
    if (!clh_edit_of_patterns(edit->kind)) {
        for (size_t i = 0; i < width; i++)
            row[i] = (clh_real)edit->value + (edit->kind == CLH_EDIT_ADD ? row[i] : 0);
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
