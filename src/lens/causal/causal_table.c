/* The interventions: a name, what it is, its edits. */
#include <assert.h>

#include "base/base.h"
#include "clearhead/causal.h"

#define LIST(name, text, ...)                                                                      \
    {                                                                                              \
        name, text, (const clh_edit[]){__VA_ARGS__}, CLH_COUNT(((const clh_edit[]){__VA_ARGS__}))  \
    }
#define PART(of, input)                                                                            \
    {                                                                                              \
        .kind = CLH_EDIT_PART, .site = "blocks.0.attn.hook_" #input, .part = CLH_PART_##of         \
    }
#define PATTERNS .site = "blocks.*.attn.hook_pattern"
#define ATTN_OUTS .site = "blocks.*.hook_attn_out"

static const clh_edit_list table[CLH_INTERVENTIONS] = {
    [CLH_CAUSAL_NONE] = {"none", "the model as it is", NULL, 0},
    [CLH_CAUSAL_Q_TOKEN_MEAN] =
        LIST("q_token_mean", "queries: the token's part of their input is its mean (layer 0)",
             PART(POSITION, q)),
    [CLH_CAUSAL_K_TOKEN_MEAN] =
        LIST("k_token_mean", "keys: the token's part of their input is its mean (layer 0)",
             PART(POSITION, k)),
    [CLH_CAUSAL_QK_TOKEN_MEAN] = LIST(
        "qk_token_mean", "queries and keys: the token's part of their input is its mean (layer 0)",
        PART(POSITION, q), PART(POSITION, k)),
    [CLH_CAUSAL_QK_POSITION_MEAN] =
        LIST("qk_position_mean",
             "queries and keys: the position's part of their input is its mean (layer 0)",
             PART(TOKEN, q), PART(TOKEN, k)),
    [CLH_CAUSAL_V_POSITION_MEAN] =
        LIST("v_position_mean", "values: the position's part of their input is its mean (layer 0)",
             PART(TOKEN, v)),
    [CLH_CAUSAL_V_TOKEN_MEAN] =
        LIST("v_token_mean", "values: the token's part of their input is its mean (layer 0)",
             PART(POSITION, v)),
    [CLH_CAUSAL_QK_TOKEN_MEAN_V_POSITION_MEAN] =
        LIST("qk_token_mean_v_position_mean",
             "queries and keys without the token, values without the position (layer 0)",
             PART(POSITION, q), PART(POSITION, k), PART(TOKEN, v)),
    [CLH_CAUSAL_PATTERN_OTHER] = LIST("pattern_other", "the pattern of another sequence",
                                      {.kind = CLH_EDIT_RESAMPLE, PATTERNS}),
    [CLH_CAUSAL_PATTERN_MEAN] = LIST("pattern_mean", "the pattern is frozen to its mean",
                                     {.kind = CLH_EDIT_MEAN, PATTERNS}),
    [CLH_CAUSAL_PATTERN_MEAN_TOP] =
        LIST("pattern_mean_top", "all attention on the mean pattern's strongest source",
             {.kind = CLH_EDIT_MEAN, PATTERNS}, {.kind = CLH_EDIT_ONE_HOT}),
    [CLH_CAUSAL_PATTERN_ONE_HOT] =
        LIST("pattern_one_hot", "all attention on the pattern's own strongest source",
             {.kind = CLH_EDIT_ONE_HOT}),
    [CLH_CAUSAL_PATTERN_EVEN] =
        LIST("pattern_even", "attention is even over all sources", {.kind = CLH_EDIT_EVEN}),
    [CLH_CAUSAL_ONLY_ANSWER] = LIST("only_answer", "only sources that hold the right next token",
                                    {.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_ANSWER}),
    [CLH_CAUSAL_WITHOUT_ANSWER] =
        LIST("without_answer", "all sources but those that hold the right next token",
             {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_ANSWER}),
    [CLH_CAUSAL_ONLY_FIRST_TERM] = LIST("only_first_term", "only the letters of the first term",
                                        {.kind = CLH_EDIT_ONLY, .sources = CLH_SOURCES_FIRST_TERM}),
    [CLH_CAUSAL_WITHOUT_FIRST_TERM] =
        LIST("without_first_term", "all sources but the letters of the first term",
             {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_FIRST_TERM}),
    [CLH_CAUSAL_WITHOUT_STRONGEST] =
        LIST("without_strongest", "all sources but the strongest",
             {.kind = CLH_EDIT_WITHOUT, .sources = CLH_SOURCES_STRONGEST}),
    [CLH_CAUSAL_ATTN_ZERO] =
        LIST("attn_zero", "attention's output is 0", {.kind = CLH_EDIT_ZERO, ATTN_OUTS}),
    [CLH_CAUSAL_ATTN_MEAN] = LIST("attn_mean", "attention's output is its mean at each position",
                                  {.kind = CLH_EDIT_MEAN, ATTN_OUTS}),
    [CLH_CAUSAL_ATTN_OTHER] = LIST("attn_other", "attention's output is that of another sequence",
                                   {.kind = CLH_EDIT_RESAMPLE, ATTN_OUTS}),
    [CLH_CAUSAL_DIRECT_ZERO] =
        LIST("direct_zero", "what the embeddings put into the last residual stream is 0",
             {.kind = CLH_EDIT_DIRECT}),
    [CLH_CAUSAL_REFERENCE] =
        LIST("reference", "the logits of another sequence: what recovers nothing",
             {.kind = CLH_EDIT_RESAMPLE, .site = "logits"}),
};

const clh_edit_list *clh_causal_suite(void)
{
    return table;
}

const char *clh_intervention_name(clh_intervention intervention)
{
    return intervention < CLH_INTERVENTIONS ? table[intervention].name : NULL;
}

const char *clh_intervention_text(clh_intervention intervention)
{
    return intervention < CLH_INTERVENTIONS ? table[intervention].text : NULL;
}

clh_status clh_causal_edits_text(char **out, const clh_edits_base *base, clh_error *err)
{
    return clh_edit_file_text(out, table, CLH_COUNT(table), base, err);
}
