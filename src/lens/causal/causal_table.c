/* The interventions: names, what they are, what they write. */
#include <assert.h>
#include <stdio.h>

#include "lens/causal/causal_parts.h"
#include "model/layout.h"

#define ROWS(kind, sources)                                                                        \
    {                                                                                              \
        CLH_AT_PATTERN, CLH_PUT_ROWS, kind, sources                                                \
    }
#define PUT(where, what)                                                                           \
    {                                                                                              \
        .site = CLH_AT_##where, .put = CLH_PUT_##what                                              \
    }
#define PART(part, input)                                                                          \
    "{\"kind\": \"part\", \"part\": \"" #part "\", \"site\": \"blocks.0.attn.hook_" #input "\"}"
#define SITE_PATTERN "\"site\": \"blocks.*.attn.hook_pattern\""
#define SITE_ATTN_OUT "\"site\": \"blocks.*.hook_attn_out\""

static const struct {
    const char *name, *text, *edits;
    clh_causal_write write[CLH_CAUSAL_WRITES];
} table[CLH_INTERVENTIONS] = {
    [CLH_CAUSAL_NONE] = {"none", "the model as it is", "[]", {{0}}},
    [CLH_CAUSAL_Q_POSITION] = {"q_position",
                               "queries know only their position (layer 0)",
                               "[" PART(position, q) "]",
                               {PUT(Q, POSITION)}},
    [CLH_CAUSAL_K_POSITION] = {"k_position",
                               "keys know only their position (layer 0)",
                               "[" PART(position, k) "]",
                               {PUT(K, POSITION)}},
    [CLH_CAUSAL_QK_POSITION] = {"qk_position",
                                "queries and keys know only their position (layer 0)",
                                "[" PART(position, q) ", " PART(position, k) "]",
                                {PUT(Q, POSITION), PUT(K, POSITION)}},
    [CLH_CAUSAL_QK_TOKEN] = {"qk_token",
                             "queries and keys know only their token (layer 0)",
                             "[" PART(token, q) ", " PART(token, k) "]",
                             {PUT(Q, TOKEN), PUT(K, TOKEN)}},
    [CLH_CAUSAL_V_TOKEN] = {"v_token",
                            "values know only their token (layer 0)",
                            "[" PART(token, v) "]",
                            {PUT(V, TOKEN)}},
    [CLH_CAUSAL_V_POSITION] = {"v_position",
                               "values know only their position (layer 0)",
                               "[" PART(position, v) "]",
                               {PUT(V, POSITION)}},
    [CLH_CAUSAL_QK_POSITION_V_TOKEN] = {"qk_position_v_token",
                                        "positions choose, values know only their token (layer 0)",
                                        "[" PART(position, q) ", " PART(position,
                                                                        k) ", " PART(token, v) "]",
                                        {PUT(Q, POSITION), PUT(K, POSITION), PUT(V, TOKEN)}},
    [CLH_CAUSAL_PATTERN_OTHER] = {"pattern_other",
                                  "the pattern of another sequence",
                                  "[{\"kind\": \"resample\", " SITE_PATTERN "}]",
                                  {PUT(PATTERN, OTHER)}},
    [CLH_CAUSAL_PATTERN_MEAN] = {"pattern_mean",
                                 "the pattern is frozen to its mean",
                                 "[{\"kind\": \"mean\", " SITE_PATTERN "}]",
                                 {PUT(PATTERN, MEAN)}},
    [CLH_CAUSAL_PATTERN_MEAN_TOP] = {"pattern_mean_top",
                                     "all attention on the mean pattern's strongest source",
                                     "[{\"kind\": \"mean\", " SITE_PATTERN
                                     "}, {\"kind\": \"one_hot\"}]",
                                     {PUT(PATTERN, MEAN_TOP)}},
    [CLH_CAUSAL_PATTERN_ONE_HOT] = {"pattern_one_hot",
                                    "all attention on the pattern's own strongest source",
                                    "[{\"kind\": \"one_hot\"}]",
                                    {ROWS(CLH_EDIT_ONE_HOT, CLH_SOURCES_ALL)}},
    [CLH_CAUSAL_PATTERN_EVEN] = {"pattern_even",
                                 "attention is even over all sources",
                                 NULL,
                                 {PUT(PATTERN, EVEN)}},
    [CLH_CAUSAL_ONLY_ANSWER] = {"only_answer",
                                "only sources that hold the right next token",
                                "[{\"kind\": \"only\", \"sources\": \"answer\"}]",
                                {ROWS(CLH_EDIT_ONLY, CLH_SOURCES_ANSWER)}},
    [CLH_CAUSAL_WITHOUT_ANSWER] = {"without_answer",
                                   "all sources but those that hold the right next token",
                                   "[{\"kind\": \"without\", \"sources\": \"answer\"}]",
                                   {ROWS(CLH_EDIT_WITHOUT, CLH_SOURCES_ANSWER)}},
    [CLH_CAUSAL_ONLY_FIRST_TERM] = {"only_first_term",
                                    "only the letters of the first term",
                                    "[{\"kind\": \"only\", \"sources\": \"first_term\"}]",
                                    {ROWS(CLH_EDIT_ONLY, CLH_SOURCES_FIRST_TERM)}},
    [CLH_CAUSAL_WITHOUT_FIRST_TERM] = {"without_first_term",
                                       "all sources but the letters of the first term",
                                       "[{\"kind\": \"without\", \"sources\": \"first_term\"}]",
                                       {ROWS(CLH_EDIT_WITHOUT, CLH_SOURCES_FIRST_TERM)}},
    [CLH_CAUSAL_WITHOUT_STRONGEST] = {"without_strongest",
                                      "all sources but the strongest",
                                      "[{\"kind\": \"without\", \"sources\": \"strongest\"}]",
                                      {ROWS(CLH_EDIT_WITHOUT, CLH_SOURCES_STRONGEST)}},
    [CLH_CAUSAL_ATTN_ZERO] = {"attn_zero",
                              "attention's output is 0",
                              "[{\"kind\": \"zero\", " SITE_ATTN_OUT "}]",
                              {PUT(ATTN_OUT, ZERO)}},
    [CLH_CAUSAL_ATTN_MEAN] = {"attn_mean",
                              "attention's output is its mean at each position",
                              "[{\"kind\": \"mean\", " SITE_ATTN_OUT "}]",
                              {PUT(ATTN_OUT, MEAN)}},
    [CLH_CAUSAL_ATTN_OTHER] = {"attn_other",
                               "attention's output is that of another sequence",
                               "[{\"kind\": \"resample\", " SITE_ATTN_OUT "}]",
                               {PUT(ATTN_OUT, OTHER)}},
    [CLH_CAUSAL_NO_DIRECT] = {"no_direct",
                              "the unembedding does not see the embeddings",
                              "[{\"kind\": \"direct\"}]",
                              {PUT(RESID_POST, DIRECT)}},
    [CLH_CAUSAL_REFERENCE] = {"reference",
                              "the logits of another sequence: what recovers nothing",
                              "[{\"kind\": \"resample\", \"site\": \"logits\"}]",
                              {{0}}},
};

const char *clh_intervention_name(clh_intervention intervention)
{
    assert(intervention < CLH_INTERVENTIONS);
    return table[intervention].name;
}

const char *clh_intervention_text(clh_intervention intervention)
{
    assert(intervention < CLH_INTERVENTIONS);
    return table[intervention].text;
}

const char *clh_intervention_edits(clh_intervention intervention)
{
    assert(intervention < CLH_INTERVENTIONS);
    return table[intervention].edits;
}

const clh_causal_write *clh_causal_writes(clh_intervention intervention)
{
    assert(intervention < CLH_INTERVENTIONS);
    return table[intervention].write;
}

void clh_causal_site_name(clh_causal_site site, size_t layer, char out[64])
{
    static const clh_act_id rows[CLH_AT_SITES] = {CLH_A_Q,       CLH_A_K,        CLH_A_V,
                                                  CLH_A_PATTERN, CLH_A_ATTN_OUT, CLH_A_RESID_POST};
    assert(site < CLH_AT_SITES);
    (void)clh_row_name(&clh_layout_acts.row[rows[site]], layer, out);
}
