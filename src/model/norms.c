#include "model/norms.h"

#include <assert.h>

#include "model/norm.h"

static const struct {
    clh_act_id in, scale, normalized, out;
    clh_param_id w, b;
} table[] = {
    [CLH_NORM_AT_Q] = {CLH_A_Q_INPUT, CLH_A_LN1_SCALE_Q, CLH_A_LN1_NORMALIZED_Q, CLH_A_LN1_OUT_Q,
                       CLH_P_LN1_W, CLH_P_LN1_B},
    [CLH_NORM_AT_K] = {CLH_A_K_INPUT, CLH_A_LN1_SCALE_K, CLH_A_LN1_NORMALIZED_K, CLH_A_LN1_OUT_K,
                       CLH_P_LN1_W, CLH_P_LN1_B},
    [CLH_NORM_AT_V] = {CLH_A_V_INPUT, CLH_A_LN1_SCALE, CLH_A_LN1_NORMALIZED, CLH_A_LN1_OUT,
                       CLH_P_LN1_W, CLH_P_LN1_B},
    [CLH_NORM_AT_HEADS] = {CLH_A_ATTN_IN, CLH_A_LN1_SCALE, CLH_A_LN1_NORMALIZED, CLH_A_LN1_OUT,
                           CLH_P_LN1_W, CLH_P_LN1_B},
    [CLH_NORM_AT_ATTN] = {CLH_A_RESID_PRE, CLH_A_LN1_SCALE, CLH_A_LN1_NORMALIZED, CLH_A_LN1_OUT,
                          CLH_P_LN1_W, CLH_P_LN1_B},
    [CLH_NORM_AT_MLP] = {CLH_A_RESID_MID, CLH_A_LN2_SCALE, CLH_A_LN2_NORMALIZED, CLH_A_LN2_OUT,
                         CLH_P_LN2_W, CLH_P_LN2_B},
    [CLH_NORM_AT_SOLU] = {CLH_A_MLP_MID, CLH_A_MLP_LN_SCALE, CLH_A_MLP_LN_NORMALIZED,
                          CLH_A_MLP_LN_NORMALIZED, CLH_P_MLP_LN_W, CLH_P_MLP_LN_B},
    [CLH_NORM_AT_FINAL] = {CLH_A_RESID_POST, CLH_A_LN_FINAL_SCALE, CLH_A_LN_FINAL_NORMALIZED,
                           CLH_A_LN_FINAL_OUT, CLH_P_LN_FINAL_W, CLH_P_LN_FINAL_B},
};

/* Behind solu every normalization but LN is LNPre (TransformerLens: can_be_used_as_mlp.py). */
static clh_normalization kind_at(const clh_model_config *c, clh_norm_place place)
{
    if (place == CLH_NORM_AT_SOLU && c->normalization_type != CLH_NORM_LN)
        return CLH_NORM_LNPRE;
    return c->normalization_type;
}

static clh_act_id input_at(const clh_model_config *c, clh_norm_place place)
{
    return place == CLH_NORM_AT_MLP && c->use_hook_mlp_in ? CLH_A_MLP_IN : table[place].in;
}

clh_act_id clh_norms_output(const clh_model_config *config, clh_norm_place place)
{
    switch (kind_at(config, place)) {
    case CLH_NORM_NONE:
        return input_at(config, place);
    case CLH_NORM_RMS:
        return table[place].out;
    default:
        return table[place].normalized;
    }
}

/* Layers of ONCE rows are 0: ln_final reads the last layer's resid_post. */
static size_t input_layer(const clh_pass *pass, clh_norm_place place, size_t layer)
{
    return place == CLH_NORM_AT_FINAL ? pass->config->n_layers - 1 : layer;
}

static clh_norm norm_at(const clh_pass *pass, clh_norm_place place, size_t layer)
{
    const clh_model_config *c = pass->config;
    const bool heads = place <= CLH_NORM_AT_HEADS;
    const size_t each = heads ? c->n_heads : 1;
    const size_t width = place == CLH_NORM_AT_SOLU ? c->d_mlp : c->d_model;
    const size_t row0 = pass->row0 * each, at = row0 * width;
    const clh_normalization kind = kind_at(c, place);
    clh_real *out = kind == CLH_NORM_RMS ? clh_act(pass, table[place].out, layer) + at : NULL;
    return (clh_norm){
        .kind = kind,
        .eps = c->eps,
        .rows = pass->rows * each,
        .width = width,
        .w = clh_param(pass, table[place].w, layer),
        .b = clh_param(pass, table[place].b, layer),
        .x = clh_act(pass, input_at(c, place), input_layer(pass, place, layer)) + at,
        .scale = clh_act(pass, table[place].scale, layer) + row0,
        .normalized = clh_act(pass, table[place].normalized, layer) + at,
        .out = out,
    };
}

void clh_norms_forward(clh_pass *pass, clh_norm_place place, size_t layer)
{
    assert(pass && layer < pass->config->n_layers);
    if (kind_at(pass->config, place) == CLH_NORM_NONE)
        return;
    const clh_act_id in = input_at(pass->config, place), scale = table[place].scale;
    const clh_act_id normalized = table[place].normalized;
    if (clh_pass_due(pass, scale, layer, in, in)) {
        const clh_norm norm = norm_at(pass, place, layer);
        clh_norm_scale(&norm, pass->kernel);
        clh_pass_fire(pass, scale, layer);
    }
    if (clh_pass_due(pass, normalized, layer, in, scale)) {
        const clh_norm norm = norm_at(pass, place, layer);
        clh_norm_normalize(&norm, pass->kernel);
        clh_pass_fire(pass, normalized, layer);
    }
    if (clh_pass_due(pass, table[place].out, layer, normalized, normalized)) {
        const clh_norm norm = norm_at(pass, place, layer);
        clh_norm_output(&norm);
    }
}

void clh_norms_backward(clh_pass *pass, clh_norm_place place, size_t layer)
{
    assert(pass && pass->gradient && layer < pass->config->n_layers);
    if (kind_at(pass->config, place) == CLH_NORM_NONE)
        return;
    clh_norm norm = norm_at(pass, place, layer);
    clh_act_id in = input_at(pass->config, place);
    clh_norm_gradient g = {
        .x = clh_act_gradient(pass, in, input_layer(pass, place, layer)),
        .w = clh_param_gradient(pass, table[place].w, layer),
        .b = clh_param_gradient(pass, table[place].b, layer),
        .scale = clh_act_gradient(pass, table[place].scale, layer),
        .normalized = clh_act_gradient(pass, table[place].normalized, layer),
        .out = norm.out ? clh_act_gradient(pass, table[place].out, layer) : NULL,
    };
    clh_norm_output_backward(&norm, &g);
    clh_pass_fire(pass, table[place].normalized, layer);
    clh_norm_scale_gradient(&norm, &g, pass->kernel);
    clh_pass_fire(pass, table[place].scale, layer);
    clh_norm_input_gradient(&norm, &g, pass->kernel);
}
