/* lens: the right token, read from the residual stream at every layer. */
#include "ask/shared/predictions.h"

typedef struct lens_settings {
    clh_predictions_of of;
    unsigned norm;
} lens_settings;

static const clh_key keys[] = {
    CLH_PREDICTIONS_KEYS(lens_settings, of),
    CLH_ROW(lens_settings, norm, CHOICE, "recomputed", "frozen|recomputed",
            "what ln_final does to a stream: the scale of the last one, or its own"),
};

static const clh_field numbers[] = {
    {"distance", "share", "of the largest logit, the largest |last stream's logit - the model's|",
     NULL, 9, .flags = CLH_LOG},
    {0}};

/* The rows of clh_resid_grid_number, each a column of the table and an array. */
static const clh_field columns[] = {
    CLH_FIELD_LOSS("loss", "-log p(right token), mean over the predictions", CLH_HEADLINE),
    {"prob", "share", "p(right token)", .decimals = 6, .flags = CLH_HEADLINE | CLH_SHARE},
    {"rank", NULL, "how many tokens are said before it", .decimals = 6},
    {"correct", "share", "of the predictions, those whose right token it says", .decimals = 6,
     .flags = CLH_SHARE},
    {"logit", "logit", "of the right token", .decimals = 6},
    {0}};
static const clh_field position_columns[] = {
    CLH_FIELD_TEXT("predicts", "what stands behind the position", 0),
    CLH_FIELD_TEXT("token", "which token that is", 0),
    CLH_FIELD_LOSS("loss", "of the last stream", 0),
    {"prob", "share", "p(right token), of the last stream", .decimals = 6, .flags = CLH_SHARE},
    {0}};

#define BY_POSITION(name, unit_, meaning, flags_)                                                  \
    CLH_FIELD(CLH_PART_ARRAY, name, meaning, .draw = "strip", .unit = unit_, .flags = flags_)
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "streams", "what the model would say if it ended there", .keys = "stream",
     .fields = columns},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "positions", "the model by position", .keys = "#position", .flags = CLH_DETAIL,
     .fields = position_columns},
    {CLH_PART_ARRAY, "prob_by_term",
     "p(right token) by what is predicted, positions row by row; NaN: no position", .draw = "heat",
     .unit = "share", .flags = CLH_DETAIL | CLH_SHARE | CLH_GAPS},
    BY_POSITION("prob", "share", "p(right token) by position", CLH_SHARE),
    BY_POSITION("loss", "nats/token", "-log p(right token)", 0),
    BY_POSITION("rank", NULL, "tokens said before it", 0),
    BY_POSITION("correct", "share", "how often it is what is said", CLH_SHARE),
    BY_POSITION("logit", "logit", "of the right token", 0),
    {0}};

static void put_tables(clh_result *out, const clh_resid_grid *g, const clh_predictions *p,
                       const clh_subject *subject)
{
    clh_result_put_number(out, "distance", g->worst);
    for (size_t s = 0; s < g->parts; s++) {
        clh_result_row(out, "streams", g->row[s].name);
        for (size_t k = 0; k < CLH_RESID_NUMBERS; k++)
            clh_row_put_number(out, columns[k].name, g->row[k * g->parts + s].mean);
    }
    for (size_t i = 0; i < g->count; i++) {
        const size_t last = g->parts - 1;
        clh_predictions_row(out, p, subject, i);
        clh_row_put_numbers(out, {"loss", g->row[CLH_RESID_LOSS * g->parts + last].value[i]},
                            {"prob", g->row[CLH_RESID_PROB * g->parts + last].value[i]});
    }
}

static clh_status put_arrays(clh_result *out, const clh_predictions_kept *k,
                             const clh_predictions *p, clh_error *err)
{
    static const clh_resid_grid_number order[] = {CLH_RESID_PROB, CLH_RESID_LOSS, CLH_RESID_RANK,
                                                  CLH_RESID_CORRECT, CLH_RESID_LOGIT};
    static const char title[] = "Logit lens: the right token";
    const size_t parts = k->grid.parts;
    clh_status status = CLH_OK;
    for (size_t i = 0; i < CLH_COUNT(order) && !status; i++)
        status = clh_predictions_put_grid(out, columns[order[i]].name, title, "stream", &k->grid,
                                          order[i] * parts, parts, p, err);
    clh_predictions_put_fold(out, "prob_by_term", title, &k->fold, p);
    return status;
}

static clh_status ask_lens(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const lens_settings *set = settings;
    clh_predictions p = {0};
    clh_predictions_kept *k = clh_predictions_keep(out, err);
    clh_status status =
        k ? clh_predictions_open(&p, s, &set->of, NULL, how->watch, err) : CLH_ENOMEM;
    const clh_resid_grid_ask ask = {p.batch.tokens, p.position, p.count, .right = true,
                                    .norm = (clh_final_norm)set->norm};
    if (!status)
        status =
            clh_resid_grid_lens(&k->grid, clh_subject_model(s), p.cache, &ask, how->watch, err);
    if (!status)
        status = clh_resid_fold_make(&k->fold, &k->grid, &ask, CLH_RESID_PROB * k->grid.parts,
                                     k->grid.parts, SIZE_MAX, clh_subject_task(s), err);
    if (!status) {
        clh_given_stamp(out, s, &set->of.given, p.batch.tokens.batch, p.asked);
        put_tables(out, &k->grid, &p, s);
        status = put_arrays(out, k, &p, err);
    }
    clh_predictions_deinit(&p);
    return status;
}

const clh_question clh_question_lens = {
    .name = "lens",
    .summary = "the right token, read from the residual stream at every layer",
    .description =
        "The logit lens: the residual stream is read as if the model ended there, through the "
        "final norm and the unembedding: loss, probability and rank of the right token before "
        "each layer, between attention and MLP, and at the end, mean over the scored predictions "
        "of held-out sequences and by position. The last stream is the model itself.",
    .examples = "clearhead lens runs/notebook # every layer\n"
                "clearhead lens runs/notebook --letters psM1 --part rank --csv # one sequence\n"
                "clearhead lens runs/notebook --checkpoints --figure lens.png # over training",
    CLH_SETTINGS(keys, lens_settings),
    .schema = schema,
    .over = "0_pre.loss, final_post.loss, final_post.prob",
    .check = clh_given_check,
    .ask = ask_lens};
