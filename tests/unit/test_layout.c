/* The table of layout.def: that its columns agree with each other and with TransformerLens' names.
 * What it says of numbers, tests/golden/test_layout_golden.c holds against TransformerLens. */
#include <fnmatch.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/config.h"
#include "model/memory/tensors.h"
#include "support/cmocka_all.h"
#include "support/must.h"

static const clh_row *param(size_t id)
{
    return &clh_layout_params.row[id];
}

static const clh_row *act(size_t id)
{
    return &clh_layout_acts.row[id];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

/* A config under which every row exists. */
static clh_model_config everything(void)
{
    clh_model_config c = clh_model_config_default();
    c.n_layers = 2;
    c.n_heads = 3;
    c.d_model = 8;
    c.d_head = 4;
    c.d_mlp = 5;
    c.n_ctx = 7;
    c.d_vocab = 11;
    c.d_vocab_out = 10;
    c.attn_only = false;
    c.act_fn = CLH_ACT_SOLU_LN;
    c.normalization_type = CLH_NORM_LN;
    c.use_attn_result = c.use_attn_in = c.use_split_qkv_input = true;
    c.use_hook_mlp_in = c.use_hook_tokens = true;
    return c;
}

static void rows_stand_before_in_and_behind_the_blocks(void **state)
{
    (void)state;
    const clh_layout *const layouts[] = {&clh_layout_params, &clh_layout_acts};
    for (size_t l = 0; l < CLH_COUNT(layouts); l++)
        for (size_t id = 0; id < layouts[l]->count; id++)
            assert_int_equal(layouts[l]->row[id].scope, id < layouts[l]->block_begin ? SCOPE_BEFORE
                                                        : id < layouts[l]->block_end ? SCOPE_BLOCK
                                                                                     : SCOPE_AFTER);
}

/* "attn.b_Q" beside "attn.W_Q": TransformerLens' names. */
static void a_matrix_and_its_bias_belong_together(void **state)
{
    (void)state;
    const clh_model_config c = everything();
    size_t biases = 0, named_so = 0;
    for (size_t id = 0; id < CLH_P_COUNT; id++) {
        const clh_row *matrix = param(id), *bias = matrix->bias;
        named_so += strncmp(last_part(matrix->name), "b_", 2) == 0;
        if (!bias)
            continue;
        const clh_tensor W = clh_row_shape(matrix, &c, 0, 0), b = clh_row_shape(bias, &c, 0, 0);
        biases++;
        assert_string_equal(last_part(matrix->name) + 1, last_part(bias->name) + 1);
        assert_int_equal(last_part(matrix->name) - matrix->name,
                         last_part(bias->name) - bias->name);
        assert_int_equal(last_part(matrix->name)[0], 'W');
        assert_int_equal(bias->group, matrix->group);
        assert_int_equal(bias->when, matrix->when);
        assert_int_equal(bias->adds_to, matrix->adds_to);
        assert_int_equal(W.shape[W.rank - 1], b.shape[b.rank - 1]);
    }
    assert_int_equal(biases, named_so);
}

static void weights_are_drawn_and_the_rest_is_not(void **state)
{
    (void)state;
    for (size_t id = 0; id < CLH_P_COUNT; id++) {
        const char first = last_part(param(id)->name)[0];
        assert_int_equal(param(id)->start, first == 'W'   ? START_NORMAL
                                           : first == 'w' ? START_ONES
                                                          : START_ZEROS);
    }
}

/* What adds to the stream is what the terms are made by, and the biases beside it. */
static void what_adds_to_a_sum_makes_a_term_of_it(void **state)
{
    (void)state;
    for (size_t id = 0; id < CLH_P_COUNT; id++) {
        bool term = false, logits = false;
        for (size_t a = 0; a < CLH_A_COUNT; a++) {
            const clh_row *map = act(a)->map;
            const bool made = map && (map == param(id) || map->bias == param(id));
            term = term || (made && act(a)->stream == STREAM_TERM);
            logits = logits || (made && a == CLH_A_LOGITS);
        }
        assert_int_equal(param(id)->adds_to, term     ? ADDS_TO_STREAM
                                             : logits ? ADDS_TO_LOGITS
                                                      : ADDS_TO_NONE);
    }
}

static void heads_apart_are_followed_by_their_sum(void **state)
{
    (void)state;
    size_t apart = 0;
    for (size_t a = 0; a < CLH_A_COUNT; a++) {
        if (act(a)->stream != STREAM_APART)
            continue;
        apart++;
        assert_int_equal(act(a + 1)->stream, STREAM_TERM);
        assert_ptr_equal(act(a + 1)->map, act(a)->map);
        assert_ptr_equal(act(a + 1)->from, act(a)->from);
    }
    assert_int_equal(apart, 1);
}

/* What a matrix reads of the stream is the stream or an input of the matrix's own. */
static void inputs_are_what_matrices_read(void **state)
{
    (void)state;
    for (size_t id = 0; id < CLH_A_COUNT; id++) {
        bool read = false;
        for (size_t a = 0; a < CLH_A_COUNT; a++)
            read = read || (act(a)->from == act(id) && act(a)->map->behind &&
                            act(a)->map->behind != &clh_norm_rows[CLH_NORM_AT_SOLU]);
        assert_int_equal(read && act(id)->stream != STREAM_SELF, act(id)->stream == STREAM_INPUT);
    }
}

static void a_norm_has_one_name(void **state)
{
    (void)state;
    for (size_t n = 0; n < CLH_NORM_PLACES; n++) {
        const clh_norm_row *norm = &clh_norm_rows[n];
        const char *const names[] = {act(norm->scale)->name, act(norm->normalized)->name,
                                     param(norm->w)->name, param(norm->b)->name};
        const char *const last[] = {"hook_scale", "hook_normalized", "w", "b"};
        for (size_t i = 0; i < CLH_COUNT(names); i++) {
            assert_string_equal(last_part(names[i]), last[i]);
            assert_int_equal(last_part(names[i]) - names[i], last_part(names[0]) - names[0]);
            assert_memory_equal(names[i], names[0], (size_t)(last_part(names[0]) - names[0]));
        }
    }
}

static void groups_are_the_parameters_of_those_names(void **state)
{
    static const struct {
        clh_group group;
        const char *names[3];
        size_t count;
    } groups[] = {{GROUP_Q, {"attn.[Wb]_Q"}, 2},
                  {GROUP_K, {"attn.[Wb]_K"}, 2},
                  {GROUP_V, {"attn.[Wb]_V"}, 2},
                  {GROUP_O, {"attn.[Wb]_O"}, 2},
                  {GROUP_MLP, {"mlp.[Wb]_in", "mlp.[Wb]_out", "mlp.W_gate"}, 5},
                  {GROUP_EMBED, {"embed.*"}, 1},
                  {GROUP_POS_EMBED, {"pos_embed.*"}, 1},
                  {GROUP_UNEMBED, {"unembed.*"}, 2},
                  {GROUP_LN, {"ln[12].[wb]", "mlp.ln.[wb]", "ln_final.[wb]"}, 8}};
    size_t all = 0;
    (void)state;
    for (size_t g = 0; g < CLH_COUNT(groups); g++) {
        size_t count = 0;
        for (size_t id = 0; id < CLH_P_COUNT; id++) {
            bool named = false;
            for (size_t i = 0; i < 3 && groups[g].names[i]; i++)
                named = named || fnmatch(groups[g].names[i], param(id)->name, 0) == 0;
            assert_int_equal(named, param(id)->group == groups[g].group);
            count += named;
        }
        assert_int_equal(count, groups[g].count);
        all += count;
    }
    assert_int_equal(all, CLH_P_COUNT);
}

/* TransformerLens' patching.py: get_act_patch_resid_pre, _attn_out, _mlp_out, _attn_head_out (z), _q,
 * _k, _v, _pattern. */
static void sites_are_what_transformer_lens_patches(void **state)
{
    static const char *const names[] = {"resid_pre", "q", "k",        "v",
                                        "pattern",   "z", "attn_out", "mlp_out"};
    size_t found = 0;
    (void)state;
    for (size_t id = 0; id < CLH_A_COUNT; id++)
        if (act(id)->site) {
            assert_true(found < CLH_COUNT(names));
            assert_string_equal(clh_row_short(act(id)), names[found++]);
        }
    assert_int_equal(found, CLH_COUNT(names));
}

static void queries_keys_and_values_are_what_heads_make_of_the_stream(void **state)
{
    (void)state;
    assert_ptr_equal(clh_row_head_input('q'), act(CLH_A_Q));
    assert_ptr_equal(clh_row_head_input('k'), act(CLH_A_K));
    assert_ptr_equal(clh_row_head_input('v'), act(CLH_A_V));
    assert_null(clh_row_head_input('z'));
    assert_false(clh_row_is_head_input(act(CLH_A_MLP_PRE)));
    assert_false(clh_row_is_head_input(act(CLH_A_EMBED)));
}

static void a_setting_turns_its_rows_on(void **state)
{
    const clh_model_config on = everything();
    size_t waiting = 0;
    (void)state;
    for (size_t id = 0; id < CLH_A_COUNT; id++) {
        clh_model_config c = on;
        const char *name = "";
        bool *setting = clh_when_switch(act(id)->when, &c, &name);
        if (!setting) {
            assert_null(name);
            continue;
        }
        waiting++;
        assert_int_equal(strncmp(name, "use_", 4), 0);
        assert_true(*setting && clh_row_exists(act(id), &c));
        *setting = false;
        assert_false(clh_row_exists(act(id), &c));
    }
    assert_int_equal(waiting, 7); /* tokens, attn_in, q, k and v inputs, result, mlp_in */
}

/* ---- Names -------------------------------------------------------------------------------------
 */

static void a_full_name_finds_its_row(void **state)
{
    const clh_model_config config = everything();
    clh_cache *cache = NULL;
    clh_error err = {0};
    char name[CLH_ROW_NAME_MAX];
    (void)state;
    must(clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err), &err);
    for (size_t i = 0; i < clh_cache_count(cache); i++) {
        const clh_row_place at = clh_cache_place(cache, i);
        const char *own = clh_cache_describe(cache, i, 1, 1).name;
        assert_string_equal(clh_row_name(at.row, at.layer, name), own);
        assert_int_equal(clh_row_named(&clh_layout_acts, own) == at.row,
                         !clh_cache_repeats(cache, i));
        assert_int_equal(clh_cache_index(cache, (clh_act_id)at.id, at.layer), i);
    }
    clh_cache_close(cache);
    static const char *const none[] = {"",       "blocks.0.",           "attn.hook_q", "hook_q",
                                       "blocks", "blocks.0.hook_embed", "nothing"};
    for (size_t i = 0; i < CLH_COUNT(none); i++)
        assert_null(clh_row_named(&clh_layout_acts, none[i]));
    assert_string_equal(clh_row_name(act(CLH_A_PATTERN), SIZE_MAX, name),
                        "blocks.*.attn.hook_pattern");
    assert_string_equal(clh_row_name(act(CLH_A_EMBED), SIZE_MAX, name), "hook_embed");
}

static void a_short_name_is_the_last_part_without_hook(void **state)
{
    (void)state;
    assert_string_equal(clh_row_short(act(CLH_A_Q)), "q");
    assert_string_equal(clh_row_short(act(CLH_A_RESID_PRE)), "resid_pre");
    assert_string_equal(clh_row_short(act(CLH_A_LN1_SCALE)), "scale");
    assert_string_equal(clh_row_short(act(CLH_A_LOGITS)), "logits");
    assert_string_equal(clh_row_short(param(CLH_P_W_OUT)), "W_out");
}

static void axes_have_names(void **state)
{
    clh_model_config config = everything();
    config.use_attn_in = config.use_split_qkv_input =
        false; /* the norm is of the stream, not of heads */
    clh_cache *cache = NULL;
    clh_model *model = NULL;
    clh_error err = {0};
    (void)state;
    must(clh_cache_open(&cache, &config, CLH_KEEP_ALL, &err), &err);
    must(clh_model_open(&model, &config, &err), &err);
    static const char *const scores[] = {"batch", "head", "query_pos", "key_pos", ""};
    static const char *const scale[] = {"batch", "pos", "one", "", ""};
    static const char *const keys[] = {"head", "d_model", "d_head", "", ""};
    size_t W_K = 0;
    while (clh_model_place(model, W_K).id != CLH_P_W_K)
        W_K++;
    for (size_t axis = 0; axis < 5; axis++) {
        const size_t pattern = clh_cache_index(cache, CLH_A_PATTERN, 1);
        assert_string_equal(clh_cache_axis(cache, pattern, axis), scores[axis]);
        const size_t ln1 = clh_cache_index(cache, CLH_A_LN1_SCALE, 0);
        assert_string_equal(clh_cache_axis(cache, ln1, axis), scale[axis]);
        assert_string_equal(clh_model_axis(model, W_K, axis), keys[axis]);
    }
    assert_int_equal(clh_cache_position_dim(cache, clh_cache_index(cache, CLH_A_PATTERN, 0)), 2);
    assert_int_equal(clh_cache_position_dim(cache, clh_cache_index(cache, CLH_A_Z, 0)), 1);
    clh_model_close(model);
    clh_cache_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_before_in_and_behind_the_blocks),
        cmocka_unit_test(a_matrix_and_its_bias_belong_together),
        cmocka_unit_test(weights_are_drawn_and_the_rest_is_not),
        cmocka_unit_test(what_adds_to_a_sum_makes_a_term_of_it),
        cmocka_unit_test(heads_apart_are_followed_by_their_sum),
        cmocka_unit_test(inputs_are_what_matrices_read),
        cmocka_unit_test(a_norm_has_one_name),
        cmocka_unit_test(groups_are_the_parameters_of_those_names),
        cmocka_unit_test(sites_are_what_transformer_lens_patches),
        cmocka_unit_test(queries_keys_and_values_are_what_heads_make_of_the_stream),
        cmocka_unit_test(a_setting_turns_its_rows_on),
        cmocka_unit_test(a_full_name_finds_its_row),
        cmocka_unit_test(a_short_name_is_the_last_part_without_hook),
        cmocka_unit_test(axes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
