/* The logit lens, a position at a time: no more than one position's logits of every stream and
 * sequence are in memory. */
#include "clearhead/logit_lens.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/stop.h"
#include "math/kernels/kernels.h"
#include "model/memory/tensors.h"

/* What reads the streams. */
typedef struct reader {
    clh_logit_lens *out;
    const clh_model *model;
    const clh_cache *cache;
    const clh_tokens *tokens;
    const clh_lens_ask *ask;
    clh_tensor logits; /* of the forward pass */
    clh_real *row;     /* [streams, batch, vocab], of one position */
    size_t vocab;
} reader;

static clh_status check_ask(const reader *r, clh_error *err)
{
    const clh_tokens *t = r->tokens;
    const clh_lens_ask *ask = r->ask;
    if (ask->begin == 0 || ask->begin >= ask->end || ask->end > t->pos)
        return clh_fail(err, CLH_ERANGE, "predictions of tokens %zu to %zu, want them in [1, %zu)",
                        ask->begin, ask->end, t->pos);
    for (size_t b = 0; b < t->batch; b++)
        for (size_t i = ask->begin; i < ask->end; i++)
            if (t->ids[b * t->pos + i] >= r->vocab)
                return clh_fail(err, CLH_ERANGE,
                                "token %u is to be predicted, the logits have %zu (d_vocab_out)",
                                t->ids[b * t->pos + i], r->vocab);
    return CLH_OK;
}

/* Room, once the first stack says how many streams there are. */
static clh_status make_room(reader *r, const clh_resid_stack *stack, clh_error *err)
{
    clh_logit_lens *out = r->out;
    out->streams = stack->count;
    out->count = r->ask->end - r->ask->begin;
    const size_t each = out->streams * out->count;
    out->stream = clh_alloc_array(stack->count, sizeof *out->stream, err);
    out->logit = clh_alloc_zeroed(each, 5 * sizeof *out->logit, err);
    r->row = clh_alloc_array(stack->count * stack->batch, r->vocab * sizeof *r->row, err);
    if (!out->stream || !out->logit || !r->row)
        return CLH_ENOMEM;
    memcpy(out->stream, stack->component, stack->count * sizeof *out->stream);
    out->loss = out->logit + each;
    out->prob = out->loss + each;
    out->rank = out->prob + each;
    out->correct = out->rank + each;
    return CLH_OK;
}

/* Add a sequence's share of what stream and position `at` say of `token`. */
static void add_row(const reader *r, const clh_real *row, uint32_t token, size_t at)
{
    clh_logit_lens *out = r->out;
    const double own = (double)row[token], share = 1.0 / (double)r->tokens->batch;
    size_t before = 0;
    assert(token < r->vocab);
    for (size_t t = 0; t < r->vocab; t++)
        before += (double)row[t] > own || (t < token && (double)row[t] >= own);
    const double loss =
        -clh_log_prob(clh_log_sum_of(clh_kernels_best(), r->vocab, row), row[token]);
    out->logit[at] += share * own;
    out->loss[at] += share * loss;
    out->prob[at] += share * exp(-loss);
    out->rank[at] += share * (double)before;
    out->correct[at] += before == 0 ? share : 0;
}

/* The last stream gives the logits of the forward pass. */
static void hold_against(const reader *r, const clh_real *row, size_t b, size_t position)
{
    const clh_real *own = r->logits.data + (b * r->logits.shape[1] + position) * r->vocab;
    for (size_t t = 0; t < r->vocab; t++) {
        r->out->distance = fmax(r->out->distance, fabs((double)row[t] - (double)own[t]));
        r->out->largest = fmax(r->out->largest, fabs((double)own[t]));
    }
}

static clh_status read_position(reader *r, size_t index, clh_error *err)
{
    const size_t token = r->ask->begin + index;
    clh_resid_stack stack = {0};
    clh_status status =
        clh_resid_accumulate(&stack, r->model, r->cache, r->ask->mid, token - 1, token, err);
    if (!status && !r->row)
        status = make_room(r, &stack, err);
    if (!status)
        status = clh_resid_logits(r->row, &stack, r->model, r->cache, r->ask->norm, err);
    for (size_t s = 0; s < stack.count && !status; s++)
        for (size_t b = 0; b < stack.batch; b++) {
            const clh_real *row = r->row + (s * stack.batch + b) * r->vocab;
            add_row(r, row, r->tokens->ids[b * r->tokens->pos + token], s * r->out->count + index);
            if (s + 1 == stack.count)
                hold_against(r, row, b, token - 1);
        }
    clh_resid_stack_deinit(&stack);
    return status;
}

clh_status clh_logit_lens_run(clh_logit_lens *out, const clh_model *model, const clh_cache *cache,
                              const clh_tokens *tokens, const clh_lens_ask *ask,
                              const clh_watch *watch, clh_error *err)
{
    CLH_REQUIRE(out && model && cache && tokens && tokens->ids && ask, err,
                "a model, a cache, its tokens, what is asked, and room for the lens");
    clh_status status = clh_check_enum((unsigned)ask->norm, CLH_FINAL_NORMS, "norm", err);
    if (!status)
        status = clh_cache_readable(cache, model, err);
    if (!status)
        status = clh_cache_holds(cache, model, tokens, err);
    if (status)
        return status;
    *out = (clh_logit_lens){.norm = ask->norm, .begin = ask->begin};
    reader r = {.out = out,
                .model = model,
                .cache = cache,
                .tokens = tokens,
                .ask = ask,
                .logits = clh_cache_act(cache, CLH_A_LOGITS, 0),
                .vocab = clh_model_get_config(model)->d_vocab_out};
    status = check_ask(&r, err);
    const size_t count = status ? 0 : ask->end - ask->begin;
    for (size_t i = 0; i < count && !status; i++) {
        status = clh_watch_check(watch, i, count, "positions", err);
        if (!status)
            status = read_position(&r, i, err);
    }
    if (!status)
        status = clh_watch_check(watch, count, count, "positions", err);
    clh_free(r.row);
    if (status)
        clh_logit_lens_deinit(out);
    return status;
}

void clh_logit_lens_deinit(clh_logit_lens *lens)
{
    if (!lens)
        return;
    clh_free(lens->stream);
    clh_free(lens->logit);
    *lens = (clh_logit_lens){0};
}
