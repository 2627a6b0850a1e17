/* What holds of edits whatever the weights are: a two-layer model that nobody trained. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/edit_bench.h"
#include "support/must.h"

static void edits_without_effect_change_no_bit(void **state)
{
    edit_bench *b = *state;
    const clh_edit add = edit_of(CLH_EDIT_ADD, "blocks.*.hook_resid_pre");
    clh_edit only = edit_of(CLH_EDIT_ONLY, "");
    only.sources = CLH_SOURCES_ALL;
    assert_true(edit_same(b, NULL, 1, &add, 1));
    assert_true(edit_same(b, NULL, 1, &only, 1));
    b->sample.count = 1; /* then the other sequence, and the mean, are its own */
    const clh_edit resample = edit_of(CLH_EDIT_RESAMPLE, "*hook_*"),
                   mean = edit_of(CLH_EDIT_MEAN, "blocks.0.*");
    assert_true(edit_same(b, NULL, 1, &resample, 1));
    assert_true(edit_same(b, NULL, 1, &mean, 1));
    b->sample.count = EDIT_BENCH_COUNT;
    assert_false(edit_same(b, NULL, 1, &resample, 1));
    assert_false(edit_same(b, NULL, 1, &mean, 1));
}

static void threads_change_no_bit(void **state)
{
    const clh_edit resample = edit_of(CLH_EDIT_RESAMPLE, "blocks.1.attn.hook_z");
    const clh_edit mean = edit_of(CLH_EDIT_MEAN, "blocks.1.attn.hook_pattern");
    assert_true(edit_same(*state, &resample, 1, &resample, 3));
    assert_true(edit_same(*state, &mean, 1, &mean, 3));
}

static void one_hot_rows_are_one_hot(void **state)
{
    const clh_edit edit = edit_of(CLH_EDIT_ONE_HOT, "");
    const clh_tensor p = edit_look(*state, &edit, 2, "blocks.1.attn.hook_pattern");
    for (size_t row = 0; row < p.shape[1] * p.shape[2]; row++) {
        size_t ones = 0, zeros = 0;
        for (size_t j = 0; j < p.shape[3]; j++) {
            ones += p.data[row * p.shape[3] + j] == 1;
            zeros += p.data[row * p.shape[3] + j] == 0;
        }
        assert_int_equal(ones, 1);
        assert_int_equal(ones + zeros, p.shape[3]);
    }
}

static void rows_without_the_answer_sum_to_1_and_leave_it_out(void **state)
{
    edit_bench *b = *state;
    clh_edit edit = edit_of(CLH_EDIT_WITHOUT, "");
    edit.sources = CLH_SOURCES_ANSWER;
    const clh_tensor p = edit_look(b, &edit, 2, "blocks.0.attn.hook_pattern");
    const clh_tokens t = clh_sample_tokens(&b->sample, 2);
    for (size_t i = 0; i + 1 < t.pos; i++) {
        double sum = 0;
        for (size_t j = 0; j <= i; j++) {
            const double weight = (double)p.data[clh_tensor_at(&p, 0, 1, i, j)];
            sum += weight;
            assert_true(t.ids[j] != t.ids[i + 1] || weight == 0);
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
}

static void a_mean_pattern_is_the_same_for_every_sequence(void **state)
{
    const clh_edit edit = edit_of(CLH_EDIT_MEAN, "blocks.0.attn.hook_pattern");
    const clh_tensor p = edit_look(*state, &edit, 2, "blocks.0.attn.hook_pattern");
    const size_t bytes = clh_tensor_count(&p) * sizeof *p.data;
    clh_real *kept = clh_alloc_array(1, bytes, NULL);
    assert_non_null(kept);
    memcpy(kept, p.data, bytes);
    const clh_tensor q = edit_look(*state, &edit, 7, "blocks.0.attn.hook_pattern");
    assert_memory_equal(kept, q.data, bytes);
    clh_free(kept);
}

static void heads_and_positions_limit_an_edit(void **state)
{
    clh_edit edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_z");
    static const long last[] = {-1}, heads[] = {1, -1};
    edit.value = 9;
    edit.positions = last;
    edit.head_count = 1;
    edit.position_count = 1;
    for (size_t i = 0; i < CLH_COUNT(heads); i++) {
        edit.heads = &heads[i];
        const clh_tensor z = edit_look(*state, &edit, 0, "blocks.0.attn.hook_z");
        for (size_t p = 0; p < z.shape[1]; p++)
            for (size_t h = 0; h < 2; h++)
                assert_int_equal(z.data[clh_tensor_at(&z, 0, p, h, 0)] == 9,
                                 p + 1 == z.shape[1] && h == 1);
    }
}

static void the_direct_path_can_be_taken_away(void **state)
{
    const clh_edit edit = edit_of(CLH_EDIT_DIRECT, "");
    const clh_tensor post = edit_look(*state, &edit, 0, "blocks.1.hook_resid_post");
    const clh_cache *cache = ((edit_bench *)*state)->cache;
    const clh_tensor one = clh_cache_view(cache, "blocks.0.hook_attn_out"),
                     two = clh_cache_view(cache, "blocks.1.hook_attn_out");
    for (size_t i = 0; i < clh_tensor_count(&post); i++)
        assert_true(fabs((double)(post.data[i] - one.data[i] - two.data[i])) < 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_without_effect_change_no_bit),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(one_hot_rows_are_one_hot),
        cmocka_unit_test(rows_without_the_answer_sum_to_1_and_leave_it_out),
        cmocka_unit_test(a_mean_pattern_is_the_same_for_every_sequence),
        cmocka_unit_test(heads_and_positions_limit_an_edit),
        cmocka_unit_test(the_direct_path_can_be_taken_away),
    };
    return cmocka_run_group_tests_name("edits", tests, edit_bench_setup, edit_bench_teardown);
}
