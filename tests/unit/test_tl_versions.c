/* Configs that TransformerLens 1.0 to 4.3 wrote: each is read, each of its keys at another value is obeyed,
 * listed or refused, and no key is unknown. */
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "model/description/model_keys.h"
#include "run/transformer_lens/tl_config.h"
#include "support/cmocka_all.h"
#include "support/each_case.h"
#include "support/model_case.h"
#include "support/must.h"

enum { FILES_MAX = 32, FILES_LEAST = 11 };

/* What becomes of a key at the value of the table. */
typedef enum outcome {
    OBEYED,  /* the model is another one */
    NATIVE,  /* the same, but for native models of 4.x, in which it has no effect: that is said */
    LISTED,  /* "KEY = VALUE does not matter here" */
    SAID,    /* the model is the same, and a line names the key */
    REFUSED, /* "KEY is VALUE", and what it would have to be */
} outcome;

#define ROTARY "\"positional_embedding_type\": \"rotary\""
#define RMS "\"normalization_type\": \"RMS\""

static const struct {
    const char *key, *value;
    outcome outcome;
    const char *with;   /* keys that are changed too */
    const char *wanted; /* by the message of REFUSED */
} row[] = {
    {"n_layers", "2", OBEYED, NULL, NULL},
    {"d_model", "16", OBEYED, NULL, NULL},
    {"n_ctx", "7", OBEYED, NULL, NULL},
    {"d_head", "6", OBEYED, NULL, NULL},
    {"n_heads", "3", OBEYED, NULL, NULL},
    {"d_mlp", "9", OBEYED, NULL, NULL},
    {"act_fn", "\"relu\"", OBEYED, NULL, NULL},
    {"d_vocab", "9", OBEYED, NULL, NULL},
    {"d_vocab_out", "4", OBEYED, NULL, NULL},
    {"eps", "1e-3", OBEYED, NULL, NULL},
    {"use_attn_result", "true", OBEYED, NULL, NULL},
    {"use_attn_scale", "false", NATIVE, NULL, NULL},
    {"attn_scale", "3.0", OBEYED, NULL, NULL},
    {"use_split_qkv_input", "true", OBEYED, NULL, NULL},
    {"use_hook_mlp_in", "true", OBEYED, NULL, NULL},
    {"use_attn_in", "true", OBEYED, NULL, NULL},
    {"use_hook_tokens", "true", OBEYED, NULL, NULL},
    {"init_mode", "\"xavier_normal\"", OBEYED, NULL, NULL},
    {"normalization_type", "\"RMS\"", OBEYED, NULL, NULL},
    {"normalization_type", "null", OBEYED, NULL, NULL},
    {"attention_dir", "\"bidirectional\"", OBEYED, NULL, NULL},
    {"attn_only", "true", OBEYED, NULL, NULL},
    {"initializer_range", "0.5", OBEYED, NULL, NULL},
    {"positional_embedding_type", "\"rotary\"", OBEYED, NULL, NULL},
    {"final_rms", "true", OBEYED, NULL, NULL},
    {"final_rms", "true", SAID, RMS, NULL},
    {"final_rms", "true", SAID, "\"normalization_type\": \"RMSPre\"", NULL},
    {"parallel_attn_mlp", "true", NATIVE, NULL, NULL},
    {"rotary_dim", "2", OBEYED, ROTARY, NULL},
    {"rotary_base", "500", OBEYED, ROTARY, NULL},
    {"rotary_adjacent_pairs", "true", NATIVE, ROTARY, NULL},
    {"gated_mlp", "true", OBEYED, NULL, NULL},
    {"tie_word_embeddings", "true", OBEYED, NULL, NULL},

    {"model_name", "\"mine\"", LISTED, NULL, NULL},
    {"original_architecture", "\"GPT2LMHeadModel\"", LISTED, NULL, NULL},
    {"original_architecture", "\"Olmo2ForCausalLM\"", REFUSED, NULL, "want null"},
    {"from_checkpoint", "true", LISTED, NULL, NULL},
    {"checkpoint_index", "3", LISTED, NULL, NULL},
    {"checkpoint_label_type", "\"step\"", LISTED, NULL, NULL},
    {"checkpoint_value", "100", LISTED, NULL, NULL},
    {"tokenizer_name", "\"gpt2\"", LISTED, NULL, NULL},
    {"window_size", "4", LISTED, NULL, NULL},
    {"attn_types", "[\"global\"]", LISTED, NULL, NULL},
    {"device", "\"cuda\"", LISTED, NULL, NULL},
    {"n_devices", "2", LISTED, NULL, NULL},
    {"seed", "7", LISTED, NULL, NULL},
    {"init_weights", "false", LISTED, NULL, NULL},
    {"n_params", "3", LISTED, NULL, NULL},
    {"default_prepend_bos", "false", LISTED, NULL, NULL},
    {"tokenizer_prepends_bos", "false", LISTED, NULL, NULL},
    {"tokenizer_appends_eos", "true", LISTED, NULL, NULL},
    {"default_padding_side", "\"left\"", LISTED, NULL, NULL},
    {"add_special_tokens", "true", LISTED, NULL, NULL},
    {"trust_remote_code", "true", LISTED, NULL, NULL},
    {"relative_attention_max_distance", "4", LISTED, NULL, NULL},
    {"relative_attention_num_buckets", "4", LISTED, NULL, NULL},
    {"decoder_start_token_id", "0", LISTED, NULL, NULL},
    {"ungroup_grouped_query_attention", "true", LISTED, NULL, NULL},
    {"split_attention_weights", "true", LISTED, NULL, NULL},
    {"attn_implementation", "\"eager\"", LISTED, NULL, NULL},
    {"uses_rms_norm", "true", LISTED, NULL, NULL},
    {"layer_norm_folding", "true", LISTED, NULL, NULL},
    {"qk_norm_after_rope", "true", LISTED, NULL, NULL},
    {"norm_topk_prob", "true", LISTED, NULL, NULL},
    {"train_seq_length", "64", LISTED, NULL, NULL},
    {"vision_hidden_size", "8", LISTED, NULL, NULL},
    {"vision_num_layers", "8", LISTED, NULL, NULL},
    {"vision_num_heads", "8", LISTED, NULL, NULL},
    {"mm_tokens_per_image", "8", LISTED, NULL, NULL},
    /* of a kind of rotary positions or attention that is refused itself */
    {"rotary_base_local", "500", LISTED, ROTARY, NULL},
    {"rotary_interleaved_cos_sin", "true", LISTED, ROTARY, NULL},
    {"NTK_by_parts_low_freq_factor", "2.0", LISTED, ROTARY, NULL},
    {"NTK_by_parts_high_freq_factor", "2.0", LISTED, ROTARY, NULL},
    {"NTK_by_parts_factor", "2.0", LISTED, ROTARY, NULL},
    {"NTK_original_ctx_len", "4096", LISTED, ROTARY, NULL},
    {"yarn_factor", "2.0", LISTED, ROTARY, NULL},
    {"yarn_attention_factor", "2.0", LISTED, ROTARY, NULL},
    {"yarn_beta_fast", "16.0", LISTED, ROTARY, NULL},
    {"yarn_beta_slow", "2.0", LISTED, ROTARY, NULL},
    {"yarn_original_max_position_embeddings", "512", LISTED, ROTARY, NULL},
    {"yarn_truncate", "false", LISTED, ROTARY, NULL},
    {"yarn_global_attn_only", "true", LISTED, ROTARY, NULL},

    {"dtype", "\"torch.bfloat16\"", SAID, NULL, NULL},
    {"dtype", "\"torch.float64\"", SAID, NULL, NULL},
    {"dtype", "\"torch.int8\"", REFUSED, NULL, "torch.float32, float64, float16 and bfloat16"},
    {"n_key_value_heads", "1", REFUSED, NULL, "only null or n_heads, which is 2, is supported"},
    {"use_local_attn", "true", REFUSED, NULL, "only false is supported"},
    {"scale_attn_by_inverse_layer_idx", "true", REFUSED, NULL, "only false is supported"},
    {"post_embedding_ln", "true", REFUSED, NULL, "only false is supported"},
    {"load_in_4bit", "true", REFUSED, NULL, "only false is supported"},
    {"num_experts", "4", REFUSED, NULL, "only null is supported"},
    {"experts_per_token", "2", REFUSED, NULL, "only null is supported"},
    {"use_normalization_before_and_after", "true", REFUSED, NULL, "only false is supported"},
    {"attn_scores_soft_cap", "50.0", REFUSED, NULL, "only -1 (no cap) is supported"},
    {"output_logits_soft_cap", "30.0", REFUSED, NULL, "only -1 (no cap) is supported"},
    {"use_qk_norm", "true", REFUSED, NULL, "only false is supported"},
    {"clip_qkv", "8.0", REFUSED, NULL, "only null is supported"},
    {"use_logn_attn", "true", REFUSED, NULL, "only false is supported"},
    {"quantization_method", "\"gptq\"", REFUSED, NULL, "only null is supported"},
    {"use_attention_sinks", "true", REFUSED, NULL, "only false is supported"},
    {"architecture", "\"GPT2LMHeadModel\"", REFUSED, NULL,
     "only null or \"TransformerLensNative\" is supported"},
    {"per_layer_head_dim", "[4]", REFUSED, NULL, "only null is supported"},
    {"per_layer_num_key_value_heads", "[2]", REFUSED, NULL, "only null is supported"},
    {"scale_embedding", "true", REFUSED, NULL, "only null or false is supported"},
    {"is_audio_model", "true", REFUSED, NULL, "only false is supported"},
    {"is_visual_model", "true", REFUSED, NULL, "only false is supported"},
    {"is_stateful", "true", REFUSED, NULL, "only false is supported"},
    {"is_multimodal", "true", REFUSED, NULL, "only false is supported"},
    /* where nothing turns, or norms are not RMS, they change nothing */
    {"use_NTK_by_parts_rope", "true", LISTED, NULL, NULL},
    {"use_NTK_by_parts_rope", "true", REFUSED, ROTARY, "only false is supported with rotary"},
    {"use_yarn_rope", "true", LISTED, NULL, NULL},
    {"use_yarn_rope", "true", REFUSED, ROTARY, "only false is supported with rotary"},
    {"rotary_scaling_factor", "8.0", LISTED, NULL, NULL},
    {"rotary_scaling_factor", "8.0", REFUSED, ROTARY, "only 1.0 is supported with rotary"},
    {"use_dynamic_ntk_rope", "true", LISTED, NULL, NULL},
    {"use_dynamic_ntk_rope", "true", REFUSED, ROTARY, "only false is supported with rotary"},
    {"rmsnorm_uses_offset", "true", LISTED, NULL, NULL},
    {"rmsnorm_uses_offset", "true", REFUSED, RMS, "only false is supported with RMS"},
};

/* A file of tests/golden/configs, and what it means as it is. */
typedef struct bench {
    const char *name;
    json_t *object;
    int version; /* 2 of "tl-2.16.1" */
    clh_model_config config;
} bench;

static clh_status read_object(const json_t *object, clh_model_config *out, char **notes,
                              bool ignore_unknown, clh_error *err)
{
    char *text = json_dumps(object, 0);
    assert_non_null(text);
    const clh_status status =
        clh_tl_config_from_json(out, notes, text, "cfg.json", ignore_unknown, err);
    free(text);
    return status;
}

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!value)
        fail_msg("%s is not JSON", text);
    return value;
}

/* The file with keys ("\"a\": 1, \"b\": 2") changed; the caller's. */
static json_t *changed(const bench *b, const char *keys)
{
    char text[256];
    json_t *object = json_deep_copy(b->object);
    assert_in_range(snprintf(text, sizeof text, "{%s}", keys), 1, sizeof text - 1);
    json_t *more = parse(text);
    assert_int_equal(json_object_update(object, more), 0);
    json_decref(more);
    return object;
}

static int open_bench(void **state)
{
    char path[1024];
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->name = ((const each_case *)*state)->name;
    (void)snprintf(path, sizeof path, "%s/configs/%s.json", CLH_GOLDEN_DIR, b->name);
    b->object = json_load_file(path, 0, NULL);
    assert_true(json_is_object(b->object));
    assert_int_equal(sscanf(b->name, "tl-%d", &b->version), 1);
    char *notes = NULL;
    clh_error err = {0};
    must(read_object(b->object, &b->config, &notes, false, &err), &err);
    clh_free(notes);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    bench *b = *state;
    json_decref(b->object);
    free(b);
    return 0;
}

static void it_means_the_model_it_was_made_of(void **state)
{
    bench *b = *state;
    clh_model_config want = clh_model_config_default();
    want.n_heads = 2;
    want.d_model = 8;
    want.d_head = 4;
    want.d_mlp = 12;
    want.n_ctx = 6;
    want.d_vocab = 5;
    want.act_fn = CLH_ACT_GELU;
    want.attn_only = false;
    want.tl_version = b->version < 3 ? CLH_TL_2_4 : CLH_TL_3_0;
    want = clh_model_config_resolved(&want);
    model_case_same_config(&b->config, &want);
}

static bool same(const clh_model_config *a, const clh_model_config *b)
{
    bool equal = true;
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT; i++)
        equal = equal && clh_key_equal(&clh_model_keys()[i], a, b);
    return equal;
}

static void hold(const bench *b, size_t r, const clh_model_config *plain,
                 const clh_model_config *found, clh_status status, const char *notes,
                 const clh_error *err)
{
    char line[160];
    const bool native = row[r].outcome == NATIVE && b->version >= 4;
    (void)snprintf(line, sizeof line, "%s %s %s", row[r].key,
                   row[r].outcome == REFUSED ? "is" : "=", row[r].value);
    if (row[r].outcome == REFUSED) {
        assert_int_equal(status, CLH_ESUPPORT);
        if (!strstr(err->message, line) || !strstr(err->message, row[r].wanted))
            fail_msg("want \"%s\" and \"%s\" in: %s", line, row[r].wanted, err->message);
        return;
    }
    if (status)
        fail_msg("%s: %s", line, err->message);
    if (same(plain, found) == (row[r].outcome == OBEYED || (row[r].outcome == NATIVE && !native)))
        fail_msg("%s makes %s model", line, same(plain, found) ? "no other" : "another");
    if (row[r].outcome == LISTED)
        (void)snprintf(line + strlen(line), sizeof line - strlen(line), " does not matter here\n");
    if (native)
        (void)snprintf(line, sizeof line, "in TransformerLens' native model\n");
    if (row[r].outcome != OBEYED && (row[r].outcome != NATIVE || native) && !strstr(notes, line))
        fail_msg("want \"%s\" in: %s", line, notes);
}

static void try_row(const bench *b, size_t r)
{
    char keys[256];
    const char *with = row[r].with ? row[r].with : "";
    clh_model_config plain, found = {.n_layers = 77};
    char *notes = NULL;
    clh_error err = {0};
    (void)snprintf(keys, sizeof keys, "%s%s\"%s\": %s", with, *with ? ", " : "", row[r].key,
                   row[r].value);
    json_t *before = changed(b, with), *after = changed(b, keys);
    must(read_object(before, &plain, &notes, false, &err), &err);
    clh_free(notes);
    notes = NULL;
    const clh_status status = read_object(after, &found, &notes, false, &err);
    if (status) {
        assert_null(notes);
        assert_int_equal(found.n_layers, 77);
    }
    hold(b, r, &plain, &found, status, notes, &err);
    clh_free(notes);
    json_decref(before);
    json_decref(after);
}

static void every_key_is_obeyed_listed_or_refused(void **state)
{
    bench *b = *state;
    const char *key;
    json_t *value;
    json_object_foreach(b->object, key, value)
    {
        size_t tried = 0;
        for (size_t r = 0; r < CLH_COUNT(row); r++)
            if (strcmp(row[r].key, key) == 0) {
                try_row(b, r);
                tried++;
            }
        if (tried == 0)
            fail_msg("%s of %s has no row here", key, b->name);
    }
}

/* Of what 2.4 does not have. */
static void what_changes_nothing_is_listed_by_name(void **state)
{
    bench *b = *state;
    json_t *known = json_load_file(CLH_GOLDEN_DIR "/configs/tl-2.4.0.json", 0, NULL);
    assert_true(json_is_object(known));
    const char *key;
    json_t *value;
    clh_model_config config;
    char *notes = NULL;
    must(read_object(b->object, &config, &notes, false, NULL), NULL);
    const char *line = strstr(notes, "at what changes nothing: ");
    json_object_foreach(b->object, key, value)
    {
        const bool other = !json_object_get(known, key) && strcmp(key, "architecture") != 0;
        if (other && (!line || !strstr(line, key)))
            fail_msg("%s is not listed: %s", key, notes);
    }
    assert_true((line != NULL) == (b->version >= 3 || strcmp(b->name, "tl-2.16.1") == 0 ||
                                   strcmp(b->name, "tl-2.18.0") == 0 ||
                                   strcmp(b->name, "tl-1.6.0") == 0));
    clh_free(notes);
    json_decref(known);
}

static void unknown_keys_are_named_and_may_be_ignored(void **state)
{
    bench *b = *state;
    clh_model_config config;
    char *notes = NULL;
    clh_error err = {0};
    json_t *object =
        changed(b, "\"made_up\": 1, \"atn_only\": true, \"use_split_qkv_normalized_input\": false");
    assert_int_equal(read_object(object, &config, &notes, false, &err), CLH_ECONFIG);
    assert_non_null(strstr(err.message, "cfg.json: unknown keys "));
    assert_non_null(strstr(err.message, "made_up"));
    assert_non_null(strstr(err.message, "atn_only"));
    must(read_object(object, &config, &notes, true, &err), &err);
    assert_non_null(strstr(notes, "made_up is no setting of TransformerLens: ignored\n"));
    assert_non_null(strstr(notes, "atn_only is no setting of TransformerLens: ignored\n"));
    assert_true(same(&config, &b->config));
    clh_free(notes);
    json_decref(object);
}

/* Until 1.12 it followed from where the model came from. */
static void which_rotary_pairs_were_meant(void **state)
{
    bench *b = *state;
    const struct {
        const char *keys;
        bool adjacent;
    } tried[] = {
        {ROTARY ", \"rotary_dim\": 4", true},
        {ROTARY ", \"original_architecture\": \"GPTNeoXForCausalLM\"", false},
        {ROTARY ", \"original_architecture\": \"GPTJForCausalLM\"", true},
    };
    const bool old = strcmp(b->name, "tl-1.0.0") == 0 || strcmp(b->name, "tl-1.6.0") == 0;
    for (size_t i = 0; i < CLH_COUNT(tried); i++) {
        clh_model_config config;
        char *notes = NULL;
        json_t *object = changed(b, tried[i].keys);
        must(read_object(object, &config, &notes, false, NULL), NULL);
        assert_int_equal(config.rotary_adjacent_pairs,
                         b->version >= 4 || (old && tried[i].adjacent));
        assert_int_equal(strstr(notes, "rotary_adjacent_pairs is not given") != NULL, old);
        clh_free(notes);
        json_decref(object);
    }
}

int main(void)
{
    static const each_truth truths[] = {
        {"it means the model it was made of", it_means_the_model_it_was_made_of},
        {"every key is obeyed, listed or refused", every_key_is_obeyed_listed_or_refused},
        {"what changes nothing is listed by name", what_changes_nothing_is_listed_by_name},
        {"unknown keys are named and may be ignored", unknown_keys_are_named_and_may_be_ignored},
        {"which rotary pairs were meant", which_rotary_pairs_were_meant},
    };
    static char name[FILES_MAX][64];
    const char *names[FILES_MAX];
    glob_t found = {0};
    if (glob(CLH_GOLDEN_DIR "/configs/tl-*.json", 0, NULL, &found) || found.gl_pathc < FILES_LEAST)
        return 1;
    for (size_t i = 0; i < found.gl_pathc && i < FILES_MAX; i++) {
        const char *base = strrchr(found.gl_pathv[i], '/') + 1;
        (void)snprintf(name[i], sizeof name[i], "%.*s", (int)(strlen(base) - strlen(".json")),
                       base);
        names[i] = name[i];
    }
    const int failed = each_case_run("tl versions", truths, CLH_COUNT(truths), names,
                                     found.gl_pathc, open_bench, close_bench);
    globfree(&found);
    return failed;
}
