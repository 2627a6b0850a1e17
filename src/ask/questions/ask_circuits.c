/* circuits: what the weights of each head are, without running them. */
#include <stdio.h>

#include "ask/shared/question.h"
#include "base/stop.h"
#include "lens/circuits/circuit_list.h"
#include "measure/sequences/symbols.h"

typedef struct circuits_settings {
    char kind[32]; /**< "all", or the name of a clh_circuit_kind */
    size_t layer, head, samples;
    bool norm;
} circuits_settings;

static const clh_key keys[] = {
    CLH_ROW(circuits_settings, norm, BOOL, "false", NULL,
            "fold the norms into the matrices that read through them"),
    CLH_ROW(circuits_settings, kind, TEXT, "all", "CIRCUIT",
            "only this circuit, by its name: qk_position"),
    CLH_ROW_AUTO(circuits_settings, layer, SIZE, NULL, "[0, 1000]", "only heads of this layer"),
    CLH_ROW_AUTO(circuits_settings, head, SIZE, NULL, "[0, 10000]", "only this head"),
    CLH_ROW(circuits_settings, samples, SIZE, "100", "[2, 100000]",
            "random heads that composition scores are compared with"),
};

static const clh_field numbers[] = {{"composition_mean", NULL,
                                     "composition score of random heads of these shapes, mean",
                                     .decimals = 4, CLH_FROM(clh_composition, mean)},
                                    {"composition_deviation", NULL, "the same, standard deviation",
                                     .decimals = 4, CLH_FROM(clh_composition, deviation)},
                                    {0}};

#define OF(member) CLH_FROM(clh_circuit_item, member)
#define NUMBER(name, meaning, formula, flags_, member)                                             \
    CLH_FIELD(name, NULL, meaning, formula, 3, .flags = flags_, .panel = name, OF(spectrum.member))
static const clh_field columns[] = {
    CLH_FIELD_TEXT("product", "which matrices it multiplies", CLH_HEADLINE, OF(circuit.product)),
    NUMBER("norm", "Frobenius norm", "sqrt(sum of s^2), s the singular values", CLH_HEADLINE, norm),
    NUMBER("rank", "effective rank: participation ratio of the squared singular values",
           "(sum s^2)^2 / sum s^4", CLH_HEADLINE, participation),
    NUMBER(
        "copying", "1: every token raises its own logit, -1: lowers it",
        "sum(lambda) / sum|lambda| of the eigenvalues; Elhage et al. 2021, Mathematical Framework",
        CLH_HEADLINE, copying),
    NUMBER("rank_entropy", "effective rank: of the entropy of the singular values",
           "exp(-sum p ln p), p = s / sum s; Roy and Vetterli 2007", 0, entropy),
    CLH_FIELD_TEXT("kind", "the circuit's name", CLH_DETAIL, OF(kind)),
    {"layer", NULL, "of its head", .flags = CLH_DETAIL, OF(layer)},
    {"head", NULL, "which head", .flags = CLH_DETAIL, OF(head)},
    CLH_FIELD_TEXT("rows", "what a row is", CLH_DETAIL, OF(rows)),
    CLH_FIELD_TEXT("cols", "what a column is", CLH_DETAIL, OF(cols)),
    {"row_count", NULL, "how many rows", .flags = CLH_DETAIL, OF(row_count)},
    {"col_count", NULL, "how many columns", .flags = CLH_DETAIL, OF(col_count)},
    {0}};
static const clh_field pair_columns[] = {
    {"score", NULL, "how much of what the first head writes the later one reads",
     "|L R| / (|L| |R|), L = W_V W_O of the first; TransformerLens, all_composition_scores()", 4,
     .flags = CLH_CELL, .panel = "composition", CLH_FROM(clh_composition_row, of.score)},
    {"z", NULL, "its distance from random heads, in their standard deviations", .decimals = 2,
     CLH_FROM(clh_composition_row, of.z)},
    {0}};

#define MATRIX(name, unit_, meaning)                                                               \
    CLH_FIELD(CLH_PART_ARRAY, name, meaning, .draw = "heat", .unit = unit_, .flags = CLH_DETAIL)
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "circuits", "products of the weights, by head", .keys = "circuit",
     .fields = columns},
    {CLH_PART_NUMBERS, "random", NULL, .fields = numbers},
    {CLH_PART_TABLE, "composition", "how much a later head reads of what an earlier one writes",
     .keys = "kind,from,to", .fields = pair_columns},
    MATRIX("*.ov", "logit", "source token -> logits"),
    MATRIX("*.ov_position", "logit", "source position -> logits"),
    MATRIX("*.qk", "score", "query token, key token"),
    MATRIX("*.qk_token_position", "score", "query token, key position"),
    MATRIX("*.qk_position_token", "score", "query position, key token"),
    MATRIX("*.qk_position", "score", "query position, key position"),
    MATRIX("*.qk_bias_token", "score", "query bias, key token: a token's own pull"),
    MATRIX("*.qk_bias_position", "score", "query bias, key position"),
    MATRIX("*.head_ov", NULL, "residual -> residual"),
    MATRIX("*.head_qk", NULL, "residual, residual"),
    MATRIX("direct", "logit", "token -> logits without any head"),
    MATRIX("direct_position", "logit", "position -> logits without any head"),
    {CLH_PART_ARRAY, "*.singular_values", "largest first", .draw = "positions"},
    {CLH_PART_ARRAY, "*.eigenvalues_re", "largest magnitude first, real parts",
     .draw = "positions"},
    {CLH_PART_ARRAY, "*.eigenvalues_im", "imaginary parts", .draw = "positions"},
    {CLH_PART_ARRAY, "*.left", "left singular vectors, a column each", .flags = CLH_DETAIL},
    {CLH_PART_ARRAY, "*.right", "right singular vectors, a column each", .flags = CLH_DETAIL},
    {0}};

static void put_circuits(clh_result *out, clh_circuit_list *list, const clh_symbols *symbols)
{
    clh_circuit_array array[CLH_CIRCUIT_ARRAYS];
    for (size_t i = 0; i < list->count; i++) {
        clh_circuit_item *item = &list->item[i];
        clh_result_row(out, "circuits", item->name);
        clh_row_read(out, item);
        const size_t arrays = clh_circuit_arrays(array, item, symbols);
        for (size_t a = 0; a < arrays; a++) {
            clh_result_array(out, &array[a].array, array[a].axes, clh_circuit_fill, item);
            if (a == 0)
                clh_result_array_title(out, item->title, SIZE_MAX);
        }
    }
}

static clh_status put_composition(clh_result *out, const clh_subject *s, size_t samples,
                                  const clh_watch *watch, clh_error *err)
{
    clh_composition all = {0};
    clh_composition_row *row = NULL;
    size_t rows = 0;
    clh_watch_part part;
    if (clh_model_get_config(clh_subject_model(s))->n_layers < 2) {
        clh_result_absent_each(out, "one layer: no head has a later one to compose with",
                               "composition_mean", "composition_deviation", "composition");
        return CLH_OK;
    }
    clh_status status =
        clh_composition_open(&all, clh_subject_model(s), samples, clh_subject_seed(s),
                             clh_watch_part_of(&part, watch, 1, 1, 2), err);
    if (!status)
        status = clh_composition_rows(&row, &rows, &all, err);
    if (!status)
        clh_result_read(out, "random", &all);
    for (size_t i = 0; i < rows; i++) {
        clh_result_row(out, "composition", row[i].kind, row[i].from, row[i].to);
        clh_row_read(out, &row[i]);
    }
    clh_free(row);
    clh_composition_deinit(&all);
    return status;
}

/* Circuits, and compositions, that this kind of model has not. */
static void note_missing(clh_result *out, const clh_model_config *c)
{
    clh_error why = {0};
    char text[sizeof why.message + 16];
    const char *missing = clh_circuit_missing(c, &why);
    (void)snprintf(text, sizeof text, "Left out: %s.", missing ? missing : "");
    if (missing)
        clh_result_note(out, text);
}

CLH_CLOSER(close_list, clh_circuit_list_close)

static clh_status ask_circuits(clh_result *out, clh_subject *s, const void *settings,
                               const clh_how *how, clh_error *err)
{
    const circuits_settings *set = settings;
    const clh_model_config *c = clh_model_get_config(clh_subject_model(s));
    clh_circuit_ask ask = {CLH_CIRCUIT_KINDS, set->layer, set->head, set->norm};
    clh_circuit_list *list = NULL;
    clh_watch_part part;
    clh_symbols symbols = {0};
    clh_status status = clh_circuit_find(&ask.kind, set->kind, err);
    if (!status)
        status = clh_symbols_make(&symbols, clh_subject_vocab(s), NULL,
                                  c->d_vocab > c->d_vocab_out ? c->d_vocab : c->d_vocab_out, err);
    if (!status)
        status = clh_circuit_list_open(&list, clh_subject_model(s), &ask,
                                       clh_watch_part_of(&part, how->watch, 0, 1, 2), err);
    if (!status)
        status = clh_result_keep(out, list, close_list, err);
    if (!status) {
        put_circuits(out, list, &symbols);
        note_missing(out, c);
        status = put_composition(out, s, set->samples, how->watch, err);
    }
    clh_symbols_deinit(&symbols);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    clh_circuit_kind kind;
    (void)s;
    return clh_circuit_find(&kind, ((const circuits_settings *)settings)->kind, err);
}

const clh_question clh_question_circuits = {
    .name = "circuits",
    .summary = "what the weights of each head compute",
    .description =
        "Multiplies out the circuits of every head, read from the weights alone: OV, which source "
        "token or position pushes which logit; QK, which key a query prefers, with tokens and "
        "positions on either side; and the direct path. Each row names the product it is, its "
        "Frobenius norm, its effective rank twice, and its copying score: 1 where every token "
        "raises its own logit, -1 where it lowers it. The matrices themselves, their singular "
        "values and vectors and their eigenvalues are arrays: --out writes them, --part NAME "
        "--figure draws one.\n\n"
        "With --norm the norms before the reading matrices are folded in but for the division by "
        "their scale. Of a model with several layers also the composition scores of every pair of "
        "heads, with their distance from random heads in standard deviations.",
    .examples = "clearhead circuits runs/notebook # a table\n"
                "clearhead circuits runs/notebook --kind qk_position --figure qk.png # a heat map\n"
                "clearhead circuits runs/notebook --norm --out circuits.safetensors # the matrices",
    CLH_SETTINGS(keys, circuits_settings),
    .needs = CLH_NEEDS_ATTENTION | CLH_NEEDS_NO_N,
    .schema = schema,
    .over = "blocks.0.head.0.ov.copying, blocks.0.head.0.ov.norm, blocks.0.head.0.qk.norm",
    .check = check,
    .ask = ask_circuits};
