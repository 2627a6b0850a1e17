/* Edits that take numbers from elsewhere: another sequence, a tensor, another model, a reference.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/platform/file.h"
#include "support/edit_bench.h"
#include "support/failing_alloc.h"
#include "support/must.h"
#include "support/temp_folder.h"

/* ---- Patches ------------------------------------------------------------------------------------
 */

static void patching_a_sequence_into_itself_changes_no_bit(void **state)
{
    edit_bench *b = *state;
    clh_edit edit = edit_of(CLH_EDIT_PATCH, "*hook_*");
    edit.from = clh_sample_tokens(&b->sample, 0);
    b->sample.count = 1;
    assert_true(edit_same(b, NULL, 1, &edit, 1));
    b->sample.count = EDIT_BENCH_COUNT;
    assert_false(edit_same(b, NULL, 1, &edit, 1));
}

static void patching_what_all_follows_from_makes_it_the_other_sequence(void **state)
{
    edit_bench *b = *state;
    clh_edit edit = edit_of(CLH_EDIT_PATCH, "blocks.0.hook_resid_pre");
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "hook_embed");
    edit.from = clh_sample_tokens(&b->sample, 5);
    clh_tensor logits = edit_look(b, &nothing, 5, "logits");
    clh_real *kept = edit_copy(&logits);
    logits = edit_look(b, &edit, 0, "logits");
    assert_memory_equal(kept, logits.data, clh_tensor_count(&logits) * sizeof *kept);
    clh_free(kept);
}

static void a_sequence_of_another_length_names_both_shapes(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    clh_edit edit = edit_of(CLH_EDIT_PATCH, "blocks.0.attn.hook_pattern");
    edit.from = clh_sample_tokens(&b->sample, 5);
    edit.from.pos = 3;
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "is [1, 2, 3, 3], of sequence 0 it is [1, 2, 8, 8]"));
}

/* ---- Tensors ------------------------------------------------------------------------------------
 */

static void setting_what_is_there_changes_no_bit(void **state)
{
    static const char *const names[] = {"blocks.1.attn.hook_pattern", "blocks.0.attn.hook_q",
                                        "blocks.1.hook_resid_pre", "blocks.0.attn.hook_attn_scores",
                                        "ln_final.hook_scale"};
    edit_bench *b = *state;
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "hook_embed");
    b->sample.count = 1;
    for (size_t n = 0; n < CLH_COUNT(names); n++) {
        clh_edit edit = edit_of(CLH_EDIT_SET, names[n]);
        edit.tensor = edit_look(b, &nothing, 0, names[n]);
        clh_real *kept = edit_copy(&edit.tensor);
        edit.tensor.data = kept;
        assert_true(edit_same(b, NULL, 1, &edit, 1));
        edit.kind = CLH_EDIT_ADD;
        assert_false(edit_same(b, NULL, 1, &edit, 1));
        clh_free(kept);
    }
    b->sample.count = EDIT_BENCH_COUNT;
}

/* q [1, 8, 2, 8] takes [2, 1] as each head's number, pattern [1, 2, 8, 8] takes [8] as each row. */
static void a_tensor_spreads_as_numpy_does(void **state)
{
    edit_bench *b = *state;
    clh_real heads[] = {3, 7}, row[8] = {1, 0, 0, 0, 0, 0, 0, 0};
    clh_edit edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_q");
    edit.tensor = (clh_tensor){.data = heads, .rank = 2, .shape = {2, 1}};
    const clh_tensor q = edit_look(b, &edit, 1, "blocks.0.attn.hook_q");
    for (size_t i = 0; i < clh_tensor_count(&q); i++)
        assert_true(q.data[i] == heads[i / 8 % 2]);
    edit = edit_of(CLH_EDIT_SET, "blocks.1.attn.hook_pattern");
    edit.tensor = (clh_tensor){.data = row, .rank = 1, .shape = {8}};
    const clh_tensor p = edit_look(b, &edit, 1, "blocks.1.attn.hook_pattern");
    for (size_t i = 0; i < clh_tensor_count(&p); i++)
        assert_true(p.data[i] == row[i % 8]);
}

/* The mask is on the scores as they are computed; what is written afterwards stands. */
static void what_is_set_behind_the_mask_counts(void **state)
{
    edit_bench *b = *state;
    clh_real row[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    clh_edit edit = edit_of(CLH_EDIT_SET, "blocks.1.attn.hook_pattern");
    edit.tensor = (clh_tensor){.data = row, .rank = 1, .shape = {8}};
    const clh_tensor z = edit_look(b, &edit, 1, "blocks.1.attn.hook_z");
    const clh_tensor v = clh_cache_view(b->cache, "blocks.1.attn.hook_v");
    const size_t width = z.shape[2] * z.shape[3];
    for (size_t i = 0; i < z.shape[1]; i++)
        assert_memory_equal(z.data + i * width, v.data + 7 * width, width * sizeof *z.data);
    edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_attn_scores"); /* to 0 */
    const clh_tensor p = edit_look(b, &edit, 1, "blocks.0.attn.hook_pattern");
    for (size_t i = 0; i < clh_tensor_count(&p); i++)
        assert_true(p.data[i] == (clh_real)0.125);
}

static void a_tensor_that_does_not_fit_names_both_shapes(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    clh_real numbers[12] = {0};
    clh_edit edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_pattern");
    edit.tensor = (clh_tensor){.data = numbers, .rank = 2, .shape = {3, 4}, .name = "mine"};
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "mine is [3, 4], blocks.0.attn.hook_pattern of sequence 0 "
                                        "is [1, 2, 8, 8]"));
}

static void a_tensor_that_is_not_finite_is_named(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    clh_real numbers[8] = {0, 0, 0, 0, 0, (clh_real)NAN, 0, 0};
    clh_edit edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_q");
    edit.tensor = (clh_tensor){.data = numbers, .rank = 2, .shape = {1, 8}, .name = "mine"};
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "mine holds nan at [0, 5]"));
    numbers[5] = -(clh_real)INFINITY; /* only scores may be that */
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ENUMERIC);
    edit = edit_of(CLH_EDIT_SET, "blocks.0.attn.hook_attn_scores");
    edit.tensor = (clh_tensor){.data = numbers, .rank = 1, .shape = {8}};
    const clh_tensor p = edit_look(b, &edit, 0, "blocks.0.attn.hook_pattern");
    assert_true(p.data[5] == 0);
}

/* Wherever the number came from: the mean is taken before anything is measured. */
static void a_mean_that_is_not_finite_is_named(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    const clh_tensor W_O = clh_model_view(b->model, "blocks.1.attn.W_O");
    const clh_tensor W_E = clh_model_view(b->model, "embed.W_E");
    const clh_real held = W_O.data[3],
                   first = W_E.data[0]; /* of token 0, which begins a sequence */
    W_O.data[3] = (clh_real)NAN;
    clh_edit edit = edit_of(CLH_EDIT_MEAN, "blocks.1.hook_attn_out");
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ENUMERIC);
    assert_string_equal(err.message,
                        "the mean of blocks.1.hook_attn_out over sequences of 8 tokens is not "
                        "finite");
    edit = edit_of(CLH_EDIT_MEAN, "blocks.1.attn.hook_attn_scores"); /* holds -inf, and may */
    (void)edit_look(b, &edit, 0, "blocks.1.attn.hook_pattern");
    W_O.data[3] = held;
    W_E.data[0] = (clh_real)INFINITY;
    edit = edit_of(CLH_EDIT_PART, "blocks.1.attn.hook_k");
    edit.part = CLH_PART_TOKEN;
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "the mean of blocks."));
    W_E.data[0] = first;
    (void)edit_look(b, &edit, 0, "blocks.1.attn.hook_k");
}

/* ---- Weights ------------------------------------------------------------------------------------
 */

static void other_open(edit_bench *b, clh_model **other)
{
    clh_error err = {0};
    must(clh_model_open(other, clh_model_get_config(b->model), &err), &err);
    clh_model_init(*other, 99);
    size_t count = 0;
    clh_real *data = clh_model_data(*other, &count);
    for (size_t i = 0; i < count; i++) /* biases and norms too */
        data[i] += (clh_real)0.01 * (clh_real)(i % 7);
}

static void weights_of_the_model_itself_change_no_bit(void **state)
{
    edit_bench *b = *state;
    for (int c = 0; c < CLH_EDIT_CIRCUITS; c++) {
        clh_edit edit = edit_of(CLH_EDIT_WEIGHTS, "");
        edit.circuit = (clh_edit_circuit)c;
        edit.other = b->model;
        if (c != CLH_EDIT_MLP) /* there is none */
            assert_true(edit_same(b, NULL, 1, &edit, 1));
    }
}

static void all_circuits_of_another_model_are_that_model(void **state)
{
    static const clh_edit_circuit parts[] = {CLH_EDIT_QK,        CLH_EDIT_OV,      CLH_EDIT_EMBED,
                                             CLH_EDIT_POS_EMBED, CLH_EDIT_UNEMBED, CLH_EDIT_LN};
    edit_bench *b = *state;
    clh_error err = {0};
    clh_model *other = NULL;
    clh_edit edits[CLH_COUNT(parts)];
    other_open(b, &other);
    for (size_t i = 0; i < CLH_COUNT(parts); i++) {
        edits[i] = edit_of(CLH_EDIT_WEIGHTS, "");
        edits[i].circuit = parts[i];
        edits[i].other = other;
    }
    clh_tensor logits = edit_look_all(b, edits, CLH_COUNT(parts), 1, "logits");
    clh_real *kept = edit_copy(&logits);
    const clh_tokens tokens = clh_sample_tokens(&b->sample, 1);
    must(clh_forward(other, &tokens, b->cache, NULL, &err), &err);
    logits = clh_cache_view(b->cache, "logits");
    assert_memory_equal(kept, logits.data, clh_tensor_count(&logits) * sizeof *kept);
    clh_free(kept);
    clh_model_close(other);
}

static void heads_and_names_limit_what_is_swapped(void **state)
{
    edit_bench *b = *state;
    clh_model *other = NULL;
    other_open(b, &other);
    clh_edit one = edit_of(CLH_EDIT_WEIGHTS, "blocks.1.*"), all = edit_of(CLH_EDIT_WEIGHTS, "");
    one.other = all.other = other;
    static const long heads[] = {1, 0};
    one.heads = heads;
    one.head_count = 1;
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "hook_embed");
    clh_tensor p = edit_look(b, &nothing, 1, "blocks.1.attn.hook_pattern");
    clh_real *plain = edit_copy(&p);
    p = edit_look(b, &one, 1, "blocks.1.attn.hook_pattern");
    const size_t half = clh_tensor_count(&p) / 2;
    assert_memory_equal(plain, p.data, half * sizeof *plain);
    assert_memory_not_equal(plain + half, p.data + half, half * sizeof *plain);
    one.head_count = 2;
    one.site = "*";
    assert_true(edit_same(b, &one, 1, &all, 1));
    clh_free(plain);
    clh_model_close(other);
}

static void weights_that_do_not_fit_name_both_shapes(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    clh_model *other = NULL;
    clh_model_config config = *clh_model_get_config(b->model);
    config.d_head = 4;
    must(clh_model_open(&other, &config, &err), &err);
    clh_edit edit = edit_of(CLH_EDIT_WEIGHTS, "");
    edit.other = other;
    assert_int_equal(edit_refused(b, &edit, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "blocks.0.attn.W_Q is [2, 16, 8], in the other model "
                                        "[2, 16, 4]"));
    edit.circuit = CLH_EDIT_MLP;
    assert_int_equal(edit_refused(b, &edit, &err), CLH_EINPUT);
    clh_model_close(other);
}

/* ---- The reference, sources ---------------------------------------------------------------------
 */

static void measure_with(edit_bench *b, const clh_edit *edit, const clh_sample *reference,
                         clh_measure *out)
{
    clh_error err = {0};
    clh_edits *edits = NULL;
    const clh_edits_setting setting = {.model = b->model,
                                       .sample = &b->sample,
                                       .reference = reference,
                                       .seed = EDIT_BENCH_SEED,
                                       .threads = 1};
    const clh_edit_list list = {.edit = edit, .count = 1};
    must(clh_edits_open(&edits, &list, 1, &setting, &err), &err);
    edit_run(out, edits, 1);
    clh_edits_close(edits);
}

static void statistics_come_from_the_reference(void **state)
{
    static const clh_edit_kind kinds[] = {CLH_EDIT_MEAN, CLH_EDIT_RESAMPLE};
    edit_bench *b = *state;
    clh_error err = {0};
    clh_sample others = {0};
    must(clh_sample_draw(&others, b->task, CLH_SPLIT_TEST, EDIT_BENCH_COUNT, 7, &err), &err);
    for (size_t k = 0; k < CLH_COUNT(kinds); k++) {
        const clh_edit edit = edit_of(kinds[k], "blocks.1.attn.hook_z");
        clh_measure own = {0}, same = {0}, other = {0};
        measure_with(b, &edit, NULL, &own);
        measure_with(b, &edit, &b->sample, &same);
        measure_with(b, &edit, &others, &other);
        assert_true(own.total.loss == same.total.loss);
        assert_true(own.total.loss != other.total.loss);
        clh_measure_deinit(&other);
        clh_measure_deinit(&same);
        clh_measure_deinit(&own);
    }
    clh_sample_deinit(&others);
}

/* One sequence is its own mean, and all there is to draw. */
static void a_reference_of_one_sequence_is_a_patch_from_it(void **state)
{
    static const clh_edit_kind kinds[] = {CLH_EDIT_MEAN, CLH_EDIT_RESAMPLE};
    edit_bench *b = *state;
    clh_error err = {0};
    clh_sample one = {0};
    must(clh_sample_draw(&one, b->task, CLH_SPLIT_TEST, EDIT_BENCH_COUNT, 1, &err), &err);
    clh_edit patch = edit_of(CLH_EDIT_PATCH, "blocks.1.attn.hook_z");
    patch.from = clh_sample_tokens(&one, 0);
    clh_measure patched = {0};
    edit_measure(b, &patch, 1, &patched);
    for (size_t k = 0; k < CLH_COUNT(kinds); k++) {
        const clh_edit edit = edit_of(kinds[k], "blocks.1.attn.hook_z");
        clh_measure measure = {0};
        measure_with(b, &edit, &one, &measure);
        assert_true(measure.total.loss == patched.total.loss);
        clh_measure_deinit(&measure);
    }
    clh_measure_deinit(&patched);
    clh_sample_deinit(&one);
}

static void a_mean_is_the_mean(void **state)
{
    edit_bench *b = *state;
    const clh_edit mean = edit_of(CLH_EDIT_MEAN, "blocks.1.attn.hook_z");
    const clh_edit nothing = edit_of(CLH_EDIT_ADD, "hook_embed");
    clh_tensor z = edit_look(b, &mean, 0, "blocks.1.attn.hook_z");
    const size_t count = clh_tensor_count(&z);
    clh_real *kept = edit_copy(&z);
    double *sum = clh_alloc_zeroed(count, sizeof *sum, NULL);
    assert(sum);
    for (size_t s = 0; s < b->sample.count; s++) {
        z = edit_look(b, &nothing, s, "blocks.1.attn.hook_z");
        for (size_t i = 0; i < count; i++)
            sum[i] += (double)z.data[i];
    }
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)kept[i] - sum[i] / (double)b->sample.count) < 1e-7);
    clh_free(sum);
    clh_free(kept);
}

static void a_reference_without_the_length_is_refused(void **state)
{
    edit_bench *b = *state;
    clh_error err = {0};
    clh_sample others = {0};
    clh_edits *edits = NULL;
    const clh_edit edit = edit_of(CLH_EDIT_RESAMPLE, "blocks.1.attn.hook_z");
    must(clh_sample_draw(&others, b->task, CLH_SPLIT_TEST, EDIT_BENCH_COUNT, 2, &err), &err);
    others.length[0] = others.length[1] = 5;
    const clh_edits_setting setting = {
        .model = b->model, .sample = &b->sample, .reference = &others, .threads = 1};
    const clh_edit_list list = {.edit = &edit, .count = 1};
    assert_int_equal(clh_edits_open(&edits, &list, 1, &setting, &err), CLH_EINPUT);
    assert_non_null(strstr(err.message, "has 8 tokens, of that length the reference has none"));
    clh_sample_deinit(&others);
}

static void listed_sources_are_left_out_or_alone(void **state)
{
    edit_bench *b = *state;
    clh_edit edit = edit_of(CLH_EDIT_WITHOUT, "");
    edit.sources = CLH_SOURCES_POSITIONS;
    static const long keys[] = {2, -2}; /* 6 of 8 */
    edit.keys = keys;
    edit.key_count = 2;
    for (int only = 0; only < 2; only++) {
        edit.kind = only ? CLH_EDIT_ONLY : CLH_EDIT_WITHOUT;
        const clh_tensor p = edit_look(b, &edit, 2, "blocks.0.attn.hook_pattern");
        for (size_t i = 0; i < p.shape[2]; i++) {
            double listed = 0, rest = 0;
            for (size_t j = 0; j < p.shape[3]; j++)
                *(j == 2 || j == 6 ? &listed : &rest) +=
                    (double)p.data[clh_tensor_at(&p, 0, 1, i, j)];
            assert_true((only ? rest : listed) == 0);
            if (!only || i >= 2)
                assert_true(fabs(listed + rest - 1) < 1e-6);
        }
    }
}

/* ---- Memory -------------------------------------------------------------------------------------
 */

/* One of every kind that takes numbers from elsewhere, compiled and used. */
static clh_status compile_and_run(void *context)
{
    edit_bench *b = context;
    clh_real one = 1;
    clh_edit list[] = {edit_of(CLH_EDIT_WEIGHTS, ""),
                       edit_of(CLH_EDIT_PART, "blocks.1.attn.hook_q"),
                       edit_of(CLH_EDIT_MEAN, "blocks.0.attn.hook_z"),
                       edit_of(CLH_EDIT_RESAMPLE, "blocks.1.attn.hook_z"),
                       edit_of(CLH_EDIT_PATCH, "blocks.1.attn.hook_v"),
                       edit_of(CLH_EDIT_SET, "ln_final.hook_scale")};
    list[0].other = b->model;
    list[4].from = clh_sample_tokens(&b->sample, 1);
    list[5].tensor = (clh_tensor){.data = &one};
    clh_error err = {0};
    clh_edits *edits = NULL;
    clh_edited edited = {0};
    clh_status status = edit_open(&edits, list, CLH_COUNT(list), b->model, &b->sample, 0, &err);
    if (!status)
        status = clh_edits_run(&edited, edits, NULL, NULL, &err);
    clh_edited_deinit(&edited);
    clh_edits_close(edits);
    return status;
}

static void no_memory_is_lost_compiling(void **state)
{
    assert_true(failing_alloc_each(compile_and_run, *state) > 20);
}

static clh_status open_and_close(void *path)
{
    clh_error err = {0};
    clh_edit_file *file = NULL;
    const clh_status status = clh_edit_file_open(&file, path, NULL, &err);
    size_t count = 0;
    if (!status) {
        const clh_edit *edit = clh_edit_file_edits(file, &count);
        assert_int_equal(count, 2);
        assert_int_equal(edit[1].from.pos, 3);
        assert_int_equal(edit[0].tensor.shape[0], clh_tensor_count(&edit[0].tensor));
        assert_int_equal(clh_edit_file_reference(file), 40);
    }
    clh_edit_file_close(file);
    return status;
}

static void no_memory_is_lost_reading(void **state)
{
    char path[TEMP_PATH_MAX];
    clh_error err = {0};
    must(clh_file_write_text(
             temp_folder_path(*state, "edits.json", path),
             "{\"format\": \"clearhead-edits-1\", \"reference\": 40, \"edits\": ["
             "{\"kind\": \"add\", \"site\": \"blocks.0.hook_resid_pre\", \"tensor\": \"vector\", "
             "\"file\": \"" CLH_GOLDEN_DIR "/edits/notebook_n3.safetensors\"}, "
             "{\"kind\": \"patch\", \"site\": \"*.hook_z\", \"from\": {\"tokens\": [0, 1, 3]}}]}",
             &err),
         &err);
    assert_true(failing_alloc_each(open_and_close, path) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patching_a_sequence_into_itself_changes_no_bit),
        cmocka_unit_test(patching_what_all_follows_from_makes_it_the_other_sequence),
        cmocka_unit_test(a_sequence_of_another_length_names_both_shapes),
        cmocka_unit_test(setting_what_is_there_changes_no_bit),
        cmocka_unit_test(a_tensor_spreads_as_numpy_does),
        cmocka_unit_test(what_is_set_behind_the_mask_counts),
        cmocka_unit_test(a_tensor_that_does_not_fit_names_both_shapes),
        cmocka_unit_test(a_tensor_that_is_not_finite_is_named),
        cmocka_unit_test(a_mean_that_is_not_finite_is_named),
        cmocka_unit_test(weights_of_the_model_itself_change_no_bit),
        cmocka_unit_test(all_circuits_of_another_model_are_that_model),
        cmocka_unit_test(heads_and_names_limit_what_is_swapped),
        cmocka_unit_test(weights_that_do_not_fit_name_both_shapes),
        cmocka_unit_test(statistics_come_from_the_reference),
        cmocka_unit_test(a_reference_of_one_sequence_is_a_patch_from_it),
        cmocka_unit_test(a_mean_is_the_mean),
        cmocka_unit_test(a_reference_without_the_length_is_refused),
        cmocka_unit_test(listed_sources_are_left_out_or_alone),
        cmocka_unit_test(no_memory_is_lost_compiling),
        FOLDER_TEST(no_memory_is_lost_reading),
    };
    return cmocka_run_group_tests_name("edits_copied", tests, edit_bench_setup,
                                       edit_bench_teardown);
}
