#include "model/parts/norms.h"

#include <assert.h>

#include "model/parts/norm.h"

static clh_act_id input_at(const clh_model_config *c, clh_norm_place place)
{
    if (place == CLH_NORM_AT_FINAL)
        return (clh_act_id)clh_layout_stream_end(c).id;
    if (place != CLH_NORM_AT_MLP)
        return clh_norm_rows[place].in;
    return c->use_hook_mlp_in ? CLH_A_MLP_IN : clh_layout_mlp_reads(c);
}

/* Whether w and b come behind hook_normalized. */
static bool has_out(const clh_model_config *c, clh_norm_place place)
{
    return clh_row_exists(&clh_layout_acts.row[clh_norm_rows[place].out], c);
}

clh_act_id clh_norms_output(const clh_model_config *config, clh_norm_place place)
{
    if (clh_layout_norm_kind(config, place) == CLH_NORM_NONE)
        return input_at(config, place);
    return has_out(config, place) ? clh_norm_rows[place].out : clh_norm_rows[place].normalized;
}

/* Rows behind the blocks have layer 0: ln_final reads the last layer's resid_post. */
static size_t input_layer(const clh_pass *pass, clh_norm_place place, size_t layer)
{
    return place == CLH_NORM_AT_FINAL ? clh_layout_stream_end(pass->config).layer : layer;
}

static clh_norm norm_at(const clh_pass *pass, clh_norm_place place, size_t layer)
{
    const clh_model_config *c = pass->config;
    const clh_row *in = &clh_layout_acts.row[clh_norm_rows[place].in];
    const clh_tensor row = clh_row_shape(in, c, 1, 1);
    const size_t each = clh_row_heads(in, c) < row.rank ? c->n_heads : 1;
    const size_t width = row.shape[row.rank - 1];
    const size_t row0 = pass->row0 * each, at = row0 * width;
    const clh_normalization kind = clh_layout_norm_kind(c, place);
    clh_real *out = has_out(c, place) ? clh_act(pass, clh_norm_rows[place].out, layer) + at : NULL;
    return (clh_norm){
        .kind = kind,
        .eps = c->eps,
        .rows = pass->rows * each,
        .width = width,
        .w = clh_param(pass, clh_norm_rows[place].w, layer),
        .b = clh_param(pass, clh_norm_rows[place].b, layer),
        .x = clh_act(pass, input_at(c, place), input_layer(pass, place, layer)) + at,
        .scale = clh_act(pass, clh_norm_rows[place].scale, layer) + row0,
        .normalized = clh_act(pass, clh_norm_rows[place].normalized, layer) + at,
        .out = out,
    };
}

void clh_norms_forward(clh_pass *pass, clh_norm_place place, size_t layer)
{
    assert(pass && (layer < pass->config->n_layers || place == CLH_NORM_AT_FINAL));
    if (clh_layout_norm_kind(pass->config, place) == CLH_NORM_NONE)
        return;
    const clh_act_id in = input_at(pass->config, place), scale = clh_norm_rows[place].scale;
    const clh_act_id normalized = clh_norm_rows[place].normalized;
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
    if (clh_pass_due(pass, clh_norm_rows[place].out, layer, normalized, normalized)) {
        const clh_norm norm = norm_at(pass, place, layer);
        clh_norm_output(&norm, pass->kernel);
    }
}

void clh_norms_backward(clh_pass *pass, clh_norm_place place, size_t layer)
{
    assert(pass && pass->gradient);
    assert(layer < pass->config->n_layers || place == CLH_NORM_AT_FINAL);
    if (!clh_pass_goes_on(pass))
        return;
    if (clh_layout_norm_kind(pass->config, place) == CLH_NORM_NONE)
        return;
    clh_pass_take(pass, clh_norm_rows[place].scale, layer);
    clh_norm norm = norm_at(pass, place, layer);
    clh_act_id in = input_at(pass->config, place);
    clh_norm_gradient g = {
        .x = clh_act_gradient(pass, in, input_layer(pass, place, layer)),
        .w = clh_param_gradient(pass, clh_norm_rows[place].w, layer),
        .b = clh_param_gradient(pass, clh_norm_rows[place].b, layer),
        .scale = clh_act_gradient(pass, clh_norm_rows[place].scale, layer),
        .normalized = clh_act_gradient(pass, clh_norm_rows[place].normalized, layer),
        .out = norm.out ? clh_act_gradient(pass, clh_norm_rows[place].out, layer) : NULL,
    };
    clh_norm_output_backward(&norm, &g, pass->kernel);
    clh_pass_fire(pass, clh_norm_rows[place].normalized, layer);
    clh_norm_scale_gradient(&norm, &g, pass->kernel);
    clh_pass_fire(pass, clh_norm_rows[place].scale, layer);
    clh_norm_input_gradient(&norm, &g, pass->kernel);
}
