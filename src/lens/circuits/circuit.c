/* The table of circuits, and how each is made. */
#include <assert.h>
#include <stdio.h>

#include "base/base.h"
#include "lens/circuits/circuit_parts.h"
#include "model/description/assume.h"

/** Which matrices a circuit goes through. */
typedef enum family { OV, QK, DIRECT } family;

static const struct {
    const char *name;
    family family;
    clh_side rows, cols;
} table[CLH_CIRCUIT_KINDS] = {
    [CLH_CIRCUIT_OV] = {"ov", OV, CLH_SIDE_TOKEN, CLH_SIDE_OUTPUT},
    [CLH_CIRCUIT_OV_POSITION] = {"ov_position", OV, CLH_SIDE_POSITION, CLH_SIDE_OUTPUT},
    [CLH_CIRCUIT_QK] = {"qk", QK, CLH_SIDE_TOKEN, CLH_SIDE_TOKEN},
    [CLH_CIRCUIT_QK_TOKEN_POSITION] = {"qk_token_position", QK, CLH_SIDE_TOKEN, CLH_SIDE_POSITION},
    [CLH_CIRCUIT_QK_POSITION_TOKEN] = {"qk_position_token", QK, CLH_SIDE_POSITION, CLH_SIDE_TOKEN},
    [CLH_CIRCUIT_QK_POSITION] = {"qk_position", QK, CLH_SIDE_POSITION, CLH_SIDE_POSITION},
    [CLH_CIRCUIT_QK_BIAS_TOKEN] = {"qk_bias_token", QK, CLH_SIDE_BIAS, CLH_SIDE_TOKEN},
    [CLH_CIRCUIT_QK_BIAS_POSITION] = {"qk_bias_position", QK, CLH_SIDE_BIAS, CLH_SIDE_POSITION},
    [CLH_CIRCUIT_HEAD_OV] = {"head_ov", OV, CLH_SIDE_RESIDUAL, CLH_SIDE_RESIDUAL},
    [CLH_CIRCUIT_HEAD_QK] = {"head_qk", QK, CLH_SIDE_RESIDUAL, CLH_SIDE_RESIDUAL},
    [CLH_CIRCUIT_DIRECT] = {"direct", DIRECT, CLH_SIDE_TOKEN, CLH_SIDE_OUTPUT},
    [CLH_CIRCUIT_DIRECT_POSITION] = {"direct_position", DIRECT, CLH_SIDE_POSITION, CLH_SIDE_OUTPUT},
};

const char *clh_side_name(clh_side side)
{
    static const char *const names[] = {[CLH_SIDE_TOKEN] = "token",
                                        [CLH_SIDE_POSITION] = "position",
                                        [CLH_SIDE_BIAS] = "bias",
                                        [CLH_SIDE_RESIDUAL] = "residual",
                                        [CLH_SIDE_OUTPUT] = "output"};
    return (size_t)side < CLH_COUNT(names) ? names[side] : NULL;
}

const char *clh_circuit_name(clh_circuit_kind kind)
{
    return kind < CLH_CIRCUIT_KINDS ? table[kind].name : NULL;
}

bool clh_circuit_has_head(clh_circuit_kind kind)
{
    return kind < CLH_CIRCUIT_KINDS && table[kind].family != DIRECT;
}

/* "W_Q" */
static const char *symbol(clh_param_id id)
{
    return clh_row_short(&clh_layout_params.row[id]);
}

/* An embedding's matrix before what reads it, "W_E ", or transposed after it, " W_E^T". */
static void write_embedding(char out[16], clh_side part, bool after)
{
    out[0] = '\0';
    if (part == CLH_SIDE_TOKEN || part == CLH_SIDE_POSITION)
        (void)snprintf(out, 16, after ? " %s^T" : "%s ", symbol(clh_embedding_of(part)));
}

static void write_product(clh_circuit *c)
{
    const char *fold = c->norm ? "'" : "";
    const bool to_logits = c->cols == CLH_SIDE_OUTPUT, bias = c->rows == CLH_SIDE_BIAS;
    char row[16], col[16];
    write_embedding(row, c->rows, false);
    write_embedding(col, c->cols, true);
    switch (table[c->kind].family) {
    case OV:
        (void)snprintf(c->product, sizeof c->product, "%s%s%s %s%s%s%s", row, symbol(CLH_P_W_V),
                       fold, symbol(CLH_P_W_O), to_logits ? " " : col,
                       to_logits ? symbol(CLH_P_W_U) : "", to_logits ? fold : "");
        break;
    case QK:
        (void)snprintf(c->product, sizeof c->product, "%s%s%s %s%s^T%s%s", row,
                       symbol(bias ? CLH_P_B_Q : CLH_P_W_Q), fold, symbol(CLH_P_W_K), fold, col,
                       c->norm ? " / attn_scale" : "");
        break;
    case DIRECT:
        (void)snprintf(c->product, sizeof c->product, "%s%s%s", row, symbol(CLH_P_W_U), fold);
        break;
    }
}

/** W_U, the final norm folded in. */
static clh_status take_unembed(clh_dense *out, const clh_model *model, bool norm, clh_error *err)
{
    clh_status status = clh_weight_take(out, model, CLH_P_W_U, 0, SIZE_MAX, err);
    if (!status && norm)
        status = clh_norm_fold(out, model, CLH_P_W_U, 0, err);
    if (status)
        clh_dense_deinit(out);
    return status;
}

/** A = rows W_V, B = W_O or W_O W_U. */
static clh_status make_ov(clh_circuit *c, const clh_model *model, clh_error *err)
{
    clh_dense w_o = {0}, w_u = {0};
    clh_status status =
        clh_leg_make(&c->matrix.a, model, c->rows, CLH_P_W_V, c->layer, c->head, c->norm, err);
    if (!status)
        status = clh_weight_take(&w_o, model, CLH_P_W_O, c->layer, c->head, err);
    if (!status && c->cols == CLH_SIDE_RESIDUAL) {
        c->matrix.b = w_o;
        return CLH_OK;
    }
    if (!status)
        status = take_unembed(&w_u, model, c->norm, err);
    if (!status)
        status = clh_dense_multiply(&c->matrix.b, &w_o, &w_u, err);
    clh_dense_deinit(&w_u);
    clh_dense_deinit(&w_o);
    return status;
}

/** A = rows W_Q, B = (cols W_K)^T. */
static clh_status make_qk(clh_circuit *c, const clh_model *model, clh_error *err)
{
    clh_dense key = {0};
    clh_status status =
        clh_leg_make(&c->matrix.a, model, c->rows, CLH_P_W_Q, c->layer, c->head, c->norm, err);
    if (!status)
        status = clh_leg_make(&key, model, c->cols, CLH_P_W_K, c->layer, c->head, c->norm, err);
    if (!status)
        status = clh_dense_transpose(&c->matrix.b, &key, err);
    clh_dense_deinit(&key);
    if (!status && c->norm)
        for (size_t i = 0; i < c->matrix.a.rows * c->matrix.a.cols; i++)
            c->matrix.a.data[i] /= clh_attn_scale(model);
    return status;
}

/** A = W_E or W_pos, B = W_U. */
static clh_status make_direct(clh_circuit *c, const clh_model *model, clh_error *err)
{
    clh_status status =
        clh_weight_take(&c->matrix.a, model, clh_embedding_of(c->rows), 0, SIZE_MAX, err);
    return status ? status : take_unembed(&c->matrix.b, model, c->norm, err);
}

clh_status clh_circuit_check(const clh_model_config *config, clh_circuit_kind kind, clh_error *err)
{
    assert(config && kind < CLH_CIRCUIT_KINDS);
    const bool position =
        table[kind].rows == CLH_SIDE_POSITION || table[kind].cols == CLH_SIDE_POSITION;
    clh_status status =
        position ? clh_assume(config, CLH_ASSUME_POSITIONS, table[kind].name, err) : CLH_OK;
    if (!status && table[kind].family == QK)
        status = clh_assume(config, CLH_ASSUME_QK, table[kind].name, err);
    return status;
}

clh_status clh_circuit_open(clh_circuit *out, const clh_model *model, clh_circuit_kind kind,
                            size_t layer, size_t head, bool norm, clh_error *err)
{
    static clh_status (*const make[])(clh_circuit *, const clh_model *, clh_error *) = {
        [OV] = make_ov, [QK] = make_qk, [DIRECT] = make_direct};
    CLH_REQUIRE(out && model, err, "a model, and room for the circuit");
    *out = (clh_circuit){0};
    clh_status status = clh_check_enum((unsigned)kind, CLH_CIRCUIT_KINDS, "kind", err);
    if (!status && clh_circuit_has_head(kind))
        status = clh_head_check(model, layer, head, err);
    if (!status)
        status = clh_circuit_check(clh_model_get_config(model), kind, err);
    if (status)
        return status;
    clh_circuit circuit = {.kind = kind,
                           .rows = table[kind].rows,
                           .cols = table[kind].cols,
                           .layer = layer,
                           .head = head,
                           .norm = norm};
    status = make[table[kind].family](&circuit, model, err);
    if (status) {
        clh_circuit_deinit(&circuit);
        return status;
    }
    write_product(&circuit);
    *out = circuit;
    return CLH_OK;
}

void clh_circuit_deinit(clh_circuit *circuit)
{
    if (!circuit)
        return;
    clh_factored_deinit(&circuit->matrix);
    *circuit = (clh_circuit){0};
}
