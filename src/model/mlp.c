/* The MLP of one layer, x the normalized resid_mid:
 *
 *    pre = x W_in + b_in      post = act(pre), or ln(act(pre)) for solu_ln
 *    mlp_out = post W_out + b_out
 *
 * TransformerLens: components/mlps/mlp.py. */
#include <assert.h>
#include <string.h>

#include "model/activations.h"
#include "model/norms.h"
#include "model/pass.h"

static bool has_inner_norm(const clh_pass *pass)
{
    return pass->config->act_fn == CLH_ACT_SOLU_LN;
}

/* hook_mid where solu_ln puts a norm behind the activation, else straight to hook_post. */
static clh_act_id activated(const clh_pass *pass)
{
    return has_inner_norm(pass) ? CLH_A_MLP_MID : CLH_A_MLP_POST;
}

void clh_mlp_forward(clh_pass *pass, size_t layer)
{
    assert(pass && layer < pass->config->n_layers && !pass->config->attn_only);
    const clh_model_config *c = pass->config;
    const size_t d = c->d_model, m = c->d_mlp;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_MLP);
    const clh_act_id normalized = CLH_A_MLP_LN_NORMALIZED;
    clh_real *pre = clh_act(pass, CLH_A_MLP_PRE, layer),
             *post = clh_act(pass, CLH_A_MLP_POST, layer);
    if (clh_pass_due(pass, CLH_A_MLP_PRE, layer, in, in)) {
        clh_linear(pass, clh_act(pass, in, layer), d, clh_param(pass, CLH_P_W_IN, layer),
                   clh_param(pass, CLH_P_B_IN, layer), m, pre);
        clh_pass_fire(pass, CLH_A_MLP_PRE, layer);
    }
    if (clh_pass_due(pass, activated(pass), layer, CLH_A_MLP_PRE, CLH_A_MLP_PRE)) {
        const size_t at = pass->row0 * m;
        clh_activation_forward(c->act_fn, pass->kernel, pass->rows, m, pre + at,
                               clh_act(pass, activated(pass), layer) + at);
        clh_pass_fire(pass, activated(pass), layer);
    }
    if (has_inner_norm(pass)) {
        clh_norms_forward(pass, CLH_NORM_AT_SOLU, layer);
        if (clh_pass_due(pass, CLH_A_MLP_POST, layer, normalized, normalized)) {
            const size_t at = pass->row0 * m;
            clh_pass_copy(post + at, clh_act(pass, normalized, layer) + at, pass->rows * m);
            clh_pass_fire(pass, CLH_A_MLP_POST, layer);
        }
    }
    if (clh_pass_due(pass, CLH_A_MLP_OUT, layer, CLH_A_MLP_POST, CLH_A_MLP_POST)) {
        clh_linear(pass, post, m, clh_param(pass, CLH_P_W_OUT, layer),
                   clh_param(pass, CLH_P_B_OUT, layer), d, clh_act(pass, CLH_A_MLP_OUT, layer));
        clh_pass_fire(pass, CLH_A_MLP_OUT, layer);
    }
}

void clh_mlp_backward(clh_pass *pass, size_t layer)
{
    assert(pass && pass->gradient && !pass->config->attn_only);
    if (!clh_pass_goes_on(pass))
        return;
    const clh_model_config *c = pass->config;
    const size_t d = c->d_model, m = c->d_mlp, count = pass->rows * m;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_MLP);
    clh_real *g_post = clh_act_gradient(pass, CLH_A_MLP_POST, layer);
    clh_real *g_pre = clh_act_gradient(pass, CLH_A_MLP_PRE, layer);
    clh_real *g_activated = clh_act_gradient(pass, activated(pass), layer);
    clh_linear_backward(
        pass, clh_act(pass, CLH_A_MLP_POST, layer), m, clh_param(pass, CLH_P_W_OUT, layer), d,
        clh_act_gradient(pass, CLH_A_MLP_OUT, layer), g_post, CLH_WRITE,
        clh_param_gradient(pass, CLH_P_W_OUT, layer), clh_param_gradient(pass, CLH_P_B_OUT, layer));
    clh_pass_fire(pass, CLH_A_MLP_POST, layer);
    if (has_inner_norm(pass)) {
        clh_pass_copy(clh_act_gradient(pass, CLH_A_MLP_LN_NORMALIZED, layer), g_post, count);
        memset(g_activated, 0, count * sizeof *g_activated);
        clh_norms_backward(pass, CLH_NORM_AT_SOLU, layer);
        clh_pass_fire(pass, CLH_A_MLP_MID, layer);
    }
    clh_activation_backward(c->act_fn, pass->kernel, pass->rows, m,
                            clh_act(pass, CLH_A_MLP_PRE, layer), g_activated, g_pre);
    clh_pass_fire(pass, CLH_A_MLP_PRE, layer);
    clh_linear_backward(pass, clh_act(pass, in, layer), d, clh_param(pass, CLH_P_W_IN, layer), m,
                        g_pre, clh_act_gradient(pass, in, layer), clh_norms_reader(c),
                        clh_param_gradient(pass, CLH_P_W_IN, layer),
                        clh_param_gradient(pass, CLH_P_B_IN, layer));
}
