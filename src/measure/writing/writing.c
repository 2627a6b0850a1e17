#include "measure/writing/writing.h"

#include <assert.h>
#include <string.h>

#include "base/stop.h"
#include "task/vocab_parts.h"

/* The token a sequence of the task ends with, or UINT32_MAX where none is known. */
static uint32_t period_of(const clh_task *task)
{
    uint32_t id = 0;
    size_t length = 0;
    return task && clh_task_encode(task, ".", &id, 1, &length, NULL) == CLH_OK ? id : UINT32_MAX;
}

static clh_status predict_told(clh_writing *w, const clh_model *model, const clh_watch *watch,
                               clh_error *err)
{
    const size_t pos = w->ask.tokens.pos;
    clh_cache *cache = NULL;
    clh_watch_part part;
    const clh_hooks hooks = {.watch = clh_watch_part_of(&part, watch, 0, 0, 1)};
    clh_status status = clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, err);
    if (!status)
        status = clh_forward(model, &w->ask.tokens, cache, &hooks, err);
    if (!status)
        status = clh_cache_check(cache, err);
    /* Without an answer the prediction after the last token is what one wants to see. */
    w->length = w->ask.answered ? pos : pos + 1;
    for (size_t i = w->ask.first_scored; i < w->length && !status; i++)
        w->predicted[i] = clh_cache_prediction(cache, 0, i - 1);
    clh_cache_close(cache);
    return status ? status : clh_watch_check(watch, pos, pos, "tokens", err);
}

static clh_status predict_free(clh_writing *w, const clh_model *model, const clh_task *task,
                               const clh_watch *watch, clh_error *err)
{
    const size_t pos = w->ask.tokens.pos, n_ctx = clh_model_get_config(model)->n_ctx;
    const size_t most =
        w->ask.most && pos < n_ctx && w->ask.most < n_ctx - pos ? pos + w->ask.most : n_ctx;
    const bool answered = w->ask.answered;
    return clh_generate_chosen(model, w->predicted, answered ? w->ask.first_scored : pos,
                               answered ? pos : most, answered ? UINT32_MAX : period_of(task),
                               &w->ask.choice, &w->length, watch, err);
}

clh_status clh_writing_make(clh_writing *out, const clh_model *model, const clh_task *task,
                            const clh_writing_ask *ask, const clh_watch *watch, clh_error *err)
{
    assert(out && model && ask && ask->tokens.batch == 1);
    const size_t n_ctx = clh_model_get_config(model)->n_ctx, pos = ask->tokens.pos;
    clh_writing w = {.ask = *ask};
    *out = w;
    if (ask->first_scored == 0 || ask->first_scored > pos)
        return clh_fail(err, CLH_ERANGE,
                        "predictions count from token %zu (first_scored), want it in [1, %zu] for "
                        "%zu tokens",
                        ask->first_scored, pos, pos);
    w.predicted = clh_alloc_zeroed((pos > n_ctx ? pos : n_ctx) + 1, sizeof *w.predicted, err);
    if (!w.predicted)
        return CLH_ENOMEM;
    memcpy(w.predicted, ask->tokens.ids, pos * sizeof *w.predicted);
    clh_status status =
        ask->free ? predict_free(&w, model, task, watch, err) : predict_told(&w, model, watch, err);
    w.scored = ask->answered ? pos - ask->first_scored : 0;
    for (size_t i = 0; !status && i < w.length; i++)
        w.mistakes += clh_writing_misses(&w, i);
    if (status)
        clh_writing_deinit(&w);
    *out = w;
    return status;
}

bool clh_writing_misses(const clh_writing *w, size_t position)
{
    assert(w);
    return w->ask.answered && position >= w->ask.first_scored && position < w->ask.tokens.pos &&
           position < w->length && w->predicted[position] != w->ask.tokens.ids[position];
}

/* ---- As text -----------------------------------------------------------------------------------
 */

static clh_status add_tokens(const clh_vocab *vocab, const uint32_t *ids, size_t count,
                             clh_strbuf *out, clh_error *err)
{
    for (size_t i = 0; i < count; i++) {
        char symbol[CLH_SYMBOL_MAX];
        clh_strbuf_addf(out, "%s%s", i && clh_vocab_spaced(vocab) ? " " : "",
                        clh_vocab_symbol(vocab, ids[i], symbol));
    }
    return clh_strbuf_check(out, err);
}

clh_status clh_writing_expected(const clh_writing *w, const clh_vocab *vocab, clh_strbuf *out,
                                clh_error *err)
{
    assert(w && out);
    return add_tokens(vocab, w->ask.tokens.ids, w->ask.tokens.pos, out, err);
}

clh_status clh_writing_predicted(const clh_writing *w, const clh_vocab *vocab, clh_strbuf *out,
                                 clh_error *err)
{
    assert(w && out);
    return add_tokens(vocab, w->predicted, w->length, out, err);
}

clh_status clh_writing_marks(const clh_writing *w, const clh_vocab *vocab, clh_strbuf *out,
                             clh_error *err)
{
    assert(w && out);
    for (size_t i = 0; i < w->length; i++) {
        char symbol[CLH_SYMBOL_MAX];
        clh_strbuf_adds(out, i && clh_vocab_spaced(vocab) ? " " : "");
        for (const char *c = clh_vocab_symbol(vocab, w->predicted[i], symbol); *c; c++)
            if (((unsigned char)*c & 0xC0) != 0x80) /* one for each character of UTF-8 */
                clh_strbuf_adds(out, clh_writing_misses(w, i) ? "^" : " ");
    }
    return clh_strbuf_check(out, err);
}

void clh_writing_deinit(clh_writing *writing)
{
    clh_free(writing->predicted);
    *writing = (clh_writing){0};
}
