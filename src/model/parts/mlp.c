/* The MLP of one layer, x the normalized resid_mid:
 *
 *    pre = x W_in + b_in      post = act(pre), or ln(act(pre)) for solu_ln
 *    mlp_out = post W_out + b_out
 *
 * and gated (Dauphin et al. 2017; Shazeer 2020):
 *
 *    pre = x W_gate      pre_linear = x W_in      post = act(pre) pre_linear + b_in
 *
 * TransformerLens: components/mlps/mlp.py, gated_mlp.py. */
#include <assert.h>
#include <string.h>

#include "model/description/activations.h"
#include "model/parts/norms.h"
#include "model/parts/pass.h"

static bool has_inner_norm(const clh_pass *pass)
{
    return pass->config->act_fn == CLH_ACT_SOLU_LN;
}

/* hook_mid where solu_ln puts a norm behind the activation, else straight to hook_post. */
static clh_act_id activated(const clh_pass *pass)
{
    return has_inner_norm(pass) ? CLH_A_MLP_MID : CLH_A_MLP_POST;
}

/* out = x W (+ b), x what the MLP reads */
static void read_forward(clh_pass *pass, size_t layer, clh_act_id out, clh_param_id W,
                         const clh_real *b)
{
    const clh_model_config *c = pass->config;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_MLP);
    if (!clh_pass_due(pass, out, layer, in, in))
        return;
    clh_linear(pass, clh_act(pass, in, layer), c->d_model, clh_param(pass, W, layer), b, c->d_mlp,
               clh_act(pass, out, layer));
    clh_pass_fire(pass, out, layer);
}

static void gate_forward(clh_pass *pass, size_t layer)
{
    const size_t m = pass->config->d_mlp;
    read_forward(pass, layer, CLH_A_MLP_PRE_LINEAR, CLH_P_W_IN, NULL);
    if (clh_pass_due(pass, CLH_A_MLP_OPEN, layer, CLH_A_MLP_GATE, CLH_A_MLP_GATE)) {
        const size_t first = pass->row0 * m;
        clh_activation_forward(pass->config->act_fn, pass->kernel, pass->rows, m,
                               clh_act(pass, CLH_A_MLP_GATE, layer) + first,
                               clh_act(pass, CLH_A_MLP_OPEN, layer) + first);
    }
    if (!clh_pass_due(pass, CLH_A_MLP_POST, layer, CLH_A_MLP_OPEN, CLH_A_MLP_PRE_LINEAR))
        return;
    const clh_real *open = clh_act(pass, CLH_A_MLP_OPEN, layer);
    const clh_real *linear = clh_act(pass, CLH_A_MLP_PRE_LINEAR, layer);
    const clh_real *b = clh_param(pass, CLH_P_B_IN, layer);
    clh_real *post = clh_act(pass, CLH_A_MLP_POST, layer);
    for (size_t r = pass->row0; r < pass->row0 + pass->rows; r++)
        for (size_t i = 0; i < m; i++)
            post[r * m + i] = open[r * m + i] * linear[r * m + i] + b[i];
    clh_pass_fire(pass, CLH_A_MLP_POST, layer);
}

static void activation_forward(clh_pass *pass, size_t layer)
{
    const size_t m = pass->config->d_mlp;
    if (clh_pass_due(pass, activated(pass), layer, CLH_A_MLP_PRE, CLH_A_MLP_PRE)) {
        const size_t at = pass->row0 * m;
        clh_activation_forward(pass->config->act_fn, pass->kernel, pass->rows, m,
                               clh_act(pass, CLH_A_MLP_PRE, layer) + at,
                               clh_act(pass, activated(pass), layer) + at);
        clh_pass_fire(pass, activated(pass), layer);
    }
    if (!has_inner_norm(pass))
        return;
    clh_norms_forward(pass, CLH_NORM_AT_SOLU, layer);
    const clh_act_id from = clh_norms_output(pass->config, CLH_NORM_AT_SOLU);
    if (clh_pass_due(pass, CLH_A_MLP_POST, layer, from, from)) {
        const size_t at = pass->row0 * m;
        clh_pass_copy(clh_act(pass, CLH_A_MLP_POST, layer) + at, clh_act(pass, from, layer) + at,
                      pass->rows * m);
        clh_pass_fire(pass, CLH_A_MLP_POST, layer);
    }
}

void clh_mlp_forward(clh_pass *pass, size_t layer)
{
    assert(pass && layer < pass->config->n_layers && !pass->config->attn_only);
    const clh_model_config *c = pass->config;
    if (c->gated_mlp) {
        read_forward(pass, layer, CLH_A_MLP_GATE, CLH_P_W_GATE, NULL);
        gate_forward(pass, layer);
    } else {
        read_forward(pass, layer, CLH_A_MLP_PRE, CLH_P_W_IN, clh_param(pass, CLH_P_B_IN, layer));
        activation_forward(pass, layer);
    }
    if (clh_pass_due(pass, CLH_A_MLP_OUT, layer, CLH_A_MLP_POST, CLH_A_MLP_POST)) {
        clh_linear(pass, clh_act(pass, CLH_A_MLP_POST, layer), c->d_mlp,
                   clh_param(pass, CLH_P_W_OUT, layer), clh_param(pass, CLH_P_B_OUT, layer),
                   c->d_model, clh_act(pass, CLH_A_MLP_OUT, layer));
        clh_pass_fire(pass, CLH_A_MLP_OUT, layer);
    }
}

/* The gradients of a product of what the MLP reads, from that of its output `of`. */
static void read_backward(clh_pass *pass, size_t layer, clh_act_id of, clh_param_id W,
                          clh_param_id b, clh_onto onto)
{
    const clh_model_config *c = pass->config;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_MLP);
    clh_linear_backward(pass, clh_act(pass, in, layer), c->d_model, clh_param(pass, W, layer),
                        c->d_mlp, clh_act_gradient(pass, of, layer),
                        clh_act_gradient(pass, in, layer), onto, clh_param_gradient(pass, W, layer),
                        b < CLH_P_COUNT ? clh_param_gradient(pass, b, layer) : NULL);
}

/* g_open = g_post pre_linear, g_pre_linear = g_post open, g_b_in += sum_r g_post,
 * g_pre = g_open act'(pre) */
static void gate_backward(clh_pass *pass, size_t layer)
{
    const size_t m = pass->config->d_mlp, count = pass->rows * m;
    const clh_real *g_post = clh_act_gradient(pass, CLH_A_MLP_POST, layer);
    const clh_real *open = clh_act(pass, CLH_A_MLP_OPEN, layer);
    const clh_real *linear = clh_act(pass, CLH_A_MLP_PRE_LINEAR, layer);
    clh_real *g_open = clh_act_gradient(pass, CLH_A_MLP_OPEN, layer);
    clh_real *g_linear = clh_act_gradient(pass, CLH_A_MLP_PRE_LINEAR, layer);
    clh_real *gb = clh_param_gradient(pass, CLH_P_B_IN, layer);
    if (gb)
        pass->kernel->add_rows(m, pass->rows, g_post, m, gb);
    for (size_t i = 0; i < count; i++) {
        g_open[i] = g_post[i] * linear[i];
        g_linear[i] = g_post[i] * open[i];
    }
    clh_pass_fire(pass, CLH_A_MLP_PRE_LINEAR, layer);
    clh_activation_backward(pass->config->act_fn, pass->kernel, pass->rows, m,
                            clh_act(pass, CLH_A_MLP_GATE, layer), g_open,
                            clh_act_gradient(pass, CLH_A_MLP_GATE, layer));
    clh_pass_fire(pass, CLH_A_MLP_GATE, layer);
    read_backward(pass, layer, CLH_A_MLP_PRE_LINEAR, CLH_P_W_IN, CLH_P_COUNT,
                  clh_norms_reader(pass->config));
    read_backward(pass, layer, CLH_A_MLP_GATE, CLH_P_W_GATE, CLH_P_COUNT, CLH_ADD);
}

static void activation_backward(clh_pass *pass, size_t layer)
{
    const clh_model_config *c = pass->config;
    const size_t m = c->d_mlp, count = pass->rows * m;
    clh_real *g_activated = clh_act_gradient(pass, activated(pass), layer);
    if (has_inner_norm(pass)) {
        clh_pass_copy(clh_act_gradient(pass, clh_norms_output(c, CLH_NORM_AT_SOLU), layer),
                      clh_act_gradient(pass, CLH_A_MLP_POST, layer), count);
        memset(g_activated, 0, count * sizeof *g_activated);
        clh_norms_backward(pass, CLH_NORM_AT_SOLU, layer);
        clh_pass_fire(pass, CLH_A_MLP_MID, layer);
    }
    clh_activation_backward(c->act_fn, pass->kernel, pass->rows, m,
                            clh_act(pass, CLH_A_MLP_PRE, layer), g_activated,
                            clh_act_gradient(pass, CLH_A_MLP_PRE, layer));
    clh_pass_fire(pass, CLH_A_MLP_PRE, layer);
    read_backward(pass, layer, CLH_A_MLP_PRE, CLH_P_W_IN, CLH_P_B_IN, clh_norms_reader(c));
}

void clh_mlp_backward(clh_pass *pass, size_t layer)
{
    assert(pass && pass->gradient && !pass->config->attn_only);
    if (!clh_pass_goes_on(pass))
        return;
    const clh_model_config *c = pass->config;
    clh_linear_backward(
        pass, clh_act(pass, CLH_A_MLP_POST, layer), c->d_mlp, clh_param(pass, CLH_P_W_OUT, layer),
        c->d_model, clh_act_gradient(pass, CLH_A_MLP_OUT, layer),
        clh_act_gradient(pass, CLH_A_MLP_POST, layer), CLH_WRITE,
        clh_param_gradient(pass, CLH_P_W_OUT, layer), clh_param_gradient(pass, CLH_P_B_OUT, layer));
    clh_pass_fire(pass, CLH_A_MLP_POST, layer);
    if (c->gated_mlp)
        gate_backward(pass, layer);
    else
        activation_backward(pass, layer);
}
