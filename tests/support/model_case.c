#include "support/model_case.h"

#include <math.h>

#include "base/base.h"
#include "base/random.h"
#include "model/description/model_keys.h"
#include "support/cmocka_all.h"

/* Streams of the tests, away from those of the library. */
enum { STREAM_PARAMETERS = 101, STREAM_TOKENS = 102 };

#define CASE(...)                                                                                  \
    {                                                                                              \
        .n_layers = 1, .n_heads = 2, .batch = 2, .pos = 5, .norm = CLH_NORM_LN,                    \
        .act_fn = CLH_ACT_GELU, __VA_ARGS__                                                        \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const model_case cases[] = {
    CASE(.name = "LN"),
    CASE(.name = "no norm", .norm = CLH_NORM_NONE),
    CASE(.name = "LNPre", .norm = CLH_NORM_LNPRE),
    CASE(.name = "RMS", .norm = CLH_NORM_RMS),
    CASE(.name = "RMSPre", .norm = CLH_NORM_RMSPRE),
    CASE(.name = "relu", .act_fn = CLH_ACT_RELU),
    CASE(.name = "gelu_new", .act_fn = CLH_ACT_GELU_NEW),
    CASE(.name = "gelu_fast", .act_fn = CLH_ACT_GELU_FAST),
    CASE(.name = "silu", .act_fn = CLH_ACT_SILU),
    CASE(.name = "solu", .act_fn = CLH_ACT_SOLU),
    CASE(.name = "solu_ln", .act_fn = CLH_ACT_SOLU_LN),
    CASE(.name = "solu_ln, no norm", .act_fn = CLH_ACT_SOLU_LN, .norm = CLH_NORM_NONE),
    CASE(.name = "solu_ln, RMS", .act_fn = CLH_ACT_SOLU_LN, .norm = CLH_NORM_RMS),
    CASE(.name = "attention only", .attn_only = true),
    CASE(.name = "2 layers, 3 heads, attention only", .n_layers = 2, .n_heads = 3,
         .attn_only = true),
    CASE(.name = "2 layers, 1 head", .n_layers = 2, .n_heads = 1),
    CASE(.name = "2 layers, no norm", .n_layers = 2, .norm = CLH_NORM_NONE),
    CASE(.name = "more positions than a block of queries", .pos = 27, .batch = 1),
    CASE(.name = "one token", .pos = 1, .batch = 1),
    CASE(.name = "other tokens out", .d_vocab_out = 6),
    CASE(.name = "scores not divided", .attn_scale = -1),
    CASE(.name = "scores divided by 3", .attn_scale = 3),
    CASE(.name = "use_attn_result", .attn_result = true),
    CASE(.name = "use_attn_in", .attn_in = true),
    CASE(.name = "use_attn_in, no norm", .attn_in = true, .norm = CLH_NORM_NONE),
    CASE(.name = "use_attn_in, RMS", .attn_in = true, .norm = CLH_NORM_RMS),
    CASE(.name = "use_split_qkv_input", .split = true),
    CASE(.name = "use_split_qkv_input, no norm", .split = true, .norm = CLH_NORM_NONE),
    CASE(.name = "use_split_qkv_input, RMS", .split = true, .norm = CLH_NORM_RMS),
    CASE(.name = "use_hook_mlp_in", .mlp_in = true),
    CASE(.name = "use_hook_mlp_in, no norm", .mlp_in = true, .norm = CLH_NORM_NONE),
    CASE(.name = "use_hook_tokens", .tokens = true),
    CASE(.name = "rotary, 2 layers", .n_layers = 2, .positions = CLH_POSITIONS_ROTARY),
    CASE(.name = "rotary, adjacent pairs, no norm", .positions = CLH_POSITIONS_ROTARY,
         .adjacent = true, .norm = CLH_NORM_NONE),
    CASE(.name = "rotary, more positions than a block", .positions = CLH_POSITIONS_ROTARY,
         .pos = 27, .batch = 1),
    CASE(.name = "shortformer, 2 layers", .n_layers = 2, .positions = CLH_POSITIONS_SHORTFORMER),
    CASE(.name = "shortformer, no norm", .positions = CLH_POSITIONS_SHORTFORMER,
         .norm = CLH_NORM_NONE),
    CASE(.name = "shortformer, use_attn_in, RMS", .positions = CLH_POSITIONS_SHORTFORMER,
         .attn_in = true, .norm = CLH_NORM_RMS),
    CASE(.name = "shortformer, use_split_qkv_input, no norm, 2 layers", .n_layers = 2,
         .positions = CLH_POSITIONS_SHORTFORMER, .split = true, .norm = CLH_NORM_NONE),
    CASE(.name = "alibi, 2 layers", .n_layers = 2, .positions = CLH_POSITIONS_ALIBI),
    CASE(.name = "no positions", .positions = CLH_POSITIONS_NONE),
    CASE(.name = "gated", .gated = true),
    CASE(.name = "gated, silu, no norm, 2 layers", .n_layers = 2, .gated = true,
         .act_fn = CLH_ACT_SILU, .norm = CLH_NORM_NONE),
    CASE(.name = "gated, RMS, use_hook_mlp_in", .gated = true, .norm = CLH_NORM_RMS,
         .mlp_in = true),
    CASE(.name = "parallel, 2 layers", .n_layers = 2, .parallel = true),
    CASE(.name = "parallel, no norm", .parallel = true, .norm = CLH_NORM_NONE),
    CASE(.name = "parallel, gated, use_hook_mlp_in, RMS, 2 layers", .n_layers = 2, .parallel = true,
         .gated = true, .mlp_in = true, .norm = CLH_NORM_RMS),
    CASE(.name = "bidirectional, 2 layers", .n_layers = 2, .both_ways = true),
    CASE(.name = "bidirectional, attention only, rotary", .both_ways = true, .attn_only = true,
         .positions = CLH_POSITIONS_ROTARY),
    CASE(.name = "bidirectional, alibi, more positions than a block", .both_ways = true,
         .positions = CLH_POSITIONS_ALIBI, .pos = 27, .batch = 1),
    CASE(.name = "tied", .tied = true),
    CASE(.name = "tied, no norm, attention only", .tied = true, .norm = CLH_NORM_NONE,
         .attn_only = true),
    CASE(.name = "final_rms", .final_rms = true),
    CASE(.name = "final_rms, LNPre, 2 layers", .n_layers = 2, .final_rms = true,
         .norm = CLH_NORM_LNPRE),
    CASE(.name = "rotary, gated, parallel, final_rms, 2 layers", .n_layers = 2,
         .positions = CLH_POSITIONS_ROTARY, .gated = true, .parallel = true, .final_rms = true),
    CASE(.name = "every switch, 2 layers, solu_ln", .n_layers = 2, .act_fn = CLH_ACT_SOLU_LN,
         .attn_result = true, .attn_in = true, .split = true, .mlp_in = true, .tokens = true),
    CASE(.name = "LN of 3.0", .today = true),
    CASE(.name = "LN of 3.0, solu_ln, 2 layers", .n_layers = 2, .act_fn = CLH_ACT_SOLU_LN,
         .today = true),
    CASE(.name = "LN of 3.0, use_attn_in, use_hook_mlp_in, parallel", .attn_in = true,
         .mlp_in = true, .parallel = true, .today = true),
    CASE(.name = "LN of 3.0, use_split_qkv_input, shortformer", .split = true,
         .positions = CLH_POSITIONS_SHORTFORMER, .today = true),
    CASE(.name = "LN of 3.0, final_rms, gated, attention result", .final_rms = true, .gated = true,
         .attn_result = true, .today = true),
    CASE(.name = "no layers", .n_layers = 0),
    CASE(.name = "no layers, LN of 3.0", .n_layers = 0, .today = true),
    CASE(.name = "no layers, no norm, no positions, tied", .n_layers = 0, .norm = CLH_NORM_NONE,
         .positions = CLH_POSITIONS_NONE, .tied = true),
};
#pragma GCC diagnostic pop

size_t model_case_count(void)
{
    return CLH_COUNT(cases);
}

size_t model_case_with_blocks(void)
{
    size_t count = 0;
    while (count < CLH_COUNT(cases) && cases[count].n_layers > 0)
        count++;
    for (size_t i = count; i < CLH_COUNT(cases); i++)
        assert_int_equal(cases[i].n_layers, 0); /* they stand last */
    return count;
}

const char *const *model_case_names(void)
{
    static const char *names[CLH_COUNT(cases)];
    for (size_t i = 0; i < CLH_COUNT(cases); i++)
        names[i] = cases[i].name;
    return names;
}

const model_case *model_case_at(size_t index)
{
    return &cases[index];
}

clh_model_config model_case_config(size_t index)
{
    const model_case *row = &cases[index];
    return (clh_model_config){
        .n_layers = row->n_layers,
        .n_heads = row->n_heads,
        .d_model = 7,
        .d_head = 3,
        .d_mlp = row->attn_only ? 0 : 5,
        .n_ctx = row->pos + 3,
        .d_vocab = 9,
        .d_vocab_out = row->d_vocab_out ? row->d_vocab_out : 9,
        .attn_only = row->attn_only,
        .act_fn = row->act_fn,
        .normalization_type = row->norm,
        .eps = 1e-5,
        .use_attn_scale = row->attn_scale >= 0,
        .attn_scale = row->attn_scale > 0 ? row->attn_scale : sqrt(3),
        .initializer_range = 0.4,
        .positional_embedding_type = row->positions,
        .rotary_dim = row->positions == CLH_POSITIONS_ROTARY ? 2 : 3,
        .rotary_base = 10,
        .rotary_adjacent_pairs = row->adjacent,
        .attention_dir = row->both_ways ? CLH_ATTENTION_BIDIRECTIONAL : CLH_ATTENTION_CAUSAL,
        .gated_mlp = row->gated,
        .parallel_attn_mlp = row->parallel,
        .tie_word_embeddings = row->tied,
        .final_rms = row->final_rms,
        .tl_version = row->today ? CLH_TL_3_0 : CLH_TL_2_4,
        .use_attn_result = row->attn_result,
        .use_attn_in = row->attn_in,
        .use_split_qkv_input = row->split,
        .use_hook_mlp_in = row->mlp_in,
        .use_hook_tokens = row->tokens,
    };
}

void model_case_same_config(const clh_model_config *a, const clh_model_config *b)
{
    for (size_t i = 0; i < CLH_MODEL_KEY_COUNT; i++)
        if (!clh_key_equal(&clh_model_keys()[i], a, b))
            fail_msg("%s differs", clh_model_keys()[i].name);
}

clh_model *model_case_open(size_t index, uint64_t seed)
{
    clh_error err = {0};
    clh_model *model = NULL;
    clh_model_config config = model_case_config(index);
    if (clh_model_open(&model, &config, &err))
        fail_msg("%s", err.message);
    clh_model_init(model, seed);
    for (size_t t = 0; t < clh_model_tensor_count(model); t++) {
        clh_tensor tensor = clh_model_tensor(model, t);
        bool weight = tensor.data[0] != 0 && tensor.data[0] != 1;
        for (size_t i = 0, n = clh_tensor_count(&tensor); !weight && i < n; i++)
            tensor.data[i] +=
                (clh_real)(0.3 * clh_random_normal(seed, STREAM_PARAMETERS + (t << 8), i));
    }
    return model;
}

uint32_t *model_case_tokens(size_t index, uint64_t seed)
{
    clh_model_config config = model_case_config(index);
    size_t count = cases[index].batch * cases[index].pos;
    size_t most = config.d_vocab < config.d_vocab_out ? config.d_vocab : config.d_vocab_out;
    uint32_t *ids = clh_alloc_array(count, sizeof *ids, NULL);
    assert_non_null(ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = (uint32_t)(clh_random_word(seed, STREAM_TOKENS, i) % most);
    return ids;
}
