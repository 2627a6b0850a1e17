#include "measure/sequences/batch.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"
#include "base/slice.h"

/* ---- One sequence ------------------------------------------------------------------------------
 */

/* A sequence made with `status` is handed out if the model takes it, else freed. */
static clh_status keep_if_fits(clh_batch *out, clh_status status, const clh_sequence *made,
                               size_t n_ctx, clh_error *err)
{
    if (!status && made->length > n_ctx)
        status = clh_fail(err, CLH_ESHAPE,
                          "this makes a sequence of %zu tokens, the model takes at most %zu "
                          "(n_ctx)",
                          made->length, n_ctx);
    if (status) {
        clh_free(made->tokens);
        return status;
    }
    *out = (clh_batch){{made->tokens, 1, made->length}, made->tokens, made->first_scored};
    return CLH_OK;
}

static clh_status make_room(clh_batch *out, clh_sequence *made, size_t capacity, clh_error *err)
{
    *out = (clh_batch){0};
    *made = (clh_sequence){.capacity = capacity};
    made->tokens = clh_alloc_array(capacity, sizeof *made->tokens, err);
    return made->tokens ? CLH_OK : CLH_ENOMEM;
}

clh_status clh_batch_letters(clh_batch *out, const clh_task *task, const char *letters,
                             size_t n_ctx, clh_error *err)
{
    enum { SIX_LETTERS = 5042 }; /* tokens; whether they fit the model is said after */
    clh_sequence made;
    assert(out && task && letters);
    clh_status status = make_room(out, &made, SIX_LETTERS, err);
    return status
               ? status
               : keep_if_fits(out, clh_task_expand(task, letters, &made, err), &made, n_ctx, err);
}

clh_status clh_batch_text(clh_batch *out, const clh_vocab *vocab, const char *text,
                          size_t first_scored, size_t n_ctx, clh_error *err)
{
    clh_sequence made;
    assert(out && text);
    clh_status status = make_room(out, &made, strlen(text), err);
    if (status)
        return status;
    status = clh_vocab_encode(vocab, text, made.tokens, made.capacity, &made.length, err);
    if (!status && made.length == 0)
        status = clh_fail(err, CLH_EINPUT, "the text is empty, want at least one symbol");
    made.first_scored = first_scored;
    return keep_if_fits(out, status, &made, n_ctx, err);
}

clh_status clh_batch_draw(clh_batch *out, const clh_task *task, size_t index, size_t n_ctx,
                          clh_error *err)
{
    clh_sequence made;
    assert(out && task);
    const bool held_out = clh_task_split_size(task, CLH_SPLIT_TEST) > 0;
    clh_status status = make_room(out, &made, clh_task_length_max(task), err);
    return status ? status
                  : keep_if_fits(out,
                                 clh_task_draw(task, held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN,
                                               index, &made, err),
                                 &made, n_ctx, err);
}

/* ---- Several -----------------------------------------------------------------------------------
 */

clh_status clh_batch_of(clh_batch *out, const clh_sample *sample, clh_error *err)
{
    assert(out && sample && sample->count > 0);
    const size_t pos = sample->length[0];
    *out = (clh_batch){0};
    for (size_t b = 0; b < sample->count; b++)
        if (sample->length[b] != pos)
            return clh_fail(err, CLH_ESHAPE,
                            "held-out sequences have %zu tokens and %zu, want them equally long: "
                            "give letters, a text or token ids, or ask one n (ask_n)",
                            pos, sample->length[b]);
    uint32_t *ids = clh_alloc_array(sample->count * pos, sizeof *ids, err);
    if (!ids)
        return CLH_ENOMEM;
    for (size_t b = 0; b < sample->count; b++)
        memcpy(ids + b * pos, sample->ids + b * sample->stride, pos * sizeof *ids);
    *out = (clh_batch){{ids, sample->count, pos}, ids, sample->first_scored[0]};
    return CLH_OK;
}

clh_status clh_batch_choose(clh_batch *batch, const clh_slices *which, clh_error *err)
{
    assert(batch && which);
    const size_t pos = batch->tokens.pos;
    if (!which->index)
        return CLH_OK;
    uint32_t *ids = clh_alloc_array(which->count * pos, sizeof *ids, err);
    if (!ids)
        return CLH_ENOMEM;
    for (size_t r = 0; r < which->count; r++)
        memcpy(ids + r * pos, batch->ids + which->index[r] * pos, pos * sizeof *ids);
    clh_free(batch->ids);
    batch->ids = ids;
    batch->tokens = (clh_tokens){ids, which->count, pos};
    return CLH_OK;
}

void clh_batch_deinit(clh_batch *batch)
{
    clh_free(batch->ids);
    *batch = (clh_batch){0};
}

/* ---- Places ------------------------------------------------------------------------------------
 */

/* Parts with commas between, their places added up in `out` (only counted where it has no index). */
static bool read_parts(const char *at, size_t size, clh_slices *out)
{
    size_t begin, end;
    out->count = 0;
    while (clh_slice_read(&at, size, &begin, &end)) {
        for (size_t i = begin; i < end; i++, out->count++)
            if (out->index)
                out->index[out->count] = i;
        if (*at == '\0')
            return true;
        if (*at++ != ',')
            return false;
    }
    return false;
}

clh_status clh_slices_read(clh_slices *out, const char *text, const char *name, size_t size,
                           clh_error *err)
{
    assert(out && text && name && size > 0);
    *out = (clh_slices){.count = size};
    if (!*text)
        return CLH_OK;
    if (!read_parts(text, size, out))
        return clh_fail(err, CLH_EUSAGE,
                        "%s is %s, want numbers in [-%zu, %zu] and slices a:b, commas between: "
                        "0:5,-1",
                        name, text, size, size - 1);
    out->index = clh_alloc_array(out->count, sizeof *out->index, err);
    if (!out->index)
        return CLH_ENOMEM;
    (void)read_parts(text, size, out);
    return CLH_OK;
}

void clh_slices_deinit(clh_slices *slices)
{
    clh_free(slices->index);
    *slices = (clh_slices){0};
}
