/* Cues by what a destination predicts: one that is planted for a slot is found there and nowhere
 * else, by numbers and by trial; the slot of a source likewise; threads change nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/attention.h"
#include "support/cmocka_all.h"
#include "support/must.h"

enum { COUNT = 80, LENGTH = 26, FIRST = 4, D = 8, CLASS = 0, WHERE, PARITY, ALWAYS, PLANTED = 2 };

static clh_error err;

typedef struct bench {
    clh_task *task;
    clh_model *model;
    clh_sample sample;
} bench;

/* The slot of position p in "> abc acb …": 1 … 3, 0 for what is no letter. */
static size_t slot_at(size_t p)
{
    return p >= 2 && p < LENGTH - 1 ? (p - 1) % 4 ? (p - 2) % 4 + 1 : 0 : 0;
}

static int class_of(const bench *b, uint32_t token)
{
    char s[16];
    clh_task_symbol(b->task, token, s);
    return s[0] >= 'a' ? 1 : s[0] >= 'A' ? 2 : s[0] >= '0' ? 3 : 0;
}

/* Without norms a score is a product of marks: CLASS of the source's token, but only for
 * destinations that predict the planted slot, plus PARITY of its token, which says nothing of its
 * class: every class has as many even letters as odd ones. */
static void bench_open(bench *b)
{
    clh_task_config task = {.n = {3}, .n_count = 1, .letters = CLH_LETTERS_ORDERED};
    clh_model_config config = clh_model_config_default();
    config.normalization_type = CLH_NORM_NONE;
    config.d_model = config.d_head = D;
    config.attn_scale = 1;
    config.n_ctx = LENGTH;
    config.d_vocab = config.d_vocab_out = 65;
    must(clh_task_open(&b->task, &task, &err), &err);
    must(clh_model_open(&b->model, &config, &err), &err);
    must(clh_sample_draw(&b->sample, b->task, CLH_SPLIT_TEST, 0, COUNT, &err), &err);
    clh_model_init(b->model, 3); /* OV and the rest: some */
    const clh_tensor E = clh_model_view(b->model, "embed.W_E"),
                     P = clh_model_view(b->model, "pos_embed.W_pos"),
                     Q = clh_model_view(b->model, "blocks.0.attn.W_Q"),
                     K = clh_model_view(b->model, "blocks.0.attn.W_K");
    memset(Q.data, 0, (size_t)D * D * sizeof *Q.data);
    memset(K.data, 0, (size_t)D * D * sizeof *K.data);
    for (size_t t = 0; t < 65; t++)
        for (size_t i = 0; i < 4; i++)
            E.data[t * D + i] = 0;
    for (uint32_t t = 0; t < 65; t++) {
        E.data[t * D + CLASS] = (clh_real)class_of(b, t);
        E.data[t * D + PARITY] = class_of(b, t) ? (clh_real)(t % 2 ? 1 : -1) : 0;
    }
    for (size_t p = 0; p < LENGTH; p++) {
        memset(P.data + p * D, 0, D * sizeof *P.data);
        P.data[p * D + WHERE] = slot_at(p + 1) == PLANTED ? 1 : 0;
        P.data[p * D + ALWAYS] = 1;
    }
    Q.data[WHERE * D + 0] = 3; /* [d_model, d_head] */
    K.data[CLASS * D + 0] = 1;
    Q.data[ALWAYS * D + 1] = K.data[PARITY * D + 1] = 1;
}

static void bench_close(bench *b)
{
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    clh_task_close(b->task);
}

static clh_attention_report look(const bench *b, size_t threads)
{
    clh_attention_report report = {0};
    must(clh_attention_look(&report, b->model, &b->sample,
                            &(clh_attention_ask){.seed = 1, .threads = threads}, NULL, &err),
         &err);
    return report;
}

static void destinations_are_told_apart_by_what_they_predict(void **state)
{
    (void)state;
    static const char *const names[] = {"slot 1", "slot 2", "slot 3", "space", "period"};
    static const size_t rows[] = {5, 5, 5, 5, 1};
    bench b;
    bench_open(&b);
    clh_attention_report r = look(&b, 1);
    assert_int_equal(r.first, FIRST);
    assert_int_equal(r.slots.count, CLH_COUNT(names));
    for (size_t s = 0; s < CLH_COUNT(names); s++) {
        assert_string_equal(r.slots.name[s], names[s]);
        assert_int_equal(r.slots.rows[s], rows[s]);
    }
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void a_cue_is_found_at_its_slot_only(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    clh_attention_report r = look(&b, 2);
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
    bench_close(&b);
}

static void its_trial_changes_its_slot_only(void **state)
{
    (void)state;
    bench b;
    clh_cue_test test;
    double loss = 0, accuracy = 0, rows = 0;
    bench_open(&b);
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_CLASS, 2, &err), &err);
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
    bench_close(&b);
}

/* Keys that hold nothing but the slot they stand in. */
static void the_slot_of_a_source_is_a_cue(void **state)
{
    (void)state;
    bench b;
    clh_cue_test test;
    bench_open(&b);
    const clh_tensor E = clh_model_view(b.model, "embed.W_E"),
                     P = clh_model_view(b.model, "pos_embed.W_pos");
    clh_attention_report before = look(&b, 1);
    for (uint32_t t = 0; t < 65; t++)
        E.data[t * D + CLASS] = E.data[t * D + PARITY] = 0;
    for (size_t p = 0; p < LENGTH; p++) { /* the kinds of what is no letter have marks too */
        const clh_token_kind kind = clh_sample_kind(&b.sample, 0, p);
        P.data[p * D + PARITY] = slot_at(p) ? (clh_real)slot_at(p) : (clh_real)kind - 5;
    }
    clh_attention_report r = look(&b, 1);
    for (size_t s = 0; s < r.slots.count; s++) {
        const clh_cue_effect *slot = &r.slot[s].cue[CLH_CUE_SLOT];
        assert_true(fabs(r.slot[s].position - 1) < 1e-9);
        assert_true(fabs(slot->effect - 1) < 1e-9);
        assert_true(slot->effect > slot->shuffled + 5 * slot->deviation);
        assert_true(s + 1 == PLANTED || before.slot[s].cue[CLH_CUE_SLOT].effect < 0.2);
    }
    must(clh_cue_try(&test, b.model, &b.sample, CLH_CUE_SLOT, 1, &err), &err);
    assert_true(fabs(test.loss_only - test.loss) < 1e-6);
    assert_true(fabs(test.loss_without - test.loss) > 1e-4);
    clh_attention_deinit(&before);
    clh_attention_deinit(&r);
    bench_close(&b);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    bench b;
    clh_cue_test try_one, try_three;
    bench_open(&b);
    clh_attention_report one = look(&b, 1), three = look(&b, 3);
    assert_memory_equal(one.memory, three.memory, (2 + CLH_CUES) * one.rows * sizeof *one.memory);
    assert_memory_equal(one.slot, three.slot, sizeof one.slot);
    assert_true(one.effective_sources == three.effective_sources && one.gap == three.gap &&
                one.scores.position == three.scores.position &&
                one.distinct_sources == three.distinct_sources);
    must(clh_cue_try(&try_one, b.model, &b.sample, CLH_CUE_TOKEN, 1, &err), &err);
    must(clh_cue_try(&try_three, b.model, &b.sample, CLH_CUE_TOKEN, 3, &err), &err);
    assert_true(try_one.loss_without == try_three.loss_without);
    assert_memory_equal(try_one.slot, try_three.slot, sizeof try_one.slot);
    clh_attention_deinit(&three);
    clh_attention_deinit(&one);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destinations_are_told_apart_by_what_they_predict),
        cmocka_unit_test(a_cue_is_found_at_its_slot_only),
        cmocka_unit_test(its_trial_changes_its_slot_only),
        cmocka_unit_test(the_slot_of_a_source_is_a_cue),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
