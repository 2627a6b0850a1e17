/* What holds of the causal suite whatever the model is: what is not computed again leaves no trace,
 * so an intervention has the bits of the same edit in flight; parts are those of clh_part_try(). */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "clearhead/attention.h"
#include "clearhead/causal.h"
#include "clearhead/edit.h"
#include "support/each_case.h"
#include "support/edit_bench.h"
#include "support/model_case.h"
#include "support/must.h"

enum { SEED = 31, COUNT = 6 };

/* A model, COUNT sequences for it, and every intervention on them. */
typedef struct bench {
    clh_model *model;
    clh_sample sample;
    clh_causal *causal;
    clh_causal_result result;
} bench;

static clh_sample sample_of(size_t index, size_t pos)
{
    const clh_model_config c = model_case_config(index);
    const size_t low = c.d_vocab < c.d_vocab_out ? c.d_vocab : c.d_vocab_out;
    clh_error err = {0};
    clh_sample sample = {0};
    uint32_t *ids = clh_alloc_array(COUNT * pos, sizeof *ids, NULL);
    assert_non_null(ids);
    for (size_t i = 0; i < COUNT * pos; i++)
        ids[i] = (uint32_t)((i * i * 7 + i / pos * 5 + i) % low);
    must(clh_sample_given(&sample, &(clh_tokens){ids, COUNT, pos}, 1, &err), &err);
    clh_free(ids);
    return sample;
}

static int open_bench(void **state)
{
    const size_t index = ((const each_case *)*state)->index;
    clh_error err = {0};
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->model = model_case_open(index, SEED);
    b->sample = sample_of(index, model_case_at(index)->pos + 2); /* n_ctx has room for 3 */
    must(clh_causal_open(&b->causal, b->model, &b->sample, SEED, NULL, &err), &err);
    must(clh_causal_run(&b->result, b->causal, &b->sample, NULL, &err), &err);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    clh_causal_result_deinit(&b->result);
    clh_causal_close(b->causal);
    clh_sample_deinit(&b->sample);
    clh_model_close(b->model);
    free(b);
    return 0;
}

static void assert_same_bits(const clh_measure *a, const clh_measure *b)
{
    for (size_t i = 0; i < COUNT; i++)
        assert_memory_equal(&a->sequence[i].loss, &b->sequence[i].loss, sizeof(double));
    assert_memory_equal(&a->total, &b->total, sizeof a->total);
}

static void none_is_the_plain_measure(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_measure plain = {0};
    must(clh_measure_run(&plain, b->model, &b->sample, NULL, NULL, &err), &err);
    assert_same_bits(&b->result.measure[CLH_CAUSAL_NONE], &plain);
    clh_measure_deinit(&plain);
}

#define PATTERN_SITE "blocks.*.attn.hook_pattern"
#define OUT_SITE "blocks.*.hook_attn_out"

static void each_is_the_same_edit_in_flight(void **state)
{
    static const struct {
        clh_intervention intervention;
        size_t count;
        clh_edit edit[2];
    } rows[] = {
        {CLH_CAUSAL_PATTERN_OTHER, 1, {{.kind = CLH_EDIT_RESAMPLE, .site = PATTERN_SITE}}},
        {CLH_CAUSAL_PATTERN_ONE_HOT, 1, {{.kind = CLH_EDIT_ONE_HOT}}},
        {CLH_CAUSAL_ONLY_ANSWER, 1, {{.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_ANSWER}}},
        {CLH_CAUSAL_WITHOUT_ANSWER, 1, {{.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_ANSWER}}},
        {CLH_CAUSAL_WITHOUT_STRONGEST,
         1,
         {{.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_STRONGEST}}},
        {CLH_CAUSAL_PATTERN_MEAN, 1, {{.kind = CLH_EDIT_MEAN, .site = PATTERN_SITE}}},
        {CLH_CAUSAL_PATTERN_MEAN_TOP,
         2,
         {{.kind = CLH_EDIT_MEAN, .site = PATTERN_SITE}, {.kind = CLH_EDIT_ONE_HOT}}},
        {CLH_CAUSAL_ATTN_ZERO, 1, {{.kind = CLH_EDIT_ZERO, .site = OUT_SITE}}},
        {CLH_CAUSAL_ATTN_MEAN, 1, {{.kind = CLH_EDIT_MEAN, .site = OUT_SITE}}},
        {CLH_CAUSAL_ATTN_OTHER, 1, {{.kind = CLH_EDIT_RESAMPLE, .site = OUT_SITE}}},
        {CLH_CAUSAL_DIRECT_ZERO, 1, {{.kind = CLH_EDIT_DIRECT}}},
        {CLH_CAUSAL_REFERENCE, 1, {{.kind = CLH_EDIT_RESAMPLE, .site = "logits"}}},
    };
    const bench *b = *state;
    clh_error err = {0};
    for (size_t r = 0; r < CLH_COUNT(rows); r++) {
        clh_edits *edits = NULL;
        clh_measure edited = {0};
        must(edit_open(&edits, rows[r].edit, rows[r].count, b->model, &b->sample, SEED, &err),
             &err);
        edit_run(&edited, edits, 1);
        assert_same_bits(&b->result.measure[rows[r].intervention], &edited);
        clh_measure_deinit(&edited);
        clh_edits_close(edits);
    }
}

static void parts_are_those_tried_one_by_one(void **state)
{
    static const struct {
        clh_intervention intervention;
        const char *inputs;
        clh_input_part part;
    } rows[] = {
        {CLH_CAUSAL_Q_TOKEN_MEAN, "q", CLH_PART_POSITION},
        {CLH_CAUSAL_K_TOKEN_MEAN, "k", CLH_PART_POSITION},
        {CLH_CAUSAL_QK_TOKEN_MEAN, "qk", CLH_PART_POSITION},
        {CLH_CAUSAL_QK_POSITION_MEAN, "qk", CLH_PART_TOKEN},
        {CLH_CAUSAL_V_POSITION_MEAN, "v", CLH_PART_TOKEN},
        {CLH_CAUSAL_V_TOKEN_MEAN, "v", CLH_PART_POSITION},
    };
    const bench *b = *state;
    clh_error err = {0};
    for (size_t r = 0; r < CLH_COUNT(rows); r++) {
        double loss, accuracy;
        if (b->result.left_out[rows[r].intervention]) {
            assert_int_not_equal(clh_model_get_config(b->model)->positional_embedding_type,
                                 CLH_POSITIONS_STANDARD);
            assert_int_equal(clh_part_try(&loss, &accuracy, b->model, &b->sample, rows[r].inputs,
                                          rows[r].part, NULL, NULL),
                             CLH_ESUPPORT);
            continue;
        }
        const clh_tally *t = &b->result.measure[rows[r].intervention].total;
        must(clh_part_try(&loss, &accuracy, b->model, &b->sample, rows[r].inputs, rows[r].part,
                          NULL, &err),
             &err);
        assert_true(fabs(clh_tally_ratio(t, CLH_RATIO_LOSS) - loss) < 1e-12 * loss);
        assert_true(clh_tally_ratio(t, CLH_RATIO_ACCURACY) == accuracy);
    }
}

static void threads_change_no_bit(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_causal_result more = {0};
    must(clh_causal_run(&more, b->causal, &b->sample, &(clh_how){3, NULL}, &err), &err);
    for (int i = 0; i < CLH_INTERVENTIONS; i++) {
        assert_int_equal(more.left_out[i], b->result.left_out[i]);
        if (!more.left_out[i])
            assert_same_bits(&more.measure[i], &b->result.measure[i]);
    }
    clh_causal_result_deinit(&more);
}

static void rows_are_the_intervals_one_by_one(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_causal_row row[CLH_INTERVENTIONS];
    must(clh_causal_rows(row, &b->result, 50, 0.9, 3, NULL, &err), &err);
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        for (int r = 0; r < CLH_RATIOS; r++) {
            clh_interval one;
            must(clh_measure_interval(&one, &b->result.measure[i], COUNT, (clh_ratio)r, 50, 0.9, 3,
                                      NULL, &err),
                 &err);
            assert_true(isnan(one.value) ? isnan(row[i].ratio[r].value)
                                         : one.value == row[i].ratio[r].value);
            assert_true(isnan(one.low)
                            ? isnan(row[i].ratio[r].low)
                            : one.low == row[i].ratio[r].low && one.high == row[i].ratio[r].high);
        }
    const clh_interval *all = &row[CLH_CAUSAL_NONE].recovered,
                       *nothing = &row[CLH_CAUSAL_REFERENCE].recovered;
    if (row[CLH_CAUSAL_REFERENCE].ratio[0].value > row[CLH_CAUSAL_NONE].ratio[0].value) {
        assert_true(all->value == 1 && nothing->value == 0);
        assert_true(isnan(all->low) || (all->low == 1 && all->high == 1));
        assert_true(isnan(nothing->low) || (nothing->low == 0 && nothing->high == 0));
    } else {
        assert_true(isnan(all->value) && isnan(nothing->value));
    }
}

/* A causal model does not see that a sequence goes on, so statistics of longer ones serve: of the
 * same sequences cut short, interventions are those of the whole ones cut short. */
static void shorter_sequences_take_the_beginnings(void **state)
{
    const bench *b = *state;
    clh_error err = {0};
    clh_causal_result cut = {0};
    clh_sample part = b->sample;
    size_t length[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        length[i] = b->sample.length[i] - 1;
    part.length = length;
    must(clh_causal_run(&cut, b->causal, &part, NULL, &err), &err);
    part.length = b->sample.length;
    for (int i = 0; i < CLH_INTERVENTIONS; i++)
        for (size_t k = 0; k < COUNT && !cut.left_out[i]; k++) {
            const clh_tally *whole = &b->result.measure[i].sequence[k];
            assert_int_equal(cut.measure[i].sequence[k].count + 1, whole->count);
            if (clh_model_get_config(b->model)->attention_dir != CLH_ATTENTION_CAUSAL)
                continue; /* the last token changes what stands before it */
            assert_true(cut.measure[i].sequence[k].loss <= whole->loss + 1e-9);
            assert_true(cut.measure[i].sequence[k].correct <= whole->correct);
        }
    clh_causal_result_deinit(&cut);
}

static const each_truth truths[] = {
    {"none is the plain measure", none_is_the_plain_measure},
    {"each is the same edit in flight", each_is_the_same_edit_in_flight},
    {"parts are those tried one by one", parts_are_those_tried_one_by_one},
    {"threads change no bit", threads_change_no_bit},
    {"rows are the intervals one by one", rows_are_the_intervals_one_by_one},
    {"shorter sequences take the beginnings", shorter_sequences_take_the_beginnings},
};

int main(void)
{
    return each_case_run("causal", truths, CLH_COUNT(truths), model_case_names(),
                         model_case_with_blocks(), open_bench, close_bench);
}
