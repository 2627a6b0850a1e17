/* Edits of a sample whose sequences have different lengths, and of each query's own source. */
#include <math.h>

#include "base/base.h"
#include "support/edit_bench.h"
#include "support/model_case.h"
#include "support/must.h"
#include "support/task_of.h"

static int make(void **state)
{
    static edit_bench b;
    clh_error err = {0};
    b = (edit_bench){0};
    b.task = task_of("n=2,3");
    must(clh_sample_draw(&b.sample, b.task, CLH_SPLIT_TEST, 0, EDIT_BENCH_COUNT, &err), &err);
    clh_model_config config = clh_model_config_default();
    config.n_layers = config.n_heads = 2;
    config.d_model = 16;
    config.d_head = 8;
    config.attn_scale = 8;
    config.initializer_range = 0.8 / sqrt(128);
    config.normalization_type = CLH_NORM_NONE;
    config.n_ctx = clh_task_length_max(b.task);
    config.d_vocab = config.d_vocab_out = clh_task_d_vocab(b.task);
    must(clh_model_open(&b.model, &config, &err), &err);
    clh_model_init(b.model, 3);
    must(clh_cache_open(&b.cache, &config, CLH_KEEP_ALL, &err), &err);
    *state = &b;
    return 0;
}

static int unmake(void **state)
{
    edit_bench_close(*state);
    return 0;
}

static clh_edit nothing(void)
{
    return edit_of(CLH_EDIT_ADD, "blocks.0.attn.hook_z");
}

/* The mean of an activation over the sequences as long as sequence `index`, without any edit. */
static void mean_of_length(edit_bench *b, size_t index, const char *name, double *mean,
                           size_t count)
{
    const clh_edit none = nothing();
    size_t same = 0;
    for (size_t i = 0; i < count; i++)
        mean[i] = 0;
    for (size_t s = 0; s < b->sample.count; s++) {
        if (b->sample.length[s] != b->sample.length[index])
            continue;
        const clh_tensor t = edit_look(b, &none, s, name);
        assert_int_equal(clh_tensor_count(&t), count);
        for (size_t i = 0; i < count; i++)
            mean[i] += (double)t.data[i];
        same++;
    }
    assert_true(same > 1 && same < b->sample.count);
    for (size_t i = 0; i < count; i++)
        mean[i] /= (double)same;
}

static void a_mean_is_that_of_the_sequences_of_its_length(void **state)
{
    static const char *const names[] = {"hook_embed", "blocks.0.attn.hook_q",
                                        "blocks.0.attn.hook_z"};
    edit_bench *b = *state;
    for (size_t s = 0; s < b->sample.count; s++)
        for (size_t n = 0; n < CLH_COUNT(names); n++) {
            double mean[26 * 16];
            const size_t count = b->sample.length[s] * 16;
            mean_of_length(b, s, names[n], mean, count);
            const clh_edit edit[] = {edit_of(CLH_EDIT_MEAN, "blocks.0.attn.hook_[qz]"),
                                     edit_of(CLH_EDIT_MEAN, "hook_embed")};
            const clh_tensor t = edit_look_all(b, edit, 2, s, names[n]);
            for (size_t i = 0; i < count; i++)
                assert_true(fabs((double)t.data[i] - mean[i]) < 1e-7);
        }
}

static bool same_bits(const clh_real *a, const clh_tensor *t)
{
    bool same = true;
    for (size_t i = 0; i < clh_tensor_count(t); i++)
        same = same && a[i] == t->data[i];
    return same;
}

/* A sequence may draw itself. */
static void what_is_resampled_is_a_sequence_of_that_length(void **state)
{
    const clh_edit edit = edit_of(CLH_EDIT_RESAMPLE, "blocks.0.attn.hook_v"), none = nothing();
    edit_bench *b = *state;
    size_t others = 0;
    for (size_t s = 0; s < b->sample.count; s++) {
        clh_tensor t = edit_look(b, &edit, s, "blocks.0.attn.hook_v");
        clh_real *given = edit_copy(&t);
        size_t from = b->sample.count;
        for (size_t i = 0; i < b->sample.count; i++) {
            t = edit_look(b, &none, i, "blocks.0.attn.hook_v");
            if (b->sample.length[i] == b->sample.length[s] && same_bits(given, &t))
                from = i;
        }
        assert_true(from < b->sample.count);
        others += from != s;
        clh_free(given);
    }
    assert_true(others > b->sample.count / 2);
}

/* mean [16]: over all positions of all sequences, of hook_q of layer 1. */
static void mean_query(edit_bench *b, const clh_edit *edit, double *mean)
{
    double rows = 0;
    for (size_t i = 0; i < 16; i++)
        mean[i] = 0;
    for (size_t s = 0; s < b->sample.count; s++) {
        const clh_tensor q = edit_look(b, edit, s, "blocks.1.attn.hook_q");
        for (size_t i = 0; i < clh_tensor_count(&q); i++)
            mean[i % 16] += (double)q.data[i];
        rows += (double)q.shape[1];
    }
    for (size_t i = 0; i < 16; i++)
        mean[i] /= rows;
}

/* Without a norm a query is linear in its input: what stands in for the rest has its mean. */
static void a_rest_is_the_mean_over_every_position(void **state)
{
    edit_bench *b = *state;
    const clh_edit none = nothing();
    double whole[16], part[16];
    mean_query(b, &none, whole);
    for (int p = 0; p < 2; p++) {
        clh_edit edit = edit_of(CLH_EDIT_PART, "blocks.1.attn.hook_q");
        edit.part = (clh_input_part)p;
        mean_query(b, &edit, part);
        for (size_t i = 0; i < 16; i++)
            assert_true(fabs(part[i] - whole[i]) < 1e-8);
    }
}

static void a_query_without_its_own_source_or_with_nothing_else(void **state)
{
    edit_bench *b = *state;
    clh_edit none = nothing(), edit = edit_of(CLH_EDIT_ONLY, "blocks.0.attn.hook_pattern");
    clh_tensor p = edit_look(b, &none, 0, "blocks.0.attn.hook_pattern");
    clh_real *plain = edit_copy(&p);
    const size_t pos = p.shape[2];
    edit.sources = CLH_SOURCES_SELF;
    p = edit_look(b, &edit, 0, "blocks.0.attn.hook_pattern");
    for (size_t at = 0; at < clh_tensor_count(&p); at++)
        assert_true(p.data[at] == (at % pos == at / pos % pos));
    edit.kind = CLH_EDIT_WITHOUT;
    p = edit_look(b, &edit, 0, "blocks.0.attn.hook_pattern");
    for (size_t at = 0; at < clh_tensor_count(&p); at++) {
        const size_t i = at / pos % pos, j = at % pos;
        const double left = 1 - (double)plain[at - j + i];
        const double want = j == i || i == 0 ? 0 : (double)plain[at] / left;
        assert_true(fabs((double)p.data[at] - want) < 1e-6);
    }
    clh_free(plain);
}

/* The last query predicts no token of the sequence, whatever lies behind it in memory. */
static void the_last_query_has_no_answer(void **state)
{
    edit_bench *b = *state;
    clh_edit none = nothing(), edit = edit_of(CLH_EDIT_ONLY, "blocks.0.attn.hook_pattern");
    edit.sources = CLH_SOURCES_ANSWER;
    for (uint32_t behind = 0; behind < 65; behind++)
        for (size_t s = 0; s < 4; s++) {
            const size_t pos = b->sample.length[s];
            if (pos < b->sample.stride)
                b->sample.ids[s * b->sample.stride + pos] = behind;
            const clh_tensor p = edit_look(b, &edit, s, "blocks.0.attn.hook_pattern");
            for (size_t j = 0; j < pos; j++)
                assert_true(p.data[clh_tensor_at(&p, 0, 1, pos - 1, j)] == 0);
        }
    edit.kind = CLH_EDIT_WITHOUT;
    for (size_t s = 0; s < b->sample.count; s++) {
        clh_tensor p = edit_look(b, &none, s, "blocks.0.attn.hook_pattern");
        const size_t pos = p.shape[2], at = clh_tensor_at(&p, 0, 1, pos - 1, 0);
        clh_real *plain = edit_copy(&p);
        p = edit_look(b, &edit, s, "blocks.0.attn.hook_pattern");
        assert_memory_equal(p.data + at, plain + at, pos * sizeof *plain);
        clh_free(plain);
    }
}

static void heads_and_positions_have_to_be_there(void **state)
{
    clh_error err = {0};
    clh_edit edit = edit_of(CLH_EDIT_ZERO, "blocks.0.attn.hook_z");
    static const long heads[] = {1, 2, 1, -3, 0};
    edit.head_count = 2;
    for (size_t i = 0; i + 1 < CLH_COUNT(heads); i++) {
        edit.heads = heads + i;
        assert_int_equal(edit_refused(*state, &edit, &err), CLH_ERANGE);
    }
    static const long past[] = {8, -9}, zero[] = {0}; /* two letters make sequences of 8 tokens */
    edit = edit_of(CLH_EDIT_ONLY, "");
    edit.sources = CLH_SOURCES_POSITIONS;
    for (size_t i = 0; i < 2; i++) {
        edit.key_count = edit.position_count = 1;
        edit.keys = &past[i];
        edit.positions = zero;
        assert_int_equal(edit_refused(*state, &edit, &err), CLH_ERANGE);
        edit.keys = zero;
        edit.positions = &past[i];
        assert_int_equal(edit_refused(*state, &edit, &err), CLH_ERANGE);
    }
}

/* A reference of the shorter sequences alone has no mean for the longer ones; 0 needs none. */
static void numbers_from_elsewhere_need_sequences_of_the_length(void **state)
{
    static const struct {
        clh_edit_kind kind;
        clh_status status;
    } rows[] = {
        {CLH_EDIT_MEAN, CLH_EINPUT}, {CLH_EDIT_RESAMPLE, CLH_EINPUT}, {CLH_EDIT_ZERO, CLH_OK}};
    edit_bench *b = *state;
    size_t length = 8, first = 4, shorter = 0;
    while (b->sample.length[shorter] != length)
        shorter++;
    clh_sample one = b->sample;
    one.count = 1;
    one.ids = b->sample.ids + shorter * b->sample.stride;
    one.length = &length;
    one.first_scored = &first;
    for (size_t i = 0; i < CLH_COUNT(rows); i++) {
        clh_error err = {0};
        clh_edits *edits = NULL;
        const clh_edit edit = edit_of(rows[i].kind, "blocks.1.attn.hook_z");
        const clh_edits_setting setting = {
            .model = b->model, .sample = &b->sample, .reference = &one, .threads = 1};
        const clh_edit_list list = {.edit = &edit, .count = 1};
        assert_int_equal(clh_edits_open(&edits, &list, 1, &setting, &err), rows[i].status);
        clh_edits_close(edits);
    }
}

/* Of two activations of one name a hook cannot say which numbers it wants; 0 is 0 in both. */
static void what_occurs_twice_is_not_copied(void **state)
{
    static const struct {
        clh_edit_kind kind;
        clh_status status;
    } rows[] = {
        {CLH_EDIT_MEAN, CLH_ESUPPORT}, {CLH_EDIT_RESAMPLE, CLH_ESUPPORT}, {CLH_EDIT_ZERO, CLH_OK}};
    (void)state;
    size_t repeats = 0;
    for (size_t m = 0; m < model_case_count(); m++) {
        const model_case *row = model_case_at(m);
        clh_error err = {0};
        clh_model *model = model_case_open(m, 3);
        uint32_t *ids = model_case_tokens(m, 3);
        clh_cache *cache = NULL;
        clh_sample sample = {0};
        must(
            clh_sample_given(&sample, &(clh_tokens){ids, row->batch, row->pos}, row->pos > 1, &err),
            &err);
        must(clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_ALL, &err), &err);
        for (size_t a = 0; a < clh_cache_count(cache); a++)
            for (size_t i = 0; i < CLH_COUNT(rows) && clh_cache_repeats(cache, a); i++) {
                clh_edits *edits = NULL;
                const clh_edit edit =
                    edit_of(rows[i].kind, clh_cache_describe(cache, a, 1, row->pos).name);
                assert_int_equal(edit_open(&edits, &edit, 1, model, &sample, 0, &err),
                                 rows[i].status);
                clh_edits_close(edits);
                repeats++;
            }
        clh_cache_close(cache);
        clh_sample_deinit(&sample);
        clh_free(ids);
        clh_model_close(model);
    }
    assert_true(repeats > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_is_that_of_the_sequences_of_its_length),
        cmocka_unit_test(what_is_resampled_is_a_sequence_of_that_length),
        cmocka_unit_test(a_rest_is_the_mean_over_every_position),
        cmocka_unit_test(a_query_without_its_own_source_or_with_nothing_else),
        cmocka_unit_test(the_last_query_has_no_answer),
        cmocka_unit_test(heads_and_positions_have_to_be_there),
        cmocka_unit_test(numbers_from_elsewhere_need_sequences_of_the_length),
        cmocka_unit_test(what_occurs_twice_is_not_copied),
    };
    return cmocka_run_group_tests_name("edits_mixed", tests, make, unmake);
}
