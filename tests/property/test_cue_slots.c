/* Cues by what a destination predicts: one that is planted for a slot is found there and nowhere
 * else, by numbers and by trial; the slot of a source likewise; threads change nothing. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/cue_bench.h"
#include "support/must.h"

enum { COUNT = 80, LENGTH = CUE_LENGTH, FIRST = 4, CLASS = 0, WHERE, PARITY, ALWAYS, PLANTED = 2 };

static clh_error err;

/* The slot of position p in "> abc acb …": 1 … 3, 0 for what is no letter. */
static size_t slot_at(size_t p)
{
    return p >= 2 && p < LENGTH - 1 ? (p - 1) % 4 ? (p - 2) % 4 + 1 : 0 : 0;
}

static int class_of(const cue_bench *b, uint32_t token)
{
    char s[16];
    clh_task_symbol(b->task, token, s);
    return s[0] >= 'a' ? 1 : s[0] >= 'A' ? 2 : s[0] >= '0' ? 3 : 0;
}

/* Without norms a score is a product of marks: CLASS of the source's token, but only for
 * destinations that predict the planted slot, plus PARITY of its token, which says nothing of its
 * class: every class has as many even letters as odd ones. */
static void open_bench(cue_bench *b)
{
    cue_bench_open(b);
    must(clh_sample_draw(&b->sample, b->task, CLH_SPLIT_TEST, 0, COUNT, &err), &err);
    for (uint32_t t = 0; t < CUE_VOCAB; t++) {
        clh_real *marks = cue_bench_at(b, "embed.W_E", t);
        marks[CLASS] = (clh_real)class_of(b, t);
        marks[PARITY] = class_of(b, t) ? (clh_real)(t % 2 ? 1 : -1) : 0;
    }
    for (size_t p = 0; p < LENGTH; p++) {
        clh_real *marks = cue_bench_at(b, "pos_embed.W_pos", p);
        memset(marks, 0, CUE_WIDTH * sizeof *marks);
        marks[WHERE] = slot_at(p + 1) == PLANTED ? 1 : 0;
        marks[ALWAYS] = 1;
    }
    cue_bench_at(b, "blocks.0.attn.W_Q", WHERE)[0] = 3;
    cue_bench_at(b, "blocks.0.attn.W_K", CLASS)[0] = 1;
    cue_bench_at(b, "blocks.0.attn.W_Q", ALWAYS)[1] = 1;
    cue_bench_at(b, "blocks.0.attn.W_K", PARITY)[1] = 1;
}

static void destinations_are_told_apart_by_what_they_predict(void **state)
{
    (void)state;
    static const char *const names[] = {"slot 1", "slot 2", "slot 3", "space", "period"};
    static const size_t rows[] = {5, 5, 5, 5, 1};
    cue_bench b;
    open_bench(&b);
    clh_attention_report r = cue_bench_look(&b, 1);
    assert_int_equal(r.first, FIRST);
    assert_int_equal(r.slots.count, CLH_COUNT(names));
    for (size_t s = 0; s < CLH_COUNT(names); s++) {
        assert_string_equal(r.slots.name[s], names[s]);
        assert_int_equal(r.slots.rows[s], rows[s]);
    }
    clh_attention_deinit(&r);
    cue_bench_close(&b);
}

static void a_cue_is_found_at_its_slot_only(void **state)
{
    (void)state;
    cue_bench b;
    open_bench(&b);
    clh_attention_report r = cue_bench_look(&b, 2);
    for (size_t s = 0; s < r.slots.count; s++) {
        const clh_cue_effect *class = &r.slot[s].cue[CLH_CUE_CLASS];
        const clh_cue_effect *token = &r.slot[s].cue[CLH_CUE_TOKEN];
        assert_true(token->effect > token->shuffled + 10 * token->deviation);
        assert_true(class->shuffled < 0.1);
        if (s + 1 == PLANTED)
            assert_true(class->effect > 0.3 &&
                        class->effect > class->shuffled + 10 * class->deviation);
        else
            assert_true(class->effect < 0.1);
    }
    clh_attention_deinit(&r);
    cue_bench_close(&b);
}

static void its_trial_changes_its_slot_only(void **state)
{
    (void)state;
    cue_bench b;
    clh_cue_test test;
    double loss = 0, accuracy = 0, rows = 0;
    open_bench(&b);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_CLASS, &(clh_how){2, NULL}, &err), &err);
    assert_int_equal(test.slots.count, 5);
    for (size_t s = 0; s < test.slots.count; s++) {
        const double change = fabs(test.slot[s].loss_without - test.slot[s].loss);
        assert_true(s + 1 == PLANTED ? change > 1e-4 : change < 1e-6);
        loss += test.slot[s].loss_only * (double)test.slots.rows[s];
        accuracy += test.slot[s].accuracy_only * (double)test.slots.rows[s];
        rows += (double)test.slots.rows[s];
    }
    assert_true(fabs(loss / rows - test.loss_only) < 1e-9); /* parts add up to the whole */
    assert_true(fabs(accuracy / rows - test.accuracy_only) < 1e-9);
    cue_bench_close(&b);
}

/* Keys that hold nothing but the slot they stand in. */
static void the_slot_of_a_source_is_a_cue(void **state)
{
    (void)state;
    cue_bench b;
    clh_cue_test test;
    open_bench(&b);
    clh_attention_report before = cue_bench_look(&b, 1);
    for (uint32_t t = 0; t < CUE_VOCAB; t++)
        memset(cue_bench_at(&b, "embed.W_E", t), 0, CUE_MARKS * sizeof(clh_real));
    for (size_t p = 0; p < LENGTH; p++) { /* the kinds of what is no letter have marks too */
        const clh_token_kind kind = clh_sample_kind(&b.sample, 0, p);
        cue_bench_at(&b, "pos_embed.W_pos", p)[PARITY] =
            slot_at(p) ? (clh_real)slot_at(p) : (clh_real)kind - 5;
    }
    clh_attention_report r = cue_bench_look(&b, 1);
    for (size_t s = 0; s < r.slots.count; s++) {
        const clh_cue_effect *slot = &r.slot[s].cue[CLH_CUE_SLOT];
        assert_true(fabs(r.slot[s].position - 1) < 1e-9);
        assert_true(fabs(slot->effect - 1) < 1e-9);
        assert_true(slot->effect > slot->shuffled + 5 * slot->deviation);
        assert_true(s + 1 == PLANTED || before.slot[s].cue[CLH_CUE_SLOT].effect < 0.2);
    }
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_SLOT, NULL, &err), &err);
    assert_true(fabs(test.loss_only - test.loss) < 1e-6);
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    clh_attention_deinit(&before);
    clh_attention_deinit(&r);
    cue_bench_close(&b);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    cue_bench b;
    clh_cue_test try_one, try_three;
    open_bench(&b);
    clh_attention_report one = cue_bench_look(&b, 1), three = cue_bench_look(&b, 3);
    assert_memory_equal(one.memory, three.memory, (2 + CLH_CUES) * one.rows * sizeof *one.memory);
    assert_memory_equal(one.slot, three.slot, sizeof one.slot);
    assert_true(one.effective_sources == three.effective_sources && one.gap == three.gap &&
                one.scores.position == three.scores.position &&
                one.distinct_sources == three.distinct_sources);
    must(clh_cue_try(&try_one, b.model, &b.sample, CLH_CUE_TOKEN, NULL, &err), &err);
    must(clh_cue_try(&try_three, b.model, &b.sample, CLH_CUE_TOKEN, &(clh_how){3, NULL}, &err),
         &err);
    assert_true(try_one.loss_without == try_three.loss_without);
    assert_memory_equal(try_one.slot, try_three.slot, sizeof try_one.slot);
    clh_attention_deinit(&three);
    clh_attention_deinit(&one);
    cue_bench_close(&b);
}

/* All cues are tried on one plain pass, each as alone; the rank is not tried. */
static void all_together_are_each_alone(void **state)
{
    (void)state;
    cue_bench b;
    clh_cue_test all[CLH_CUES];
    open_bench(&b);
    must(clh_cues_try(all, b.model, &b.sample, NULL, &err), &err);
    for (int f = 0; f < CLH_CUES; f++) {
        clh_cue_test one = {0};
        if (clh_cue_can_try((clh_cue_feature)f))
            must(clh_cue_try(&one, b.model, &b.sample, (clh_cue_feature)f, NULL, &err), &err);
        assert_true(one.loss == all[f].loss && one.loss_only == all[f].loss_only &&
                    one.loss_without == all[f].loss_without && one.accuracy == all[f].accuracy &&
                    one.accuracy_only == all[f].accuracy_only &&
                    one.accuracy_without == all[f].accuracy_without);
        assert_memory_equal(one.slot, all[f].slot, sizeof one.slot);
    }
    assert_true(all[CLH_CUE_TOKEN].loss_without != all[CLH_CUE_CLASS].loss_without &&
                all[CLH_CUE_CLASS].loss_without != all[CLH_CUE_SLOT].loss_without);
    cue_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations_are_told_apart_by_what_they_predict),
        cmocka_unit_test(a_cue_is_found_at_its_slot_only),
        cmocka_unit_test(its_trial_changes_its_slot_only),
        cmocka_unit_test(the_slot_of_a_source_is_a_cue),
        cmocka_unit_test(all_together_are_each_alone),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
