#include "lens/edit_row.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

static const char *const kinds[CLH_EDIT_KINDS] = {"zero",    "set",  "add",     "mean",  "resample",
                                                  "one_hot", "only", "without", "direct"};
static const char *const sets[CLH_SOURCES_KINDS] = {"answer", "first_term", "strongest", "self",
                                                    "all"};

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

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), more = strlen(end);
    return length >= more && strcmp(text + length - more, end) == 0;
}

clh_edit_layout clh_edit_layout_of(const clh_tensor *tensor)
{
    clh_edit_layout layout = {.heads = 1, .width = 1};
    layout.pattern =
        ends_with(tensor->name, "hook_pattern") || ends_with(tensor->name, "hook_attn_scores");
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

bool clh_edit_chooses(const clh_edit *edit, size_t h, size_t p, size_t pos)
{
    bool head = edit->head_count == 0, position = edit->position_count == 0;
    for (size_t i = 0; i < edit->head_count; i++)
        head = head || edit->heads[i] == h;
    for (long i = 0; i < edit->position_count; i++) {
        const long at = edit->positions[i];
        position = position || (at < 0 ? at + (long)pos : at) == (long)p;
    }
    return head && position;
}

static bool of_patterns(clh_edit_kind kind)
{
    return kind == CLH_EDIT_ONE_HOT || kind == CLH_EDIT_ONLY || kind == CLH_EDIT_WITHOUT;
}

void clh_edit_site(clh_edit *edit, const clh_model_config *config)
{
    if (edit->kind == CLH_EDIT_DIRECT)
        (void)snprintf(edit->site, sizeof edit->site, "blocks.%zu.hook_resid_post",
                       config->n_layers - 1);
    else if (of_patterns(edit->kind) && !edit->site[0])
        (void)snprintf(edit->site, sizeof edit->site, "blocks.*.attn.hook_pattern");
}

static clh_status no_such_site(const clh_edit *edit, size_t index, const clh_cache *cache,
                               clh_error *err)
{
    const size_t count = clh_cache_count(cache);
    const char **names = clh_alloc_array(count, sizeof *names, err);
    if (!names)
        return CLH_ENOMEM;
    for (size_t i = 0; i < count; i++)
        names[i] = clh_cache_describe(cache, i, 1, 1).name;
    const char *near = clh_nearest_name(edit->site, names, count);
    clh_status status =
        clh_fail(err, CLH_EINPUT, "edit %zu: no hook point matches %s%s%s%s", index, edit->site,
                 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    clh_free(names);
    return status;
}

static clh_status check_positions(const clh_edit *edit, size_t index, const clh_sample *sample,
                                  clh_error *err)
{
    for (size_t k = 0; k < sample->count; k++)
        for (long i = 0; i < edit->position_count; i++) {
            const long length = (long)sample->length[k], at = edit->positions[i];
            if (at < -length || at >= length)
                return clh_fail(err, CLH_ERANGE,
                                "edit %zu: position %ld, sequence %zu has %ld tokens", index, at, k,
                                length);
        }
    return CLH_OK;
}

static clh_status check_place(const clh_edit *edit, size_t index, const clh_tensor *t, bool repeats,
                              size_t length, clh_error *err)
{
    char shape[96];
    const clh_edit_layout layout = clh_edit_layout_of(t);
    (void)clh_tensor_shape_text(t, shape);
    if (of_patterns(edit->kind) && !ends_with(t->name, "hook_pattern"))
        return clh_fail(err, CLH_ESHAPE,
                        "edit %zu: %s is for patterns [1, n_heads, %zu, %zu], %s is %s", index,
                        kinds[edit->kind], length, length, t->name, shape);
    if (edit->head_count && !layout.has_heads)
        return clh_fail(err, CLH_ESHAPE, "edit %zu: heads are given, %s is %s and has none", index,
                        t->name, shape);
    for (size_t i = 0; i < edit->head_count; i++)
        if (edit->heads[i] >= layout.heads)
            return clh_fail(err, CLH_ERANGE, "edit %zu: head %zu, %s has %zu", index,
                            edit->heads[i], t->name, layout.heads);
    if (repeats && (edit->kind == CLH_EDIT_MEAN || edit->kind == CLH_EDIT_RESAMPLE))
        return clh_fail(err, CLH_ESUPPORT,
                        "edit %zu: %s occurs more than once, so %s cannot be "
                        "taken there",
                        index, t->name, kinds[edit->kind]);
    return CLH_OK;
}

clh_status clh_edit_check(const clh_edit *edit, size_t index, const clh_cache *cache,
                          const clh_sample *sample, clh_error *err)
{
    bool found = false;
    clh_status status = check_positions(edit, index, sample, err);
    for (size_t i = 0; i < clh_cache_count(cache) && !status; i++) {
        const clh_tensor t = clh_cache_describe(cache, i, 1, sample->length[0]);
        if (!t.name[0] || fnmatch(edit->site, t.name, 0) != 0)
            continue;
        found = true;
        status = check_place(edit, index, &t, clh_cache_repeats(cache, i), sample->length[0], err);
    }
    return status ? status : found ? CLH_OK : no_such_site(edit, index, cache, err);
}

static size_t strongest(const clh_real *row, size_t p)
{
    size_t best = 0;
    for (size_t j = 1; j <= p; j++)
        best = row[j] > row[best] ? j : best;
    return best;
}

static bool in_set(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                   size_t first_scored, size_t p, size_t j, size_t best)
{
    switch (edit->sources) {
    case CLH_SOURCES_ANSWER:
        return p + 1 < tokens->pos && tokens->ids[j] == tokens->ids[p + 1];
    case CLH_SOURCES_FIRST_TERM:
        return j < first_scored && sample->task &&
               clh_task_kind(sample->task, sample->skip + tokens->pos, sample->skip + j) ==
                   CLH_TOKEN_LETTER;
    case CLH_SOURCES_STRONGEST:
        return j == best;
    case CLH_SOURCES_SELF:
        return j == p;
    default:
        return true;
    }
}

void clh_edit_row(const clh_edit *edit, const clh_sample *sample, const clh_tokens *tokens,
                  size_t first_scored, size_t p, size_t width, clh_real *row)
{
    if (!of_patterns(edit->kind)) {
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
