/* Embedding: embed = W_E[token], pos_embed = W_pos[position] where there is one; resid_pre = embed +
 * pos_embed, or embed alone where positions come in elsewhere (positions.c, attention_head.c).
 * TransformerLens: components/embed.py, pos_embed.py; HookedTransformer.input_to_embed. */
#include "model/parts/pass.h"

#include <assert.h>

/* The token at row r of the pass; where a hook has written another into hook_tokens that one,
 * rounded and kept inside the vocabulary. */
static size_t token_at(const clh_pass *pass, size_t r)
{
    const clh_real *seen = clh_act(pass, CLH_A_TOKENS, 0);
    const uint32_t given = pass->tokens->ids[r];
    if (!seen || seen[r] == (clh_real)given)
        return given;
    const double id = (double)seen[r] + 0.5, last = (double)(pass->config->d_vocab - 1);
    return !(id >= 0) ? 0 : id >= last ? (size_t)last : (size_t)id;
}

static size_t row_end(const clh_pass *pass)
{
    return pass->row0 + pass->rows;
}

static bool is_added(const clh_pass *pass)
{
    return pass->config->positional_embedding_type == CLH_POSITIONS_STANDARD;
}

static clh_act_id stream_of(const clh_pass *pass)
{
    return (clh_act_id)clh_layout_stream_begin(pass->config).id;
}

/* resid = embed (+ pos_embed) */
static void stream_forward(clh_pass *pass)
{
    const size_t d = pass->config->d_model, at = pass->row0 * d, count = pass->rows * d;
    const clh_real *embed = clh_act(pass, CLH_A_EMBED, 0) + at;
    clh_real *resid = clh_act(pass, stream_of(pass), 0) + at;
    if (!is_added(pass)) {
        clh_pass_copy(resid, embed, count);
        return;
    }
    const clh_real *pos_embed = clh_act(pass, CLH_A_POS_EMBED, 0) + at;
    for (size_t i = 0; i < count; i++)
        resid[i] = embed[i] + pos_embed[i];
}

void clh_embed_forward(clh_pass *pass)
{
    const size_t d = pass->config->d_model;
    const clh_real *W_E = clh_param(pass, CLH_P_W_E, 0), *W_pos = clh_param(pass, CLH_P_W_POS, 0);
    clh_real *seen = clh_act(pass, CLH_A_TOKENS, 0), *embed = clh_act(pass, CLH_A_EMBED, 0);
    clh_real *pos_embed = clh_act(pass, CLH_A_POS_EMBED, 0);
    if (clh_pass_due_first(pass, CLH_A_TOKENS, 0)) {
        for (size_t r = pass->row0; seen && r < row_end(pass); r++)
            seen[r] = (clh_real)pass->tokens->ids[r];
        clh_pass_fire(pass, CLH_A_TOKENS, 0);
    }
    if (clh_pass_due(pass, CLH_A_EMBED, 0, CLH_A_TOKENS, CLH_A_TOKENS)) {
        for (size_t r = pass->row0; r < row_end(pass); r++)
            clh_pass_copy(embed + r * d, W_E + token_at(pass, r) * d, d);
        clh_pass_fire(pass, CLH_A_EMBED, 0);
    }
    if (pos_embed && clh_pass_due_first(pass, CLH_A_POS_EMBED, 0)) {
        for (size_t r = pass->row0; r < row_end(pass); r++)
            clh_pass_copy(pos_embed + r * d, W_pos + clh_pass_position(pass, r) * d, d);
        clh_pass_fire(pass, CLH_A_POS_EMBED, 0);
    }
    if (clh_pass_due(pass, stream_of(pass), 0, CLH_A_EMBED,
                     is_added(pass) ? CLH_A_POS_EMBED : CLH_A_EMBED)) {
        stream_forward(pass);
        clh_pass_fire(pass, stream_of(pass), 0);
    }
}

void clh_embed_backward(clh_pass *pass)
{
    assert(pass && pass->gradient);
    if (!clh_pass_goes_on(pass))
        return;
    const size_t d = pass->config->d_model;
    const clh_real *g_resid = clh_act_gradient(pass, stream_of(pass), 0);
    clh_real *g_embed = clh_act_gradient(pass, CLH_A_EMBED, 0);
    clh_real *g_pos_embed = clh_act_gradient(pass, CLH_A_POS_EMBED, 0);
    clh_real *g_tokens = clh_act_gradient(pass, CLH_A_TOKENS, 0);
    clh_real *gW_E = clh_param_gradient(pass, CLH_P_W_E, 0);
    clh_real *gW_pos = clh_param_gradient(pass, CLH_P_W_POS, 0);
    if (is_added(pass)) /* a shortformer's has what its blocks have added up */
        clh_pass_copy(g_pos_embed, g_resid, pass->rows * d);
    if (g_pos_embed)
        clh_pass_fire(pass, CLH_A_POS_EMBED, 0);
    clh_pass_copy(g_embed, g_resid, pass->rows * d);
    clh_pass_fire(pass, CLH_A_EMBED, 0);
    for (size_t r = 0; g_tokens && r < pass->rows; r++)
        g_tokens[r] = 0; /* a token is rounded: nothing follows a small change of it */
    clh_pass_fire(pass, CLH_A_TOKENS, 0);
    for (size_t r = 0; gW_E && r < pass->rows; r++) {
        pass->kernel->axpy(d, 1, g_embed + r * d, gW_E + token_at(pass, r) * d);
        if (gW_pos)
            pass->kernel->axpy(d, 1, g_pos_embed + r * d, gW_pos + clh_pass_position(pass, r) * d);
    }
}
