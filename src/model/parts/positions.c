/* How positions come in elsewhere than in the residual stream.
 *
 *    shortformer   queries and keys read  ln1(x) + pos_embed,  values ln1(x)
 *    rotary        with (a, b) a pair of numbers of a query or key at position p, and the angle
 *                  t = p / rotary_base^(2 i / rotary_dim) of pair i:
 *                  (a, b) -> (a cos t - b sin t, b cos t + a sin t)
 *
 * Pairs are (i, i + rotary_dim / 2), or (2 i, 2 i + 1) with rotary_adjacent_pairs; numbers past
 * rotary_dim stay. Press et al. 2021, "Shortformer"; Su et al. 2021, "RoFormer". TransformerLens:
 * components/transformer_block.py; abstract_attention.py, apply_rotary. ALiBi: attention_head.c. */
#include "model/parts/positions.h"

#include <string.h>

#include "model/parts/norms.h"

/* ---- Shortformer -------------------------------------------------------------------------------
 */

static const struct short_input {
    clh_act_id out;
    clh_norm_place split; /* the norm before it where inputs are split */
} short_inputs[] = {{CLH_A_SHORT_Q, CLH_NORM_AT_Q}, {CLH_A_SHORT_K, CLH_NORM_AT_K}};

static clh_act_id read_by(const clh_model_config *c, const struct short_input *input)
{
    return clh_norms_output(c, c->use_split_qkv_input ? input->split
                               : c->use_attn_in       ? CLH_NORM_AT_HEADS
                                                      : CLH_NORM_AT_ATTN);
}

void clh_shortformer_forward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_model, heads = clh_heads_split(c) ? c->n_heads : 1;
    for (size_t i = 0; i < CLH_COUNT(short_inputs); i++) {
        const clh_act_id from = read_by(c, &short_inputs[i]), to = short_inputs[i].out;
        if (!clh_pass_due(pass, to, layer, from, CLH_A_POS_EMBED))
            continue;
        const clh_real *x = clh_act(pass, from, layer), *p = clh_act(pass, CLH_A_POS_EMBED, 0);
        clh_real *out = clh_act(pass, to, layer);
        for (size_t r = pass->row0 * heads; r < (pass->row0 + pass->rows) * heads; r++)
            for (size_t k = 0; k < d; k++)
                out[r * d + k] = x[r * d + k] + p[r / heads * d + k];
    }
}

void clh_shortformer_clear(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t numbers = pass->rows * c->d_model * (clh_heads_split(c) ? c->n_heads : 1);
    for (size_t i = 0; i < CLH_COUNT(short_inputs); i++)
        memset(clh_act_gradient(pass, short_inputs[i].out, layer), 0, numbers * sizeof(clh_real));
}

/* g_x += g_out,  g_pos_embed += sum_h g_out */
void clh_shortformer_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_model, heads = clh_heads_split(c) ? c->n_heads : 1;
    clh_real *gp = clh_act_gradient(pass, CLH_A_POS_EMBED, 0);
    clh_pass_take(pass, CLH_A_SHORT_Q, layer);
    for (size_t i = 0; i < CLH_COUNT(short_inputs); i++) {
        const clh_real *g = clh_act_gradient(pass, short_inputs[i].out, layer);
        clh_real *gx = clh_act_gradient(pass, read_by(c, &short_inputs[i]), layer);
        pass->kernel->axpy(pass->rows * heads * d, 1, g, gx);
        for (size_t r = 0; r < pass->rows * heads; r++)
            pass->kernel->axpy(d, 1, g + r * d, gp + r / heads * d);
    }
}

/* ---- Rotary ------------------------------------------------------------------------------------
 */

/* Rows of the pass, `to` those of `from` turned forth (sign 1) or back (-1). */
static void turn_rows(const clh_pass *pass, const clh_real *from, clh_real *to, clh_real sign)
{
    const clh_model_config *c = pass->config;
    const size_t d = c->d_head, pairs = c->rotary_dim / 2;
    const size_t step = c->rotary_adjacent_pairs ? 2 : 1;
    const size_t other = c->rotary_adjacent_pairs ? 1 : pairs;
    for (size_t r = pass->row0; r < pass->row0 + pass->rows; r++) {
        const clh_real *turn = pass->cache->turn + clh_pass_position(pass, r) * 2 * pairs;
        for (size_t h = 0; h < c->n_heads; h++) {
            const clh_real *x = from + (r * c->n_heads + h) * d;
            clh_real *y = to + (r * c->n_heads + h) * d;
            for (size_t i = 0; i < pairs; i++) {
                const clh_real cosine = turn[2 * i], sine = sign * turn[2 * i + 1];
                const clh_real a = x[i * step], b = x[i * step + other];
                y[i * step] = a * cosine - b * sine;
                y[i * step + other] = b * cosine + a * sine;
            }
            for (size_t k = 2 * pairs; k < d; k++)
                y[k] = x[k];
        }
    }
}

void clh_rotary_forward(clh_pass *pass, size_t layer)
{
    static const clh_act_id from[] = {CLH_A_Q, CLH_A_K}, to[] = {CLH_A_ROT_Q, CLH_A_ROT_K};
    for (size_t i = 0; i < CLH_COUNT(to); i++)
        if (clh_pass_due(pass, to[i], layer, from[i], from[i])) {
            turn_rows(pass, clh_act(pass, from[i], layer), clh_act(pass, to[i], layer), 1);
            clh_pass_fire(pass, to[i], layer);
        }
}

/* A turn's gradient is turned back. */
void clh_rotary_backward(clh_pass *pass, size_t layer)
{
    static const clh_act_id from[] = {CLH_A_K, CLH_A_Q}, to[] = {CLH_A_ROT_K, CLH_A_ROT_Q};
    for (size_t i = 0; i < CLH_COUNT(to); i++) {
        clh_pass_fire(pass, to[i], layer);
        clh_pass_take(pass, to[i], layer);
        turn_rows(pass, clh_act_gradient(pass, to[i], layer),
                  clh_act_gradient(pass, from[i], layer), -1);
    }
}
