/* Whether the cue finder tells a cue from none: scores that vary with the token at the source, and
 * scores that vary as much with a token that has nothing to do with it. */
#include <math.h>

#include "base/base.h"
#include "base/random.h"
#include "support/cmocka_all.h"
#include "support/cue_bench.h"
#include "support/must.h"

enum { COUNT = 200, FIRST = 4, LETTER = 3, LETTERS = 62, MARK = 0, WHERE, ALWAYS, SIGMAS = 4 };

static clh_error err;

/* Letters drawn one by one, so that no token says anything about another. */
static void draw_shuffled(cue_bench *b)
{
    static uint32_t ids[COUNT * CUE_LENGTH];
    for (size_t i = 0; i < CLH_COUNT(ids); i++)
        ids[i] = LETTER + (uint32_t)(clh_random_word(2, 1, i) % LETTERS);
    must(clh_sample_given(&b->sample, &(clh_tokens){ids, COUNT, CUE_LENGTH}, FIRST + 1, &err),
         &err);
    b->sample.task = b->task; /* whose symbols and slots they are */
}

static double mark_of(const cue_bench *b, uint32_t token)
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
static void open_bench(cue_bench *b, bool cue)
{
    cue_bench_open(b);
    draw_shuffled(b);
    for (uint32_t t = 0; t < CUE_VOCAB; t++)
        cue_bench_at(b, "embed.W_E", t)[MARK] = (clh_real)mark_of(b, t);
    for (size_t p = 0; p < CUE_LENGTH; p++) {
        clh_real *marks = cue_bench_at(b, "pos_embed.W_pos", p);
        marks[WHERE] = p >= FIRST ? 0 : p % 2 ? -1 : 1;
        marks[ALWAYS] = 1;
    }
    cue_bench_at(b, "blocks.0.attn.W_Q", cue ? ALWAYS : MARK)[0] = 1;
    cue_bench_at(b, "blocks.0.attn.W_K", cue ? MARK : WHERE)[0] = 1;
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
    cue_bench b;
    clh_cue_test test;
    open_bench(&b, true);
    clh_attention_report r = cue_bench_look(&b, 2);
    const clh_cue *class = &r.cue[CLH_CUE_CLASS];
    assert_true(r.scores.token > 0.9);
    assert_true(class->effect > 0.9);
    assert_true(sigmas(class->effect, class->shuffled, class->deviation) > 100);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_CLASS, &(clh_how){2, NULL}, &err), &err);
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    clh_attention_deinit(&r);
    cue_bench_close(&b);
}

static void no_cue_is_found_where_there_is_none(void **state)
{
    (void)state;
    cue_bench b;
    open_bench(&b, false);
    clh_attention_report r = cue_bench_look(&b, 2);
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
    cue_bench_close(&b);
}

static void nor_does_a_trial_change_anything(void **state)
{
    (void)state;
    cue_bench b;
    open_bench(&b, false);
    for (int f = CLH_CUE_TOKEN; f < CLH_CUE_RANK; f++) {
        clh_cue_test test;
        must(clh_cue_try(&test, b.model, &b.sample, (clh_cue_feature)f, &(clh_how){2, NULL}, &err),
             &err);
        assert_true(test.loss_only == test.loss && test.loss_without == test.loss);
    }
    cue_bench_close(&b);
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
