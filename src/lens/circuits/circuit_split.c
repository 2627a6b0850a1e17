/* A score in its parts: token, position and bias of the query with those of the key. */
#include <math.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "model/description/assume.h"

clh_status clh_qk_split_open(clh_qk_split *out, const clh_model *model, size_t layer, size_t head,
                             clh_error *err)
{
    CLH_REQUIRE(out && model, err, "a model, and room for the split");
    *out = (clh_qk_split){0};
    clh_qk_split split = {0};
    const clh_model_config *c = clh_model_get_config(model);
    clh_status status = clh_head_check(model, layer, head, err);
    if (!status)
        status = clh_assume(c, CLH_ASSUME_POSITIONS, "a score in its parts", err);
    for (size_t i = 0; i < CLH_SPLIT_PARTS && !status; i++) {
        const clh_side part = (clh_side)i;
        status = clh_leg_make(&split.q[part], model, part, CLH_P_W_Q, layer, head, true, err);
        if (!status)
            status = clh_leg_make(&split.k[part], model, part, CLH_P_W_K, layer, head, true, err);
        for (size_t at = 0; at < split.q[part].rows * split.q[part].cols; at++)
            split.q[part].data[at] /= clh_attn_scale(model);
    }
    if (status)
        clh_qk_split_deinit(&split);
    *out = split;
    return status;
}

/** The row of each part that an end reads, and what it is divided by; false where it has none. */
static bool rows_of(const double *row[CLH_SPLIT_PARTS], double scale[CLH_SPLIT_PARTS],
                    const clh_dense part[CLH_SPLIT_PARTS], const clh_qk_end *end)
{
    const size_t index[CLH_SPLIT_PARTS] = {end->token, end->position, 0};
    for (size_t i = 0; i < CLH_SPLIT_PARTS; i++) {
        if (index[i] >= part[i].rows || !part[i].data)
            return false;
        row[i] = part[i].data + index[i] * part[i].cols;
        scale[i] = i == CLH_SIDE_BIAS ? 1 : end->scale;
    }
    return true;
}

void clh_qk_split_score(double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS], const clh_qk_split *split,
                        const clh_qk_end *query, const clh_qk_end *key)
{
    const double *q[CLH_SPLIT_PARTS], *k[CLH_SPLIT_PARTS];
    double q_scale[CLH_SPLIT_PARTS], k_scale[CLH_SPLIT_PARTS];
    if (!parts)
        return;
    const bool there = split && query && key && rows_of(q, q_scale, split->q, query) &&
                       rows_of(k, k_scale, split->k, key);
    for (size_t x = 0; x < CLH_SPLIT_PARTS; x++)
        for (size_t y = 0; y < CLH_SPLIT_PARTS; y++) {
            double sum = 0;
            if (!there) {
                parts[x][y] = NAN;
                continue;
            }
            for (size_t i = 0; i < split->q[x].cols; i++)
                sum += q[x][i] * k[y][i];
            parts[x][y] = sum / (q_scale[x] * k_scale[y]);
        }
}

void clh_qk_split_deinit(clh_qk_split *split)
{
    for (size_t i = 0; split && i < CLH_SPLIT_PARTS; i++) {
        clh_dense_deinit(&split->q[i]);
        clh_dense_deinit(&split->k[i]);
    }
}
