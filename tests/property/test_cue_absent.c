/* Whether the cue finder tells a cue from none: scores that vary with the token at the source, and
 * scores that vary as much with a token that has nothing to do with it. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "clearhead/attention.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { COUNT = 200, LENGTH = 26, FIRST = 4, LETTER = 3, LETTERS = 62, VOCAB = 65 };
enum { MARK, WHERE, ALWAYS, D = 8, SIGMAS = 4 };

static clh_error err;

typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_sample sample;
} bench;

/* Letters drawn one by one, so that no token says anything about another. */
static void draw_shuffled(bench *b)
{
    static uint32_t ids[COUNT * LENGTH];
    for (size_t i = 0; i < CLH_COUNT(ids); i++)
        ids[i] = LETTER + (uint32_t)(clh_random_word(2, 1, i) % LETTERS);
    must(clh_sample_given(&b->sample, &(clh_tokens){ids, COUNT, LENGTH}, FIRST + 1, &err), &err);
    b->sample.task = b->task; /* whose symbols and slots they are */
}

static double mark_of(const bench *b, uint32_t token)
{
    char s[16];
    clh_task_symbol(b->task, token, s);
    return s[0] >= 'a' ? 1 : s[0] >= 'A' ? -1 : 0;
}

/* Without norms a score is q . k. With the cue the mark is the source's:
 *
 *    score[i,j] = mark(token j)
 *
 * without, the destination's, and sources differ by position alone:
 *
 *    score[i,j] = mark(token i) where(j),   where = 1, -1, 1, -1, 0, 0 … for j = 0, 1 …
 *
 * so that its mean over j <= i is 0 at every destination, and the one source that holds token i,
 * j = i, stays at 0. */
static void bench_open(bench *b, bool cue)
{
    clh_task_config task = {.n = {3}, .n_count = 1, .letters = CLH_LETTERS_ORDERED};
    clh_model_config config = clh_model_config_default();
    config.normalization_type = CLH_NORM_NONE;
    config.d_model = config.d_head = D;
    config.attn_scale = 1;
    config.initializer_range = 0.3;
    config.n_ctx = LENGTH;
    config.d_vocab = config.d_vocab_out = VOCAB;
    must(clh_task_open(&b->task, &task, &err), &err);
    must(clh_model_open(&b->model, &config, &err), &err);
    draw_shuffled(b);
    clh_model_init(b->model, 3); /* OV and the rest: some */
    const clh_tensor E = clh_model_view(b->model, "embed.W_E"),
                     P = clh_model_view(b->model, "pos_embed.W_pos"),
                     Q = clh_model_view(b->model, "blocks.0.attn.W_Q"),
                     K = clh_model_view(b->model, "blocks.0.attn.W_K");
    memset(Q.data, 0, clh_tensor_count(&Q) * sizeof *Q.data);
    memset(K.data, 0, clh_tensor_count(&K) * sizeof *K.data);
    for (uint32_t t = 0; t < VOCAB; t++) {
        E.data[(size_t)t * D + MARK] = (clh_real)mark_of(b, t);
        E.data[(size_t)t * D + WHERE] = E.data[(size_t)t * D + ALWAYS] = 0;
    }
    for (size_t p = 0; p < LENGTH; p++) {
        P.data[p * D + MARK] = 0;
        P.data[p * D + WHERE] = p >= FIRST ? 0 : p % 2 ? -1 : 1;
        P.data[p * D + ALWAYS] = 1;
    }
    Q.data[(size_t)(cue ? ALWAYS : MARK) * D] = 1; /* [d_model, d_head] */
    K.data[(size_t)(cue ? MARK : WHERE) * D] = 1;
}

static void bench_close(bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

static clh_attention_report look(const bench *b)
{
    clh_attention_report report = {0};
    must(clh_attention_look(&report, b->model, &b->sample,
                            &(clh_attention_ask){.seed = 1, .threads = 2}, NULL, &err),
         &err);
    return report;
}

/* By how many deviations of chance an effect is more than chance. */
static double sigmas(double effect, double shuffled, double deviation)
{
    assert_true(deviation > 0);
    return (effect - shuffled) / deviation;
}

static void a_planted_cue_is_found_in_shuffled_tokens(void **state)
{
    (void)state;
    bench b;
    clh_cue_test test;
    bench_open(&b, true);
    clh_attention_report r = look(&b);
    const clh_cue *class = &r.cue[CLH_CUE_CLASS];
    assert_true(r.scores.token > 0.9);
    assert_true(class->effect > 0.9);
    assert_true(sigmas(class->effect, class->shuffled, class->deviation) > 100);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_CLASS, 2, &err), &err);
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void no_cue_is_found_where_there_is_none(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, false);
    clh_attention_report r = look(&b);
    assert_true(r.scores.token > 0.9); /* the scores vary with tokens all the same */
    for (int f = CLH_CUE_TOKEN; f <= CLH_CUE_RANK; f++) {
        const clh_cue *all = &r.cue[f];
        assert_true(fabs(sigmas(all->effect, all->shuffled, all->deviation)) < SIGMAS);
        for (size_t s = 0; s < r.slots.count; s++) {
            const clh_cue_effect *at = &r.slot[s].cue[f];
            assert_true(fabs(sigmas(at->effect, at->shuffled, at->deviation)) < SIGMAS);
        }
    }
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void nor_does_a_trial_change_anything(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, false);
    for (int f = CLH_CUE_TOKEN; f < CLH_CUE_RANK; f++) {
        clh_cue_test test;
        must(clh_cue_try(&test, b.model, &b.sample, (clh_cue_feature)f, 2, &err), &err);
        assert_true(test.loss_only == test.loss && test.loss_without == test.loss);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_cue_is_found_in_shuffled_tokens),
        cmocka_unit_test(no_cue_is_found_where_there_is_none),
        cmocka_unit_test(nor_does_a_trial_change_anything),
    };
    return cmocka_run_group_tests_name("cue absent", tests, NULL, NULL);
}
