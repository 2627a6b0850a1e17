/* The table of backends: the first that fits is taken, what it says it takes is what it takes, and
 * a failure leaves nothing behind. That they agree is tests/property/test_fused.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "fused/fused.h"
#include "support/cmocka_all.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/task_of.h"
#include "train/stepper.h"

enum { BATCH = 11, THREADS = 3 };

static const clh_backend *const all[] = {&clh_fused_backend, &clh_general_backend};

/* The notebook's model, small, on two and three letters. */
typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_model_config config;
    clh_backend_use use;
    const clh_backend *backend;
    size_t threads;
} bench;

static bench bench_open(void)
{
    clh_error err = {0};
    bench b = {.config = clh_model_config_default(), .threads = 1};
    b.task = task_of("n=2,3 seed=4");
    b.config.d_model = 24;
    b.config.d_head = 8;
    b.config.n_ctx = clh_task_length_max(b.task);
    b.config.d_vocab = b.config.d_vocab_out = clh_task_d_vocab(b.task);
    must(clh_model_open(&b.model, &b.config, &err), &err);
    clh_model_init(b.model, 3);
    b.use = (clh_backend_use){b.config.n_ctx, b.config.d_vocab, BATCH};
    return b;
}

static void bench_close(bench *b)
{
    clh_model_close(b->model);
    clh_task_close(b->task);
}

/* ---- Picking ----------------------------------------------------------------------------------*/

static const char *picked(const clh_model_config *config, const clh_backend_use *use)
{
    return clh_backend_pick(config, use, NULL)->name;
}

static void the_fused_one_takes_what_it_computes(void **state)
{
    (void)state;
    bench b = bench_open();
    clh_model_config c = b.config;
    assert_string_equal(picked(&c, &b.use), "fused");
    c.n_layers = 2;
    assert_string_equal(picked(&c, &b.use), "general");
    c = b.config;
    c.attn_only = false;
    assert_string_equal(picked(&c, &b.use), "general");
    c = b.config;
    c.normalization_type = CLH_NORM_RMS;
    assert_string_equal(picked(&c, &b.use), "general");
    c = b.config;
    c.d_vocab = 50000; /* tables of tokens by tokens */
    assert_string_equal(picked(&c, &b.use), "general");
    for (int p = CLH_POSITIONS_ROTARY; p <= CLH_POSITIONS_NONE; p++) {
        c = b.config;
        c.positional_embedding_type = (clh_positions)p;
        assert_string_equal(picked(&c, &b.use), "general");
    }
    c = b.config;
    c.attention_dir = CLH_ATTENTION_BIDIRECTIONAL;
    assert_string_equal(picked(&c, &b.use), "general");
    c = b.config;
    c.n_layers = 0;
    assert_string_equal(picked(&c, &b.use), "general");
    bool *const flags[] = {&c.use_split_qkv_input, &c.use_attn_in,         &c.use_attn_result,
                           &c.use_hook_tokens,     &c.tie_word_embeddings, &c.final_rms};
    for (size_t i = 0; i < CLH_COUNT(flags); i++) {
        c = b.config;
        *flags[i] = true;
        assert_string_equal(picked(&c, &b.use), "general");
    }
    bench_close(&b);
}

/* What the model has no row for goes to the backend that looks at every token, and says so. */
static void a_task_that_does_not_fit_the_model_is_not_the_fused_ones(void **state)
{
    (void)state;
    bench b = bench_open();
    clh_backend_use use = b.use;
    clh_model_config c = b.config;
    use.length = c.n_ctx + 1;
    assert_string_equal(picked(&c, &use), "general");
    use = b.use;
    use.d_vocab = c.d_vocab + 1;
    assert_string_equal(picked(&c, &use), "general");
    c.d_vocab_out = c.d_vocab - 1;
    assert_string_equal(picked(&c, &b.use), "general");
    bench_close(&b);
}

static void a_name_is_taken_where_it_fits(void **state)
{
    (void)state;
    bench b = bench_open();
    clh_error err = {0};
    clh_stepper stepper = {0};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        assert_ptr_equal(clh_backend_pick(&b.config, &b.use, all[i]->name), all[i]);
    assert_null(clh_backend_pick(&b.config, &b.use, "none"));
    clh_model *two = NULL;
    b.config.n_layers = 2;
    must(clh_model_open(&two, &b.config, &err), &err);
    assert_int_equal(clh_stepper_open(&stepper, two, b.task, 1, "fused", NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "fused"));
    clh_stepper_close(&stepper);
    clh_model_close(two);
    bench_close(&b);
}

/* ---- Opening and computing ---------------------------------------------------------------------
 */

/* A gradient, its forward part, then losses, of the first sequences of the task. */
static clh_status work(void *context)
{
    const bench *b = context;
    enum { LENGTH_MOST = 64 };
    static uint32_t tokens[BATCH][LENGTH_MOST];
    static double rows[BATCH * LENGTH_MOST];
    clh_sequence sequence[BATCH];
    clh_loss_sum sum, forward, sums[BATCH];
    size_t n;
    assert_true(b->use.length <= LENGTH_MOST);
    for (size_t k = 0; k < BATCH; k++) {
        sequence[k] = (clh_sequence){.tokens = tokens[k], .capacity = LENGTH_MOST};
        assert_int_equal(clh_task_draw(b->task, CLH_SPLIT_TRAIN, k, &sequence[k], NULL), CLH_OK);
    }
    const clh_batch batch = {sequence, BATCH, 0.01};
    clh_pool *pool = NULL;
    void *state = NULL;
    (void)clh_model_data(b->model, &n);
    clh_real *gradient = calloc(n, sizeof *gradient); /* not the library's: it does not fail */
    clh_status status = clh_pool_open(&pool, b->threads, NULL);
    if (!status)
        status = b->backend->open(&state, b->model, &b->use, pool, NULL);
    if (!status && b->use.batch)
        status = b->backend->gradient(state, &batch, gradient, &sum, NULL);
    if (!status && b->use.batch)
        status = b->backend->forward(state, &batch, &forward, NULL);
    if (!status && b->use.batch) {
        assert_true(sum.count > 0 && fabs(sum.loss - forward.loss) < 1e-7 * sum.loss);
        assert_true(sum.count == forward.count && sum.correct == forward.correct);
        assert_true(sum.sequences == forward.sequences);
        assert_true(sum.sequences_correct == forward.sequences_correct);
    }
    if (!status)
        status = b->backend->losses(state, &batch, sums, rows, b->use.length, NULL);
    b->backend->close(state);
    clh_pool_close(pool);
    free(gradient);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    bench b = bench_open();
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        for (b.use.batch = 0; b.use.batch <= BATCH; b.use.batch += BATCH) {
            b.backend = all[i];
            assert_true(failing_alloc_each(work, &b) > 5);
        }
    bench_close(&b);
}

/* An allocator that adds up. Its blocks begin with their size. */
typedef struct counted {
    size_t now, most;
} counted;

enum { HEAD = 64 };

static void *count_allocate(void *context, size_t size)
{
    counted *c = context;
    char *block = aligned_alloc(HEAD, (size / HEAD + 2) * HEAD);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    c->now += size;
    c->most = c->now > c->most ? c->now : c->most;
    return block + HEAD;
}

static void count_release(void *context, void *memory)
{
    counted *c = context;
    size_t size;
    memcpy(&size, (char *)memory - HEAD, sizeof size);
    c->now -= size;
    free((char *)memory - HEAD);
}

/* Beside numbers there are names, and the pool: little, and the less the larger the model. */
static void it_takes_the_bytes_it_says(void **state)
{
    (void)state;
    bench b = bench_open();
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        for (b.use.batch = 0; b.use.batch <= BATCH; b.use.batch += BATCH) {
            counted c = {0};
            b.backend = all[i];
            const size_t said = b.backend->bytes(&b.config, &b.use, b.threads);
            clh_allocator_set(&(clh_allocator){count_allocate, count_release, &c});
            const clh_status status = work(&b);
            clh_allocator_set(NULL);
            assert_int_equal(status, CLH_OK);
            assert_int_equal(c.now, 0);
            if (c.most < said - said / 20 || c.most > said + said / 20 + 12000)
                fail_msg("%s, batch %zu: took %zu bytes, said %zu", b.backend->name, b.use.batch,
                         c.most, said);
            assert_true(b.backend->bytes(&b.config, &b.use, 2) > said);
        }
    b.use.length = SIZE_MAX / 4;
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        assert_true(all[i]->bytes(&b.config, &b.use, 1) == SIZE_MAX);
    bench_close(&b);
}

/* Sequences 3 and 5 have a token that the model has no row for. */
static void the_general_one_names_the_first_that_fails(void **state)
{
    (void)state;
    bench b = bench_open();
    clh_error err = {0};
    clh_pool *pool = NULL;
    void *general = NULL;
    uint32_t tokens[BATCH][4];
    double rows[BATCH * 4];
    clh_sequence sequence[BATCH];
    clh_loss_sum sum, sums[BATCH];
    size_t n;
    for (size_t k = 0; k < BATCH; k++) {
        memcpy(tokens[k], (uint32_t[]){0, 1, 2, k == 3 || k == 5 ? 900 + (uint32_t)k : 3}, 16);
        sequence[k] = (clh_sequence){tokens[k], 4, 4, 1};
    }
    const clh_batch batch = {sequence, BATCH, 0.01};
    (void)clh_model_data(b.model, &n);
    clh_real *gradient = clh_alloc_zeroed(n, sizeof *gradient, NULL);
    must(clh_pool_open(&pool, THREADS, &err), &err);
    must(clh_general_backend.open(&general, b.model, &b.use, pool, &err), &err);
    assert_int_equal(clh_general_backend.gradient(general, &batch, gradient, &sum, &err),
                     CLH_EINPUT);
    assert_non_null(strstr(err.message, "903"));
    err = (clh_error){0};
    assert_int_equal(clh_general_backend.losses(general, &batch, sums, rows, 4, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "903"));
    err = (clh_error){0};
    assert_int_equal(clh_general_backend.forward(general, &batch, &sum, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "903"));
    clh_general_backend.close(general);
    clh_pool_close(pool);
    clh_free(gradient);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fused_one_takes_what_it_computes),
        cmocka_unit_test(a_task_that_does_not_fit_the_model_is_not_the_fused_ones),
        cmocka_unit_test(a_name_is_taken_where_it_fits),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(it_takes_the_bytes_it_says),
        cmocka_unit_test(the_general_one_names_the_first_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
