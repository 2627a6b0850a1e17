/* A pass with edits, kept: each sequence is edited by itself, and its activations copied to its row. What
 * is edited counts as a constant for the gradients, as an edit in flight does. */
#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/editor.h"
#include "edit/edits.h"
#include "lens/causal/cached.h"

clh_status clh_cached_edit(clh_cached *c, const clh_task *task, const clh_edit_list *list,
                           const clh_edits_setting *how, clh_error *err)
{
    assert(c && list && how && !c->edits && !c->computed);
    clh_edits_setting setting = *how;
    const size_t first = c->batch.first_scored, pos = c->batch.tokens.pos;
    clh_status status = clh_sample_given(&c->sample, &c->batch.tokens,
                                         first == 0    ? 1
                                         : first < pos ? first
                                                       : pos,
                                         err);
    c->sample.task = task;
    setting.model = c->model;
    setting.sample = &c->sample;
    if (!status)
        status = clh_edits_open(&c->edits, list, 1, &setting, err);
    if (!status) /* gradients are by its parameters */
        c->model = c->edits->basis[c->edits->list[0].basis].model;
    return status;
}

clh_status clh_cached_edit_run(clh_cached *cached, const clh_task *task, const clh_edited_run *run,
                               const clh_how *how, clh_error *err)
{
    const clh_edits_setting setting = {.reference = run->reference.count ? &run->reference : NULL,
                                       .seed = run->seed,
                                       .threads = how->threads,
                                       .watch = how->watch};
    return clh_cached_edit(cached, task, run->list, &setting, err);
}

/* Row `b` of every activation is that of the editor's only sequence. */
static void copy_row(const clh_cached *c, const clh_cache *from, size_t b)
{
    for (size_t t = 0; t < clh_cache_count(c->cache); t++) {
        const clh_tensor to = clh_cache_tensor(c->cache, t), own = clh_cache_tensor(from, t);
        const size_t each = clh_tensor_count(&own);
        assert(clh_tensor_count(&to) == each * c->batch.tokens.batch);
        if (each > 0)
            memcpy(to.data + b * each, own.data, each * sizeof *to.data);
    }
}

clh_status clh_cached_run_edited(clh_cached *c, clh_error *err)
{
    assert(c && c->edits);
    clh_editor *editor = NULL;
    clh_status status = clh_editor_open(&editor, c->edits, err);
    for (size_t b = 0; b < c->batch.tokens.batch && !status; b++) {
        status = clh_editor_begin(editor, &c->sample, b, err);
        if (!status)
            status = clh_editor_apply(editor, 0, err);
        if (!status)
            copy_row(c, clh_editor_cache(editor), b);
    }
    clh_editor_close(editor);
    return status;
}
