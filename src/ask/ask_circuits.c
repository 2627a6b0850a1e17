/* circuits: what the weights of each head are, without running them. */
#include <stdio.h>

#include "ask/question.h"
#include "base/stop.h"
#include "lens/circuits/circuit_list.h"
#include "measure/symbols.h"
#include "model/assume.h"

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

static const clh_field numbers[] = {
    {"composition_mean", NULL, "composition score of random heads of these shapes, mean",
     .decimals = 4},
    {"composition_deviation", NULL, "the same, standard deviation", .decimals = 4},
    {0}};

#define NUMBER(name, meaning, formula, flags_, member)                                             \
    CLH_FIELD(name, NULL, meaning, formula, 3, .flags = flags_, .panel = name,                     \
              CLH_FROM(clh_spectrum, member))
static const clh_field columns[] = {
    CLH_FIELD_TEXT("product", "which matrices it multiplies", CLH_HEADLINE),
    NUMBER("norm", "Frobenius norm", "sqrt(sum of s^2), s the singular values", CLH_HEADLINE, norm),
    NUMBER("rank", "effective rank: participation ratio of the squared singular values",
           "(sum s^2)^2 / sum s^4", CLH_HEADLINE, participation),
    NUMBER(
        "copying", "1: every token raises its own logit, -1: lowers it",
        "sum(lambda) / sum|lambda| of the eigenvalues; Elhage et al. 2021, Mathematical Framework",
        CLH_HEADLINE, copying),
    NUMBER("rank_entropy", "effective rank: of the entropy of the singular values",
           "exp(-sum p ln p), p = s / sum s; Roy and Vetterli 2007", 0, entropy),
    CLH_FIELD_TEXT("kind", "the circuit's name", CLH_DETAIL),
    {"layer", NULL, "of its head", .flags = CLH_DETAIL},
    {"head", NULL, "which head", .flags = CLH_DETAIL},
    CLH_FIELD_TEXT("rows", "what a row is", CLH_DETAIL),
    CLH_FIELD_TEXT("cols", "what a column is", CLH_DETAIL),
    {"row_count", NULL, "how many rows", .flags = CLH_DETAIL},
    {"col_count", NULL, "how many columns", .flags = CLH_DETAIL},
    {0}};
static const clh_field pair_columns[] = {
    {"score", NULL, "how much of what the first head writes the later one reads",
     "|L R| / (|L| |R|), L = W_V W_O of the first; TransformerLens, all_composition_scores()", 4,
     .flags = CLH_CELL, .panel = "composition"},
    {"z", NULL, "its distance from random heads, in their standard deviations", .decimals = 2},
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

static clh_status multiply(clh_array *view, void *user, clh_error *err)
{
    clh_circuit_item *item = user;
    clh_status status = clh_circuit_multiply(item, err);
    view->data = item->product.data;
    return status;
}

/* What labels a side: tokens by their symbols, the query bias by its name, others by number. */
static const char *const *labels_of(clh_side side, const clh_symbols *symbols)
{
    static const char *const bias[] = {"query bias"};
    return clh_side_has_tokens(side) ? symbols->name : side == CLH_SIDE_BIAS ? bias : NULL;
}

static void put_matrix(clh_result *out, clh_circuit_item *item, const clh_symbols *symbols)
{
    const clh_circuit *c = &item->circuit;
    char axis[2][32], title[128], head[64] = "";
    const clh_axis axes[] = {{clh_circuit_axis(c, 0, axis[0]), labels_of(c->rows, symbols)},
                             {clh_circuit_axis(c, 1, axis[1]), labels_of(c->cols, symbols)}};
    clh_array view =
        clh_array_matrix(item->name, CLH_F64, NULL, c->matrix.a.rows, c->matrix.b.cols);
    view.dtype = CLH_F32; /* in files, as the weights are */
    clh_result_array(out, &view, axes, multiply, item);
    if (clh_circuit_has_head(c->kind))
        (void)snprintf(head, sizeof head, ", layer %zu head %zu", c->layer, c->head);
    (void)snprintf(title, sizeof title, "%s%s", c->product, head);
    clh_result_array_title(out, title, SIZE_MAX);
}

/* "blocks.0.head.0.ov.left": numbers that are there already, [rows, cols], or [rows] for no cols. */
static void put_ready(clh_result *out, const clh_circuit_item *item, const char *of,
                      const double *data, size_t rows, size_t cols, const clh_axis *axes)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%s.%s", item->name, of);
    const clh_array view = cols ? clh_array_matrix(name, CLH_F64, data, rows, cols)
                                : clh_array_vector(name, CLH_F64, data, rows);
    if (data && rows)
        clh_result_array(out, &view, axes, NULL, NULL);
}

static void put_spectrum(clh_result *out, const clh_circuit_item *item, const clh_symbols *symbols)
{
    const clh_svd *svd = &item->spectrum.svd;
    const clh_eigenvalues *e = &item->spectrum.eigenvalues;
    const clh_circuit *c = &item->circuit;
    char row[32], col[32];
    const clh_axis value = {.name = "index"}, vector = {.name = "vector"};
    const clh_axis left[] = {{clh_circuit_axis(c, 0, row), labels_of(c->rows, symbols)}, vector};
    const clh_axis right[] = {{clh_circuit_axis(c, 1, col), labels_of(c->cols, symbols)}, vector};
    put_ready(out, item, "singular_values", svd->s, svd->count, 0, &value);
    put_ready(out, item, "eigenvalues_re", e->re, e->count, 0, &value);
    put_ready(out, item, "eigenvalues_im", e->im, e->count, 0, &value);
    put_ready(out, item, "left", svd->u.data, svd->u.rows, svd->u.cols, left);
    put_ready(out, item, "right", svd->v.data, svd->v.rows, svd->v.cols, right);
}

static void put_circuits(clh_result *out, clh_circuit_list *list, const clh_symbols *symbols)
{
    for (size_t i = 0; i < list->count; i++) {
        const clh_circuit *c = &list->item[i].circuit;
        clh_result_row(out, "circuits", list->item[i].name);
        clh_row_read(out, &list->item[i].spectrum);
        clh_row_text(out, "product", c->product);
        clh_row_text(out, "kind", clh_circuit_name(c->kind));
        clh_row_text(out, "rows", clh_side_name(c->rows));
        clh_row_text(out, "cols", clh_side_name(c->cols));
        clh_row_put_numbers(out, {"row_count", (double)c->matrix.a.rows},
                            {"col_count", (double)c->matrix.b.cols});
        if (clh_circuit_has_head(c->kind))
            clh_row_put_numbers(out, {"layer", (double)c->layer}, {"head", (double)c->head});
        put_matrix(out, &list->item[i], symbols);
        put_spectrum(out, &list->item[i], symbols);
    }
}

/* Every pair of heads of which the second is in a later layer. */
static void put_composition(clh_result *out, const clh_composition *all)
{
    static const char *const kinds[] = {"Q", "K", "V"};
    const size_t heads = all->n_heads, count = all->n_layers * heads;
    char from[48], to[48];
    clh_result_put_numbers(out, {"composition_mean", all->mean},
                           {"composition_deviation", all->deviation});
    for (clh_composition_kind kind = 0; kind < CLH_COMPOSITION_KINDS; kind++)
        for (size_t i = 0; all->score[kind] && i < count; i++)
            for (size_t j = (i / heads + 1) * heads; j < count; j++) {
                const clh_composition_pair pair =
                    clh_composition_at(all, kind, i / heads, i % heads, j / heads, j % heads);
                (void)snprintf(from, sizeof from, "%zu.%zu", i / heads, i % heads);
                (void)snprintf(to, sizeof to, "%zu.%zu", j / heads, j % heads);
                clh_result_row(out, "composition", kinds[kind], from, to);
                clh_row_put_numbers(out, {"score", pair.score}, {"z", pair.z});
            }
}

static clh_status ask_composition(clh_result *out, const clh_subject *s, size_t samples,
                                  const clh_watch *watch, clh_error *err)
{
    static const char *const parts[] = {"composition_mean", "composition_deviation", "composition"};
    const clh_model *model = clh_subject_model(s);
    clh_composition all = {0};
    if (clh_model_get_config(model)->n_layers < 2) {
        for (size_t i = 0; i < CLH_COUNT(parts); i++)
            clh_result_absent(out, parts[i], "one layer: no head has a later one to compose with");
        return CLH_OK;
    }
    clh_watch_part part;
    clh_status status = clh_composition_open(&all, model, samples, clh_subject_seed(s),
                                             clh_watch_part_of(&part, watch, 1, 1, 2), err);
    if (!status)
        put_composition(out, &all);
    clh_composition_deinit(&all);
    return status;
}

static void note_why(clh_result *out, const char *why)
{
    char text[sizeof(((clh_error *)0)->message) + 16];
    (void)snprintf(text, sizeof text, "Left out: %s.", why);
    clh_result_note(out, text);
}

/* Circuits, and compositions, that this kind of model has not. */
static void note_missing(clh_result *out, const clh_model_config *c)
{
    clh_error why = {0};
    if (clh_assume(c, CLH_ASSUME_QK, "QK circuits and composition through them", &why) ||
        clh_assume(c, CLH_ASSUME_POSITIONS, "circuits of positions", &why))
        note_why(out, why.message);
}

static void close_list(void *list)
{
    clh_circuit_list_close(list);
}

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
        status = ask_composition(out, s, set->samples, how->watch, err);
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
