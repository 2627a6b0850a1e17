/* Blocks of rows against one sequence at a time, for models of every kind and sequences of every
 * length: the same losses to the bit, the same gradients to rounding, and the same bits at any number
 * of threads. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "model/memory/tensors.h"
#include "model/whole/backend.h"
#include "model/whole/passes.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

/* More rows in a slot than a block has, so that blocks end inside it. */
enum { SEED = 5, MOST = 30, STREAM = 103 };

typedef struct bench {
    clh_model *model;
    clh_model_config config;
    size_t length, count, parameters;
    clh_sequence *sequence; /* [count] */
    uint32_t *tokens;       /* [count, length] */
    clh_batch batch;
} bench;

/* Lengths from 1 to the longest in turn, each scored from every token on, and from none. */
static int bench_open(void **state)
{
    const each_case *named = *state;
    bench *b = clh_alloc_zeroed(1, sizeof *b, NULL);
    b->model = model_case_open(named->index, SEED);
    b->config = *clh_model_get_config(b->model);
    b->length = b->config.n_ctx < MOST ? b->config.n_ctx : MOST;
    b->count = 8 * 110 + 3;
    (void)clh_model_data(b->model, &b->parameters);
    b->sequence = clh_alloc_zeroed(b->count, sizeof *b->sequence, NULL);
    b->tokens = clh_alloc_zeroed(b->count, b->length * sizeof *b->tokens, NULL);
    const size_t in = b->config.d_vocab, out = b->config.d_vocab_out, vocab = in < out ? in : out;
    for (size_t i = 0; i < b->count; i++) {
        uint32_t *tokens = b->tokens + i * b->length;
        const size_t length = i % b->length + 1;
        for (size_t t = 0; t < length; t++) {
            const double x = clh_random_normal(SEED, STREAM, i * b->length + t);
            tokens[t] = (uint32_t)(fabs(x) * 1000) % (uint32_t)vocab;
        }
        b->sequence[i] = (clh_sequence){tokens, b->length, length, 1 + i / b->length % length};
    }
    b->batch = (clh_batch){b->sequence, b->count, 1.0 / (double)b->count};
    *state = b;
    return 0;
}

static int bench_close(void **state)
{
    bench *b = *state;
    clh_free(b->tokens);
    clh_free(b->sequence);
    clh_model_close(b->model);
    clh_free(b);
    return 0;
}

static clh_loss_sum gradient_of(const bench *b, size_t threads, clh_real *gradient)
{
    clh_error err = {0};
    clh_pool *pool = NULL;
    void *general = NULL;
    clh_loss_sum sum;
    const clh_backend_use use = {b->length, b->config.d_vocab, b->count};
    const clh_batch few = {b->sequence, 5, 2};
    must(clh_pool_open(&pool, threads, &err), &err);
    must(clh_general_backend.open(&general, b->model, &use, pool, &err), &err);
    /* a smaller batch before, of which nothing may be left */
    must(clh_general_backend.gradient(general, &few, gradient, &sum, &err), &err);
    must(clh_general_backend.gradient(general, &b->batch, gradient, &sum, &err), &err);
    clh_general_backend.close(general);
    clh_pool_close(pool);
    return sum;
}

/* Sequence after sequence through the public passes. */
static clh_loss_sum one_at_a_time(const bench *b, clh_real *gradient, clh_loss_sum *sums,
                                  double *rows)
{
    clh_error err = {0};
    clh_cache *cache = NULL, *back = NULL;
    clh_loss_sum all = {0};
    must(clh_cache_open(&cache, &b->config, CLH_KEEP_BACKWARD, &err), &err);
    must(clh_cache_open(&back, &b->config, CLH_KEEP_BACKWARD, &err), &err);
    memset(gradient, 0, b->parameters * sizeof *gradient);
    for (size_t i = 0; i < b->count; i++) {
        const clh_sequence *s = &b->sequence[i];
        const clh_tokens tokens = {s->tokens, 1, s->length};
        const clh_scored scored = {&s->length, &s->first_scored};
        sums[i] = (clh_loss_sum){0};
        for (size_t p = 0; p < b->length; p++)
            rows[i * b->length + p] = NAN;
        must(clh_forward(b->model, &tokens, cache, NULL, &err), &err);
        must(clh_loss(cache, &tokens, &scored, b->batch.weight, back, rows + i * b->length,
                      &sums[i], &err),
             &err);
        must(clh_backward(b->model, &tokens, cache, back, gradient, NULL, &err), &err);
        clh_loss_sum_add(&all, &sums[i]);
    }
    clh_cache_close(back);
    clh_cache_close(cache);
    return all;
}

static void assert_same_sum(const clh_loss_sum *a, const clh_loss_sum *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->correct, b->correct);
    assert_int_equal(a->sequences, b->sequences);
    assert_int_equal(a->sequences_correct, b->sequences_correct);
}

static double norm_of(const clh_tensor *t)
{
    double square = 0;
    for (size_t i = 0; i < clh_tensor_count(t); i++)
        square += (double)t->data[i] * (double)t->data[i];
    return sqrt(square);
}

/* Of each tensor, beside its own size or a thousandth of the largest's. */
static void blocks_give_what_sequences_give(void **state)
{
    const bench *b = *state;
    const double bound = sizeof(clh_real) == sizeof(double) ? 1e-11 : 1e-5;
    clh_real *got = clh_alloc_zeroed(b->parameters, sizeof *got, NULL);
    clh_real *want = clh_alloc_zeroed(b->parameters, sizeof *want, NULL);
    clh_loss_sum *sums = clh_alloc_zeroed(b->count, sizeof *sums, NULL);
    double *rows = clh_alloc_zeroed(b->count, b->length * sizeof *rows, NULL), most = 0;
    const clh_loss_sum blocks = gradient_of(b, 1, got);
    const clh_loss_sum alone = one_at_a_time(b, want, sums, rows);
    assert_same_sum(&blocks, &alone);
    assert_true(fabs(blocks.loss - alone.loss) <= 1e-12 * alone.loss);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        const clh_tensor w = clh_model_tensor_in(b->model, t, want);
        most = fmax(most, norm_of(&w));
    }
    assert_true(most > 0);
    for (size_t t = 0; t < clh_model_tensor_count(b->model); t++) {
        const clh_tensor g = clh_model_tensor_in(b->model, t, got);
        const clh_tensor w = clh_model_tensor_in(b->model, t, want);
        const double size = fmax(norm_of(&w), most / 1000);
        double square = 0;
        for (size_t i = 0; i < clh_tensor_count(&g); i++)
            square += pow((double)g.data[i] - (double)w.data[i], 2);
        if (!(sqrt(square) <= bound * size))
            fail_msg("gradient of %s is %g apart, want %g", g.name, sqrt(square) / size, bound);
    }
    clh_free(rows);
    clh_free(sums);
    clh_free(want);
    clh_free(got);
}

static void a_sequence_has_the_losses_it_has_alone(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_real *gradient = clh_alloc_zeroed(b->parameters, sizeof *gradient, NULL);
    clh_loss_sum *got = clh_alloc_zeroed(b->count, sizeof *got, NULL);
    clh_loss_sum *want = clh_alloc_zeroed(b->count, sizeof *want, NULL);
    double *rows = clh_alloc_zeroed(b->count, b->length * sizeof *rows, NULL);
    double *rows_alone = clh_alloc_zeroed(b->count, b->length * sizeof *rows, NULL);
    void *general = NULL;
    const clh_backend_use use = {b->length, b->config.d_vocab, 0};
    must(clh_general_backend.open(&general, b->model, &use, NULL, &err), &err);
    must(clh_general_backend.losses(general, &b->batch, got, rows, b->length, &err), &err);
    (void)one_at_a_time(b, gradient, want, rows_alone);
    for (size_t i = 0; i < b->count; i++) {
        assert_same_sum(&got[i], &want[i]);
        assert_true(got[i].loss == want[i].loss);
        for (size_t p = 0; p < b->length; p++) {
            const double x = rows[i * b->length + p], y = rows_alone[i * b->length + p];
            assert_true(x == y || (isnan(x) && isnan(y)));
        }
    }
    clh_general_backend.close(general);
    clh_free(rows_alone);
    clh_free(rows);
    clh_free(want);
    clh_free(got);
    clh_free(gradient);
}

/* Tokens of two kinds, so that many rows agree and are merged, and how many go together changes from
 * block to block. */
static void a_block_predicts_what_its_sequences_do_alone(void **state)
{
    enum { COUNT = 150 };
    const bench *b = *state;
    clh_error err = {0};
    clh_passes passes = {0};
    clh_cache *cache = NULL;
    bool merged = false;
    must(
        clh_passes_open(&passes, b->model, b->length, clh_passes_rows(&b->config, b->length), &err),
        &err);
    must(clh_cache_open(&cache, &b->config, CLH_KEEP_BACKWARD, &err), &err);
    const size_t together = clh_passes_together(&passes), outputs = b->config.d_vocab_out;
    assert_true(together >= 1);
    for (size_t begin = 0, many = 1, count; begin < COUNT; begin += count, many += 3) {
        count = many < together ? many : together;
        count = count < COUNT - begin ? count : COUNT - begin;
        clh_passes_clear(&passes);
        for (size_t i = begin; i < begin + count; i++) {
            const clh_sequence *s = &b->sequence[i];
            for (size_t t = 0; t < s->length; t++)
                s->tokens[t] %= 2;
            must(clh_passes_add(&passes, s, NULL, NULL, &err), &err);
        }
        clh_passes_run(&passes);
        merged = merged || passes.pack.merged > 0;
        for (size_t i = 0; i < count; i++) {
            const clh_sequence *s = &b->sequence[begin + i];
            const clh_tokens tokens = {s->tokens, 1, s->length};
            assert_true(clh_passes_sound(&passes, i));
            if (s->first_scored >= s->length)
                continue;
            must(clh_forward(b->model, &tokens, cache, NULL, &err), &err);
            const clh_tensor logits = clh_cache_act(cache, CLH_A_LOGITS, 0);
            assert_memory_equal(clh_passes_logits(&passes, i),
                                logits.data + (s->first_scored - 1) * outputs,
                                (s->length - s->first_scored) * outputs * sizeof(clh_real));
        }
    }
    assert_true(merged == passes.pack.merges);
    clh_cache_close(cache);
    clh_passes_close(&passes);
}

static void threads_change_no_bit(void **state)
{
    const bench *b = *state;
    clh_real *one = clh_alloc_zeroed(b->parameters, sizeof *one, NULL);
    clh_real *many = clh_alloc_zeroed(b->parameters, sizeof *many, NULL);
    const clh_loss_sum sum = gradient_of(b, 1, one);
    for (size_t threads = 2; threads <= 3; threads++) {
        const clh_loss_sum again = gradient_of(b, threads, many);
        assert_memory_equal(one, many, b->parameters * sizeof *one);
        assert_true(sum.loss == again.loss);
    }
    clh_free(many);
    clh_free(one);
}

static const each_truth truths[] = {
    {"blocks give what sequences give", blocks_give_what_sequences_give},
    {"a sequence has the losses it has alone", a_sequence_has_the_losses_it_has_alone},
    {"a block predicts what its sequences do alone", a_block_predicts_what_its_sequences_do_alone},
    {"threads change no bit", threads_change_no_bit},
};

int main(void)
{
    return each_case_run("packed", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_count(), bench_open, bench_close);
}
