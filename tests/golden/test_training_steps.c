/* Training is PyTorch's: twenty steps of the notebook's loop, each loss and each gradient's norm.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "support/each_case.h"
#include "support/golden_case.h"
#include "support/golden_optimizer.h"
#include "train/optimizer.h"

static const double step_tolerance = 1e-4;

enum { CASES_MAX = 128, CASES_LEAST = 8 };

static void must(clh_status status, const clh_error *err)
{
    if (status)
        fail_msg("%s", err->message);
}

/* Twenty steps as the trainer makes them, on the batches of the file. */
typedef struct bench {
    golden_case golden;
    clh_train_config config;
    clh_cache *cache, *gradient;
    clh_real *g, *m, *v;
    size_t count;
} bench;

static int open_bench(void **state)
{
    bench *b = calloc(1, sizeof *b);
    clh_error err = {0};
    assert_non_null(b);
    golden_open(&b->golden, ((const each_case *)*state)->name);
    json_t *optimizer = json_loads(clh_safetensors_metadata(b->golden.file, "optimizer"), 0, NULL);
    assert_non_null(optimizer);
    b->config = golden_optimizer(optimizer);
    b->config.lr = golden_number(optimizer, "lr");
    json_decref(optimizer);
    must(clh_cache_open(&b->cache, &b->golden.config, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_open(&b->gradient, &b->golden.config, CLH_KEEP_BACKWARD, &err), &err);
    (void)clh_model_data(b->golden.model, &b->count);
    b->g = clh_alloc_zeroed(b->count, sizeof *b->g, &err);
    b->m = clh_alloc_zeroed(b->count, sizeof *b->m, &err);
    b->v = clh_alloc_zeroed(b->count, sizeof *b->v, &err);
    assert_true(b->g && b->m && b->v);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_free(b->v);
    clh_free(b->m);
    clh_free(b->g);
    clh_cache_close(b->gradient);
    clh_cache_close(b->cache);
    golden_close(&b->golden);
    free(b);
    return 0;
}

/* One step on tokens [batch, pos]; the loss before it and the gradient's norm before clipping. */
static void one_step(bench *b, size_t step, const clh_tokens *tokens, double *loss, double *norm)
{
    clh_error err = {0};
    clh_loss_sum sum = {0};
    clh_model *model = b->golden.model;
    size_t length[GOLDEN_BATCH_MAX], first[GOLDEN_BATCH_MAX];
    for (size_t i = 0; i < tokens->batch; i++) {
        length[i] = tokens->pos;
        first[i] = b->golden.first_scored[0];
    }
    const clh_scored scored = {length, first};
    double weight = 1.0 / (double)(tokens->batch * (tokens->pos - first[0]));
    memset(b->g, 0, b->count * sizeof *b->g);
    must(clh_forward(model, tokens, b->cache, NULL, &err), &err);
    must(clh_loss(b->cache, tokens, &scored, weight, b->gradient, NULL, &sum, &err), &err);
    must(clh_backward(model, tokens, b->cache, b->gradient, b->g, NULL, &err), &err);
    *loss = sum.loss * weight;
    *norm = golden_norm(b->g, b->count);
    clh_optimizer_update(&b->config, step, b->config.lr, clh_clip_scale(&b->config, *norm),
                         b->count, b->g, b->m, b->v, clh_model_data(model, NULL));
}

static void close_to(const char *what, size_t step, double got, const clh_tensor *want)
{
    double meant = (double)want->data[step];
    if (!(fabs(got - meant) <= step_tolerance * fabs(meant)))
        fail_msg("%s of step %zu is %.7g, want %.7g", what, step + 1, got, meant);
}

static void twenty_steps_of_training_are_pytorch_s(void **state)
{
    bench *b = *state;
    clh_tensor batches = golden_tensor(&b->golden, "", "train_tokens");
    clh_tensor losses = golden_tensor(&b->golden, "", "losses");
    clh_tensor norms = golden_tensor(&b->golden, "", "grad_norms");
    const size_t batch = batches.shape[1], pos = batches.shape[2], count = batch * pos;
    assert_true(batch <= GOLDEN_BATCH_MAX && losses.shape[0] == 20);
    uint32_t *ids = clh_alloc_array(count, sizeof *ids, NULL);
    assert_non_null(ids);
    for (size_t s = 0; s < losses.shape[0]; s++) {
        double loss, norm;
        for (size_t i = 0; i < count; i++)
            ids[i] = (uint32_t)batches.data[s * count + i];
        one_step(b, s + 1, &(clh_tokens){ids, batch, pos}, &loss, &norm);
        close_to("loss", s, loss, &losses);
        close_to("gradient norm", s, norm, &norms);
    }
    clh_free(ids);
}

/* The cases that have steps, moved to the front. */
static size_t with_steps(char **names, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        char path[1024];
        clh_safetensors *file = NULL;
        (void)snprintf(path, sizeof path, "%s/%s.safetensors", CLH_GOLDEN_DIR, names[i]);
        bool steps = !clh_safetensors_open(&file, path, NULL) &&
                     !clh_safetensors_describe(file, "losses", &(clh_tensor){0}, NULL, NULL);
        clh_safetensors_close(file);
        if (steps) {
            char *name = names[i];
            names[i] = names[kept];
            names[kept++] = name;
        }
    }
    return kept;
}

static const each_truth truths[] = {
    {"twenty steps of training are PyTorch's", twenty_steps_of_training_are_pytorch_s},
};

int main(void)
{
    char *names[CASES_MAX];
    size_t cases = golden_names(names, CASES_MAX), steps = with_steps(names, cases);
    if (steps < CASES_LEAST) {
        fprintf(stderr, "%zu golden files with steps, want %d\n", steps, CASES_LEAST);
        return 1;
    }
    int failed = each_case_run("steps", truths, CLH_COUNT(truths), (const char *const *)names,
                               steps, open_bench, close_bench);
    for (size_t c = 0; c < cases; c++)
        free(names[c]);
    return failed;
}
