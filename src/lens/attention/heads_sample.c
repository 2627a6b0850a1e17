/* Every head held against every pattern, one forward pass a sequence. A sequence writes its own
 * scores, which are added up in order. */
#include <assert.h>
#include <math.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "lens/attention/detection.h"
#include "measure/sequences/sample_make.h"
#include "model/description/assume.h"
#include "model/memory/tensors.h"

enum { TARGETS = CLH_DETECTS + 1 };

/* What a thread works in. */
typedef struct room {
    clh_cache *cache;
    clh_real *expected, *even; /* [stride, stride] */
    clh_place *at;             /* [stride + 1] */
} room;

typedef struct detecting {
    const clh_model *model;
    const clh_model_config *config;
    const clh_sample *sample;
    const clh_tensor *given;
    const clh_detect_options *options;
    const bool *known; /* [TARGETS] */
    size_t each;
    room *room;    /* [threads] */
    double *score; /* [sequences, TARGETS, heads + 1]: the last of a target is even attention's */
    clh_error *error; /* [sequences] */
    clh_stop stop;
} detecting;

static void fill_even(clh_real *out, size_t pos)
{
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++)
            out[i * pos + j] = j <= i ? 1 / (clh_real)(i + 1) : 0;
}

/* What target t expects of a sequence: a pattern with a name, or the corner of the given one. */
static void fill_expected(const detecting *d, const room *r, size_t t, const clh_tokens *tokens)
{
    const size_t pos = tokens->pos;
    if (t < CLH_DETECTS) {
        clh_detection_fill(r->expected, (clh_detect)t, tokens, r->at);
        return;
    }
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++)
            r->expected[i * pos + j] = d->given->data[i * d->given->shape[1] + j];
}

/* Scores of all heads for one target, and of even attention. */
static void score_target(const detecting *d, const room *r, size_t pos, double *out)
{
    const clh_model_config *c = d->config;
    for (size_t l = 0; l < c->n_layers; l++) {
        const clh_tensor pattern = clh_cache_act(r->cache, CLH_A_PATTERN, l);
        for (size_t h = 0; h < c->n_heads; h++)
            out[l * c->n_heads + h] =
                clh_head_score(pattern.data + h * pos * pos, r->expected, pos, d->options);
    }
    out[c->n_layers * c->n_heads] = clh_head_score(r->even, r->expected, pos, d->options);
}

static void detect_one(const detecting *d, size_t index, size_t worker)
{
    const room *r = &d->room[worker];
    const clh_tokens tokens = clh_sample_tokens(d->sample, index);
    clh_error *err = &d->error[index];
    err->status = clh_forward(d->model, &tokens, r->cache, NULL, err);
    if (!err->status)
        err->status = clh_cache_check(r->cache, err);
    if (err->status)
        return;
    (void)clh_places_find(r->at, d->sample->task, tokens.pos);
    r->at[tokens.pos] = (clh_place){0};
    fill_even(r->even, tokens.pos);
    for (size_t t = 0; t < TARGETS; t++) {
        if (!d->known[t])
            continue;
        fill_expected(d, r, t, &tokens);
        score_target(d, r, tokens.pos, d->score + (index * TARGETS + t) * d->each);
    }
}

static void detect_task(void *context, size_t index, size_t worker)
{
    detecting *d = context;
    detect_one(d, index, worker);
    clh_stop_step(&d->stop);
}

/* ---- Room --------------------------------------------------------------------------------------
 */

static clh_status room_make(room *out, const detecting *d, clh_error *err)
{
    const size_t longest = d->sample->stride;
    size_t cells = 0;
    if (!clh_mul_ok(longest, longest, &cells))
        return clh_fail(err, CLH_ENOMEM, "a pattern of %zu positions cannot be counted", longest);
    out->expected = clh_alloc_array(cells, sizeof *out->expected, err);
    out->even = clh_alloc_array(cells, sizeof *out->even, err);
    out->at = clh_alloc_zeroed(longest + 1, sizeof *out->at, err);
    return out->expected && out->even && out->at
               ? clh_cache_open(&out->cache, d->config, CLH_KEEP_ALL, err)
               : CLH_ENOMEM;
}

static clh_status rooms_make(detecting *d, size_t threads, clh_error *err)
{
    const size_t count = d->sample->count;
    d->room = clh_alloc_zeroed(threads, sizeof *d->room, err);
    d->score = clh_alloc_zeroed(count, TARGETS * d->each * sizeof *d->score, err);
    d->error = clh_alloc_zeroed(count, sizeof *d->error, err);
    clh_status status = d->room && d->score && d->error ? CLH_OK : CLH_ENOMEM;
    for (size_t i = 0; i < threads && !status; i++)
        status = room_make(&d->room[i], d, err);
    return status;
}

static void rooms_free(detecting *d, size_t threads)
{
    for (size_t i = 0; d->room && i < threads; i++) {
        clh_cache_close(d->room[i].cache);
        clh_free(d->room[i].at);
        clh_free(d->room[i].even);
        clh_free(d->room[i].expected);
    }
    clh_free(d->error);
    clh_free(d->score);
    clh_free(d->room);
}

/* ---- All of them -------------------------------------------------------------------------------
 */

/* That a given pattern is square, causal and large enough. */
static clh_status check_given(const clh_tensor *given, const clh_sample *sample, clh_error *err)
{
    if (given->rank != 2 || given->shape[0] != given->shape[1])
        return clh_fail(err, CLH_ESHAPE,
                        "the pattern has %zu dimensions and %zu rows of %zu, want "
                        "a square",
                        given->rank, given->shape[0], given->rank > 1 ? given->shape[1] : 0);
    const size_t pos = given->shape[0];
    for (size_t i = 0; i < pos; i++)
        for (size_t j = 0; j < pos; j++) {
            const double x = (double)given->data[i * pos + j];
            if (!isfinite(x) || (j > i && x != 0))
                return clh_fail(err, CLH_EINPUT, "the pattern is %g at query %zu, key %zu, want %s",
                                x, i, j, j > i ? "0 for keys behind the query" : "a finite number");
        }
    for (size_t k = 0; k < sample->count; k++)
        if (sample->length[k] > pos)
            return clh_fail(err, CLH_ESHAPE,
                            "the pattern is [%zu, %zu] and sequence %zu has %zu tokens, want no "
                            "more than the pattern",
                            pos, pos, k, sample->length[k]);
    return CLH_OK;
}

/* Whether the first sequence has terms, of which some patterns speak. */
static void find_known(bool known[TARGETS], const detecting *d)
{
    const size_t terms = clh_places_find(d->room[0].at, d->sample->task, d->sample->length[0]);
    for (size_t t = 0; t < CLH_DETECTS; t++)
        known[t] = terms > 0 || !clh_detect_needs_terms((clh_detect)t);
    known[CLH_DETECT_GIVEN] = d->given != NULL;
}

static clh_status add_up(clh_detection *out, const detecting *d, clh_error *err)
{
    const size_t heads = d->each - 1, count = d->sample->count;
    for (size_t k = 0; k < count; k++) {
        if (d->error[k].status)
            return clh_fail(err, d->error[k].status, "sequence %zu: %s", k, d->error[k].message);
        for (size_t t = 0; t < TARGETS; t++) {
            const double *score = d->score + (k * TARGETS + t) * d->each;
            for (size_t h = 0; h < heads; h++)
                out->score[t * heads + h] += score[h] / (double)count;
            out->even[t] += score[heads] / (double)count;
        }
    }
    return CLH_OK;
}

clh_status clh_heads_detect(clh_detection *out, const clh_model *model, const clh_sample *sample,
                            const clh_tensor *given, const clh_detect_options *options,
                            const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && sample, err, "a model, a sample, and room for the scores");
    const clh_detect_options usual = {0};
    clh_status status = clh_sample_some(sample, err);
    if (!status)
        status =
            clh_assume(clh_model_get_config(model), CLH_ASSUME_CAUSAL, "detection of heads", err);
    if (!status && options)
        status = clh_check_enum((unsigned)options->measure, CLH_DETECT_MEASURES, "measure", err);
    if (!status && given && !given->data)
        status = clh_fail(err, CLH_EUSAGE, "the pattern has no numbers");
    if (status)
        return status;
    const size_t threads = clh_how_threads(how);
    const clh_model_config *c = clh_model_get_config(model);
    const size_t heads = c->n_layers * c->n_heads;
    clh_detection result = {.n_layers = c->n_layers, .n_heads = c->n_heads};
    detecting d = {.model = model,
                   .config = c,
                   .sample = sample,
                   .given = given,
                   .options = options ? options : &usual,
                   .known = result.known,
                   .each = heads + 1};
    clh_pool *pool = NULL;
    clh_stop_init(&d.stop, clh_how_watch(how), sample->count, "sequences");
    status = given ? check_given(given, sample, err) : CLH_OK;
    if (!status)
        status = rooms_make(&d, threads, err);
    if (!status)
        status = clh_pool_open(&pool, threads, err);
    if (!status) {
        result.score = clh_alloc_zeroed(heads, TARGETS * sizeof *result.score, err);
        status = result.score ? CLH_OK : CLH_ENOMEM;
    }
    if (!status) {
        find_known(result.known, &d);
        clh_pool_run_watched(pool, sample->count, detect_task, &d, &d.stop);
        status = clh_stop_end(&d.stop, err);
    }
    if (!status)
        status = add_up(&result, &d, err);
    clh_pool_close(pool);
    rooms_free(&d, threads);
    if (status)
        clh_detection_deinit(&result);
    else
        *out = result;
    return status;
}

void clh_detection_deinit(clh_detection *detection)
{
    if (!detection)
        return;
    clh_free(detection->score);
    *detection = (clh_detection){0};
}
