/* TransformerLens' config: what it can mean here is read, what it cannot is refused, what does not
 * matter is listed, and what we write is complete. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clearhead/alloc.h"
#include "model/description/model_keys.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/model_case.h"

/** cfg.to_dict() of a small config, with `more` (", \"key\": value") added. */
static clh_status read_with(clh_model_config *out, char **notes, const char *more, clh_error *err)
{
    char text[1024];
    (void)snprintf(
        text, sizeof text,
        "{\"n_layers\": 2, \"d_model\": 32, \"n_ctx\": 12, \"d_head\": 8, \"d_vocab\": 65"
        "%s}",
        more);
    return clh_tl_config_from_json(out, notes, text, "cfg.json", false, err);
}

static void defaults_are_those_of_transformer_lens(void **state)
{
    (void)state;
    clh_model_config c;
    char *notes = NULL;
    assert_int_equal(read_with(&c, &notes, ", \"act_fn\": \"gelu_new\"", NULL), CLH_OK);
    assert_string_equal(notes, "");
    clh_free(notes);
    assert_int_equal(c.n_layers, 2);
    assert_int_equal(c.n_heads, 4);
    assert_int_equal(c.d_mlp, 128);
    assert_int_equal(c.d_vocab_out, 65);
    assert_false(c.attn_only);
    assert_int_equal(c.act_fn, CLH_ACT_GELU_NEW);
    assert_int_equal(c.normalization_type, CLH_NORM_LN);
    assert_true(c.eps == 1e-5 && c.use_attn_scale);
    assert_true(c.attn_scale * c.attn_scale > 7.999 && c.attn_scale * c.attn_scale < 8.001);
    assert_true(c.initializer_range > 0.1414 && c.initializer_range < 0.1415);
}

static void every_honoured_key_is_read(void **state)
{
    (void)state;
    clh_model_config c;
    char *notes = NULL;
    clh_error err = {0};
    if (read_with(&c, &notes,
                  ", \"n_heads\": 3, \"d_mlp\": 7, \"act_fn\": \"solu_ln\", \"eps\": 1e-3,"
                  " \"use_attn_result\": true, \"use_attn_scale\": false, \"attn_scale\": 5.0,"
                  " \"use_split_qkv_input\": true, \"use_hook_mlp_in\": true,"
                  " \"use_attn_in\": true, \"normalization_type\": null,"
                  " \"initializer_range\": 0.5, \"d_vocab_out\": 66, \"use_hook_tokens\": true",
                  &err))
        fail_msg("%s", err.message);
    clh_free(notes);
    assert_true(c.n_heads == 3 && c.d_mlp == 7 && c.act_fn == CLH_ACT_SOLU_LN && c.eps == 1e-3);
    assert_true(c.use_attn_result && !c.use_attn_scale && c.attn_scale == 5.0);
    assert_true(c.use_split_qkv_input && c.use_hook_mlp_in && c.use_attn_in && c.use_hook_tokens);
    assert_true(c.normalization_type == CLH_NORM_NONE && c.initializer_range == 0.5);
    assert_int_equal(c.d_vocab_out, 66);
    if (read_with(&c, &notes,
                  ", \"act_fn\": \"silu\", \"positional_embedding_type\": \"rotary\","
                  " \"rotary_dim\": 6, \"rotary_base\": 500, \"rotary_adjacent_pairs\": true,"
                  " \"attention_dir\": \"bidirectional\", \"gated_mlp\": true,"
                  " \"parallel_attn_mlp\": true, \"tie_word_embeddings\": true,"
                  " \"final_rms\": true, \"init_mode\": \"kaiming_normal\"",
                  &err))
        fail_msg("%s", err.message);
    assert_string_equal(notes, "");
    clh_free(notes);
    assert_int_equal(c.positional_embedding_type, CLH_POSITIONS_ROTARY);
    assert_true(c.rotary_dim == 6 && c.rotary_base == 500 && c.rotary_adjacent_pairs);
    assert_int_equal(c.attention_dir, CLH_ATTENTION_BIDIRECTIONAL);
    assert_true(c.gated_mlp && c.parallel_attn_mlp && c.tie_word_embeddings && c.final_rms);
    assert_int_equal(c.init_mode, CLH_INIT_KAIMING_NORMAL);
    assert_true(c.initializer_range == 1); /* of modes with a gain */
}

/* Rotary positions that turn nothing are none; without a number they turn whole heads. */
static void no_positions_are_rotary_over_nothing(void **state)
{
    (void)state;
    clh_model_config c;
    char *notes = NULL;
    assert_int_equal(read_with(&c, &notes,
                               ", \"act_fn\": \"gelu\", \"rotary_dim\": 0,"
                               " \"positional_embedding_type\": \"rotary\"",
                               NULL),
                     CLH_OK);
    clh_free(notes);
    assert_int_equal(c.positional_embedding_type, CLH_POSITIONS_NONE);
    char *json = clh_tl_config_json(&c, NULL);
    assert_non_null(strstr(json, "\"positional_embedding_type\": \"rotary\""));
    assert_non_null(strstr(json, "\"rotary_dim\": 0"));
    clh_free(json);
    assert_int_equal(read_with(&c, &notes,
                               ", \"act_fn\": \"gelu\", \"rotary_dim\": null,"
                               " \"positional_embedding_type\": \"rotary\"",
                               NULL),
                     CLH_OK);
    clh_free(notes);
    assert_int_equal(c.positional_embedding_type, CLH_POSITIONS_ROTARY);
    assert_int_equal(c.rotary_dim, 8);
}

static void every_kind_of_model_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_case_count(); i++) {
        const clh_model_config c = model_case_config(i);
        clh_model_config back;
        char *json = clh_tl_config_json(&c, NULL), *notes = NULL;
        assert_int_equal(clh_tl_config_from_json(&back, &notes, json, "cfg.json", false, NULL),
                         CLH_OK);
        model_case_same_config(&c, &back);
        clh_free(notes);
        clh_free(json);
    }
}

static void what_is_not_implemented_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *more, *line;
    } row[] = {
#define GELU ", \"act_fn\": \"gelu\""
        {", \"positional_embedding_type\": \"relative_positional_bias\"",
         "cfg.json: positional_embedding_type is relative_positional_bias, want one of "
         "standard|rotary|shortformer|alibi|none"},
        {", \"attention_dir\": \"anticausal\"",
         "cfg.json: attention_dir is anticausal, want one of causal|bidirectional"},
        {", \"act_fn\": \"gelu\", \"positional_embedding_type\": \"rotary\", \"rotary_dim\": 3",
         "cfg.json: rotary_dim is 3, want pairs: an even number"},
        {", \"act_fn\": \"gelu\", \"positional_embedding_type\": \"rotary\", \"rotary_dim\": 10",
         "cfg.json: rotary_dim is 10, want at most d_head, which is 8"},
        {", \"act_fn\": \"solu_ln\", \"gated_mlp\": true",
         "cfg.json: act_fn is solu_ln and gated_mlp true, want another act_fn: behind that one "
         "TransformerLens leaves out what is gated"},
        {", \"attn_only\": true, \"parallel_attn_mlp\": true",
         "cfg.json: parallel_attn_mlp is true, want attn_only false: there is no MLP"},
        {", \"act_fn\": \"gelu\", \"d_vocab_out\": 7, \"tie_word_embeddings\": true",
         "cfg.json: d_vocab_out is 7, want d_vocab, which is 65: tie_word_embeddings is true"},
        {GELU ", \"n_key_value_heads\": 2",
         "cfg.json: n_key_value_heads is 2, only null or n_heads, which is 4, is supported"},
        {GELU ", \"attn_scores_soft_cap\": 50.0",
         "cfg.json: attn_scores_soft_cap is 50.0, only -1 (no cap) is supported"},
        {GELU ", \"dtype\": \"torch.int8\"",
         "cfg.json: dtype is \"torch.int8\", only torch.float32, float64, float16 and bfloat16 are "
         "supported"},
        {GELU ", \"use_local_attn\": true",
         "cfg.json: use_local_attn is true, only false is supported"},
        {", \"act_fn\": \"gelu_pytorch_tanh\"",
         "cfg.json: act_fn is gelu_pytorch_tanh, want one of "
         "relu|gelu|gelu_new|gelu_fast|silu|solu|solu_ln"},
        {", \"atn_only\": true", "cfg.json: unknown key atn_only; did you mean attn_only?"},
        {", \"n_heads\": \"two\"", "cfg.json: n_heads is \"two\", want a whole number"},
        {"", "cfg.json: act_fn is missing, want it unless attn_only"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        clh_model_config c = {.n_layers = 77};
        char *notes = NULL;
        clh_error err = {0};
        assert_int_not_equal(read_with(&c, &notes, row[i].more, &err), CLH_OK);
        assert_string_equal(err.message, row[i].line);
        assert_null(notes);
        assert_int_equal(c.n_layers, 77);
    }
    clh_model_config c;
    char *notes = NULL;
    clh_error err = {0};
    assert_int_equal(clh_tl_config_from_json(&c, &notes, "{\"n_layers\": 1}", "f", false, &err),
                     CLH_ECONFIG);
    assert_string_equal(err.message, "f: d_model is missing");
    assert_int_equal(clh_tl_config_from_json(&c, &notes, "{", "f", false, &err), CLH_EFORMAT);
    assert_int_equal(clh_tl_config_from_json(&c, &notes, "3", "f", false, &err), CLH_EFORMAT);
}

static void what_does_not_matter_is_listed(void **state)
{
    (void)state;
    clh_model_config c;
    char *notes = NULL;
    assert_int_equal(read_with(&c, &notes,
                               ", \"attn_only\": true, \"act_fn\": \"solu\", \"d_mlp\": 5,"
                               " \"device\": \"cpu\", \"seed\": null, \"dtype\": \"float32\","
                               " \"model_name\": \"custom\", \"rotary_base\": 10000.0,"
                               " \"attn_scores_soft_cap\": 0,"
                               " \"use_NTK_by_parts_rope\": false, \"NTK_by_parts_factor\": 4.0",
                               NULL),
                     CLH_OK);
    assert_string_equal(notes, "act_fn = \"solu\" has no effect: the model is attn_only\n"
                               "d_mlp = 5 has no effect: the model is attn_only\n"
                               "device = \"cpu\" does not matter here\n"
                               "NTK_by_parts_factor = 4.0 does not matter here\n"
                               "at what changes nothing: use_NTK_by_parts_rope\n");
    clh_free(notes);
    assert_true(c.attn_only);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    for (int attn_only = 0; attn_only < 2; attn_only++) {
        clh_model_config c = clh_model_config_default(), back;
        c.attn_only = attn_only;
        c.d_mlp = attn_only ? 0 : 11;
        c.n_ctx = 122;
        c.d_vocab = c.d_vocab_out = 65;
        c.normalization_type = CLH_NORM_NONE;
        c = clh_model_config_resolved(&c);
        char *json = clh_tl_config_json(&c, NULL), *notes = NULL;
        json_t *object = json_loads(json, 0, NULL);
        assert_int_equal(json_object_size(object), 60);
        assert_null(json_object_get(object, "dtype"));
        json_decref(object);
        assert_int_equal(clh_tl_config_from_json(&back, &notes, json, "cfg.json", false, NULL),
                         CLH_OK);
        back.act_fn = c.act_fn;
        model_case_same_config(&c, &back);
        clh_free(notes);
        clh_free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_transformer_lens),
        cmocka_unit_test(every_honoured_key_is_read),
        cmocka_unit_test(what_is_not_implemented_is_refused),
        cmocka_unit_test(what_does_not_matter_is_listed),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(no_positions_are_rotary_over_nothing),
        cmocka_unit_test(every_kind_of_model_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
