/* Unembedding: logits = x W_U + b_U, x the normalized last residual stream.
 * TransformerLens: components/unembed.py. */
#include "model/parts/norms.h"

#include <assert.h>

#include "model/parts/pass.h"

/* ln_final's slots are rows of layer 0; without a norm the reader takes the last resid_post. */
static size_t input_layer(const clh_pass *pass)
{
    return pass->config->normalization_type == CLH_NORM_NONE
               ? clh_layout_stream_end(pass->config).layer
               : 0;
}

void clh_unembed_forward(clh_pass *pass)
{
    const clh_model_config *c = pass->config;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_FINAL);
    if (!clh_pass_due(pass, CLH_A_LOGITS, 0, in, in))
        return;
    clh_linear(pass, clh_act(pass, in, input_layer(pass)), c->d_model,
               clh_param(pass, CLH_P_W_U, 0), clh_param(pass, CLH_P_B_U, 0), c->d_vocab_out,
               clh_act(pass, CLH_A_LOGITS, 0));
    clh_pass_fire(pass, CLH_A_LOGITS, 0);
}

/* W_U = W_E^T:  g_W_E += g_logits^T x */
static void tied_backward(const clh_pass *pass, const clh_real *x)
{
    const clh_model_config *c = pass->config;
    clh_real *gW_E = clh_param_gradient(pass, CLH_P_W_E, 0);
    if (gW_E)
        clh_multiply_add(pass->kernel, c->d_vocab, c->d_model, pass->rows, 1,
                         clh_transposed(clh_act_gradient(pass, CLH_A_LOGITS, 0), c->d_vocab_out),
                         clh_rows(x, c->d_model), gW_E, c->d_model);
}

void clh_unembed_backward(clh_pass *pass)
{
    assert(pass && pass->gradient);
    if (!clh_pass_goes_on(pass))
        return;
    const clh_model_config *c = pass->config;
    const clh_act_id in = clh_norms_output(c, CLH_NORM_AT_FINAL);
    clh_pass_fire(pass, CLH_A_LOGITS, 0);
    clh_pass_take(pass, CLH_A_LOGITS, 0);
    clh_linear_backward(pass, clh_act(pass, in, input_layer(pass)), c->d_model,
                        clh_param(pass, CLH_P_W_U, 0), c->d_vocab_out,
                        clh_act_gradient(pass, CLH_A_LOGITS, 0),
                        clh_act_gradient(pass, in, input_layer(pass)), clh_norms_reader(c),
                        c->tie_word_embeddings ? NULL : clh_param_gradient(pass, CLH_P_W_U, 0),
                        clh_param_gradient(pass, CLH_P_B_U, 0));
    if (c->tie_word_embeddings)
        tied_backward(pass, clh_act(pass, in, input_layer(pass)));
}
