/* Queries, keys and values made of a part of their input. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "support/edit_bench.h"
#include "support/must.h"

static clh_edit part_of(const char *site, clh_input_part part)
{
    clh_edit edit = edit_of(CLH_EDIT_PART, site);
    edit.part = part;
    return edit;
}

static void layer_0_is_the_trial_of_a_whole_run(void **state)
{
    static const char *const inputs[] = {"q", "k", "v", "qk", "qkv"};
    static const char *const sites[] = {"blocks.0.attn.hook_q", "blocks.0.attn.hook_k",
                                        "blocks.0.attn.hook_v", "blocks.0.attn.hook_[qk]",
                                        "blocks.0.attn.hook_[qkv]"};
    edit_bench *b = *state;
    clh_error err = {0};
    for (size_t i = 0; i < 2 * CLH_COUNT(sites); i++) {
        const clh_input_part part = i % 2 ? CLH_PART_TOKEN : CLH_PART_POSITION;
        const clh_edit edit = part_of(sites[i / 2], part);
        clh_measure measure = {0};
        double loss = 0, accuracy = 0;
        must(clh_part_try(&loss, &accuracy, b->model, &b->sample, inputs[i / 2], part, NULL, &err),
             &err);
        edit_measure(b, &edit, 1, &measure);
        assert_true(fabs(clh_tally_ratio(&measure.total, CLH_RATIO_LOSS) - loss) < 1e-13 * loss);
        assert_true(clh_tally_ratio(&measure.total, CLH_RATIO_ACCURACY) == accuracy);
        assert_false(edit_same(b, NULL, 1, &edit, 1));
        clh_measure_deinit(&measure);
    }
}

static void a_position_knows_no_token(void **state)
{
    edit_bench *b = *state;
    const clh_edit edit = part_of("blocks.*.attn.hook_q", CLH_PART_POSITION);
    static const char *const names[] = {"blocks.0.attn.hook_q", "blocks.1.attn.hook_q"};
    for (size_t n = 0; n < CLH_COUNT(names); n++) {
        clh_tensor q = edit_look(b, &edit, 2, names[n]);
        const size_t bytes = clh_tensor_count(&q) * sizeof *q.data;
        clh_real *kept = edit_copy(&q);
        q = edit_look(b, &edit, 7, names[n]);
        assert_memory_equal(kept, q.data, bytes);
        clh_free(kept);
    }
}

static void a_token_knows_no_position(void **state)
{
    edit_bench *b = *state;
    const clh_edit edit = part_of("blocks.*.attn.hook_k", CLH_PART_TOKEN);
    const clh_tokens t = clh_sample_tokens(&b->sample, 3);
    const clh_tensor k = edit_look(b, &edit, 3, "blocks.1.attn.hook_k");
    const size_t row = k.shape[2] * k.shape[3];
    size_t pairs = 0;
    for (size_t i = 0; i < t.pos; i++)
        for (size_t j = 0; j < i; j++)
            if (t.ids[i] == t.ids[j]) {
                assert_memory_equal(k.data + i * row, k.data + j * row, row * sizeof *k.data);
                pairs++;
            }
    assert_true(pairs > 0);
}

/* Biases of a fresh model are 0, so in layer 0 the parts are all there is. */
static void with_the_norm_frozen_and_no_rest_the_parts_add_up(void **state)
{
    edit_bench *b = *state;
    clh_edit edit = part_of("blocks.0.attn.hook_q", CLH_PART_TOKEN);
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "blocks.0.attn.hook_q");
    edit.bare = edit.frozen = true;
    clh_tensor q = edit_look(b, &edit, 4, "blocks.0.attn.hook_q");
    clh_real *token = edit_copy(&q);
    edit.part = CLH_PART_POSITION;
    q = edit_look(b, &edit, 4, "blocks.0.attn.hook_q");
    clh_real *position = edit_copy(&q);
    q = edit_look(b, &nothing, 4, "blocks.0.attn.hook_q");
    for (size_t i = 0; i < clh_tensor_count(&q); i++)
        assert_true(fabs((double)(token[i] + position[i] - q.data[i])) < 1e-6);
    clh_free(position);
    clh_free(token);
}

static void a_part_that_is_the_whole_changes_no_bit(void **state)
{
    edit_bench b;
    (void)state;
    edit_bench_open(&b, CLH_NORM_LN);
    const clh_tensor W = clh_model_view(b.model, "pos_embed.W_pos");
    memset(W.data, 0, clh_tensor_count(&W) * sizeof *W.data);
    clh_edit edit = part_of("blocks.0.attn.hook_?", CLH_PART_TOKEN);
    for (int i = 0; i < 4; i++) {
        edit.bare = i % 2;
        edit.frozen = i / 2;
        edit.site = "blocks.0.attn.hook_[qkv]";
        assert_true(edit_same(&b, NULL, 1, &edit, 1));
    }
    edit.part = CLH_PART_POSITION;
    assert_false(edit_same(&b, NULL, 1, &edit, 1));
    edit_bench_close(&b);
}

/* mean [row]: over all sequences and positions, of hook_q of layer 1. */
static void mean_row(edit_bench *b, const clh_edit *edit, double *mean)
{
    double rows = 0;
    for (size_t s = 0; s < b->sample.count; s++) {
        const clh_tensor q = edit_look(b, edit, s, "blocks.1.attn.hook_q");
        const size_t row = q.shape[2] * q.shape[3];
        for (size_t i = 0; i < clh_tensor_count(&q); i++)
            mean[i % row] += (double)q.data[i];
        rows += (double)q.shape[1];
    }
    for (size_t i = 0; i < 16; i++)
        mean[i] /= rows;
}

/* Without a norm a query is linear in its input. */
static void the_mean_of_what_is_left_out_stands_in_for_it(void **state)
{
    edit_bench b;
    (void)state;
    edit_bench_open(&b, CLH_NORM_NONE);
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "blocks.1.attn.hook_q");
    double whole[16] = {0};
    mean_row(&b, &nothing, whole);
    for (int p = 0; p < 2; p++) {
        double part[16] = {0};
        const clh_edit edit = part_of("blocks.1.attn.hook_q", (clh_input_part)p);
        mean_row(&b, &edit, part);
        for (size_t i = 0; i < CLH_COUNT(whole); i++)
            assert_true(fabs(part[i] - whole[i]) < 1e-8);
    }
    edit_bench_close(&b);
}

static void every_norm_has_its_parts(void **state)
{
    static const clh_normalization norms[] = {CLH_NORM_NONE, CLH_NORM_LNPRE, CLH_NORM_RMS,
                                              CLH_NORM_RMSPRE};
    (void)state;
    for (size_t n = 0; n < CLH_COUNT(norms); n++) {
        edit_bench b;
        edit_bench_open(&b, norms[n]);
        const clh_tensor W = clh_model_view(b.model, "pos_embed.W_pos");
        memset(W.data, 0, clh_tensor_count(&W) * sizeof *W.data);
        const clh_edit edit = part_of("blocks.0.attn.hook_[qkv]", CLH_PART_TOKEN);
        assert_true(edit_same(&b, NULL, 1, &edit, 1));
        edit_bench_close(&b);
    }
}

static void threads_change_no_bit(void **state)
{
    const clh_edit edit = part_of("blocks.*.attn.hook_[qkv]", CLH_PART_POSITION);
    assert_true(edit_same(*state, &edit, 1, &edit, 3));
}

static void only_queries_keys_and_values_have_parts(void **state)
{
    clh_error err = {0};
    const clh_edit edit = part_of("blocks.0.attn.hook_z", CLH_PART_TOKEN);
    assert_int_equal(edit_refused(*state, &edit, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "[1, 8, n_heads, d_head]"));
    assert_non_null(strstr(err.message, "blocks.0.attn.hook_z is [1, 8, 2, 8]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_0_is_the_trial_of_a_whole_run),
        cmocka_unit_test(a_position_knows_no_token),
        cmocka_unit_test(a_token_knows_no_position),
        cmocka_unit_test(with_the_norm_frozen_and_no_rest_the_parts_add_up),
        cmocka_unit_test(a_part_that_is_the_whole_changes_no_bit),
        cmocka_unit_test(the_mean_of_what_is_left_out_stands_in_for_it),
        cmocka_unit_test(every_norm_has_its_parts),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(only_queries_keys_and_values_have_parts),
    };
    return cmocka_run_group_tests_name("edits_part", tests, edit_bench_setup, edit_bench_teardown);
}
