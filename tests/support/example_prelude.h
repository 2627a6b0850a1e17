/** What the examples that headers open with find declared: a small trained run, and what is made of
 *  it. tests/examples/header_examples.py puts this in front of each. All of it is the notebook's
 *  model (n = 4, sequences of 122 tokens), with fewer steps.
 */
#ifndef CLH_EXAMPLE_PRELUDE_H
#define CLH_EXAMPLE_PRELUDE_H

#include <clearhead/clearhead.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fontconfig keeps some of its own memory at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

enum { SEQUENCES = 12, STEPS = 20 };

static clh_error err;
static const size_t threads = 2, batch = 1, k = 7, steps = STEPS;
static const uint64_t seed = 1;
static const clh_how how = {.threads = 2};

static clh_run *run; /* runs/notebook, and its parts */
static clh_model *model;
static const clh_task *task;
static clh_run_config config;

static clh_sample sample, base;             /* held-out sequences; others */
static clh_tokens tokens, clean, corrupted; /* the first of sample; the first two */
static const uint32_t *ids;
static size_t pos;
static const char *symbols[128]; /* [pos] of tokens, as text */
static char symbol_texts[128][16];

static clh_cache *cache, *gradient; /* a forward pass of tokens; room for its gradients */
static clh_tensor pattern, tensor;  /* of that pass: the pattern, and any activation */
static const clh_metric metric = {
    .kind = CLH_METRIC_LOGIT_DIFF, .position = 12, .token = 3, .against = 5};

static const size_t positions[] = {5, 10, 15};
static const size_t count = 3;
static double losses[STEPS];

static clh_subject *subject; /* of the run */

static clh_task
    *sums; /* another task, sums modulo 7, and a small model of it that is not trained */
static clh_model *adder;

static size_t state; /* of an allocator that counts */

static void *my_alloc(void *context, size_t size)
{
    ++*(size_t *)context;
    return aligned_alloc(64, (size / 64 + 1) * 64);
}

static void my_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static clh_status sums_open(void)
{
    const clh_task_setting modulus[] = {{"p", "7"}, {NULL, NULL}};
    const clh_task_config of_sums = {.name = "modular_addition", .settings = modulus};
    clh_model_config small = clh_model_config_default();
    small.d_model = small.d_mlp = 16;
    small.n_ctx = 4;
    small.d_vocab = 8;
    small.attn_only = false;
    clh_status status = clh_task_open(&sums, &of_sums, &err);
    if (!status)
        status = clh_model_open(&adder, &small, &err);
    if (!status)
        clh_model_init(adder, 1);
    return status;
}

static clh_status prelude_open(void)
{
    if (clh_run_open(&run, "runs/notebook", &err))
        return err.status;
    model = clh_run_model(run);
    task = clh_run_task(run);
    config = *clh_run_get_config(run);
    config.train.steps = STEPS;
    if (clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, SEQUENCES, &err) ||
        clh_sample_draw(&base, task, CLH_SPLIT_TEST, SEQUENCES, SEQUENCES, &err) ||
        clh_cache_open(&cache, &config.model, CLH_KEEP_ALL, &err) ||
        clh_cache_open(&gradient, &config.model, CLH_KEEP_ALL, &err))
        return err.status;
    tokens = clean = clh_sample_tokens(&sample, 0);
    corrupted = clh_sample_tokens(&sample, 1);
    ids = tokens.ids;
    pos = tokens.pos;
    for (size_t i = 0; i < pos; i++) {
        clh_task_symbol(task, ids[i], symbol_texts[i]);
        symbols[i] = symbol_texts[i];
    }
    for (size_t i = 0; i < STEPS; i++)
        losses[i] = 4.0 / (double)(i + 1);
    if (clh_forward(model, &tokens, cache, NULL, &err) ||
        clh_cache_reserve(gradient, batch, pos, &err) ||
        clh_subject_open(&subject, "runs/notebook", &err) || sums_open())
        return err.status;
    pattern = clh_cache_view(cache, "blocks.0.attn.hook_pattern");
    tensor = clh_cache_view(cache, "blocks.0.attn.hook_q");
    return CLH_OK;
}

static void prelude_close(void)
{
    clh_model_close(adder);
    clh_task_close(sums);
    clh_subject_close(subject);
    clh_cache_close(gradient);
    clh_cache_close(cache);
    clh_sample_deinit(&base);
    clh_sample_deinit(&sample);
    clh_run_close(run);
}

#endif
