/* attribute: what each part of the residual stream does to a logit, mean and position by position. */
#include <string.h>

#include "ask/shared/predictions.h"

typedef struct attribute_settings {
    clh_predictions_of of;
    char metric[CLH_GIVEN_NAMES];
    unsigned split, norm;
} attribute_settings;

static const clh_key keys[] = {
    CLH_PREDICTIONS_KEYS(attribute_settings, of),
    CLH_ROW(
        attribute_settings, metric, TEXT, "right", "METRIC",
        "right (the right token's logit less the mean), logit:POSITION:TOKEN or logit_diff:POSITION:TOKEN:AGAINST"),
    CLH_ROW(attribute_settings, split, CHOICE, "heads", "layers|heads|neurons",
            "how fine the parts are; neurons splits heads too"),
    CLH_ROW(attribute_settings, norm, CHOICE, "frozen", "frozen|recomputed",
            "what ln_final does to a part: the scale of the whole stream, or its own"),
};

#define LOGIT(name, meaning, flags_, ...)                                                          \
    CLH_FIELD(name, "logit", meaning, .decimals = 6, .flags = flags_, __VA_ARGS__)
static const clh_field numbers[] = {
    LOGIT("total", "what the model gives: the sum of all parts, biases and the remainder",
          CLH_HEADLINE),
    LOGIT("norm_bias", "of it, through the final norm's bias", CLH_HEADLINE),
    LOGIT("unembed_bias", "the bias of the unembedding", CLH_HEADLINE),
    LOGIT("remainder", "rounding when the norm is frozen; all that does not add up when recomputed",
          CLH_HEADLINE),
    {"largest_remainder", "share", "of the sum of all magnitudes, the largest |remainder|", NULL, 9,
     .flags = CLH_LOG},
    {0}};
static const clh_field columns[] = {
    LOGIT("value", "its part of the logit, mean over the predictions", CLH_HEADLINE,
          CLH_FROM(clh_resid_grid_row, mean)),
    LOGIT("least", "least of all positions", 0, CLH_FROM(clh_resid_grid_row, least)),
    LOGIT("most", "most of all positions", 0, CLH_FROM(clh_resid_grid_row, most)),
    {0}};
static const clh_field position_columns[] = {
    CLH_FIELD_TEXT("predicts", "what stands behind the position", 0),
    CLH_FIELD_TEXT("token", "which token that is", 0),
    LOGIT("total", "what the model gives there", 0),
    LOGIT("norm_bias", "of it, through the final norm's bias", 0),
    LOGIT("unembed_bias", "the bias of the unembedding", 0),
    LOGIT("remainder", "what does not add up", 0),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "components", "what each part of the residual stream gives",
     .keys = "component", .fields = columns},
    {CLH_PART_TABLE, "positions", "the whole by position", .keys = "#position", .flags = CLH_DETAIL,
     .fields = position_columns},
    {CLH_PART_ARRAY, "attribution_by_term",
     "by what is predicted, positions row by row; NaN: no position", .draw = "heat",
     .unit = "logit", .flags = CLH_DETAIL | CLH_GAPS},
    {CLH_PART_ARRAY, "attribution", "each part, biases and remainder, by position: they add up",
     .draw = "strip", .unit = "logit"},
    {0}};

static const char *const extra[CLH_RESID_EXTRAS] = {"norm_bias", "unembed_bias", "remainder",
                                                    "total"};

static void put_components(clh_result *out, const clh_resid_grid *g)
{
    enum { SORTED = 40 }; /* more are told by size */
    for (size_t e = 0; e < CLH_RESID_EXTRAS; e++)
        clh_result_put_number(out, extra[e], g->row[g->parts + e].mean);
    clh_result_put_number(out, "largest_remainder", g->worst);
    for (size_t i = 0; i < g->parts; i++) {
        const clh_resid_grid_row *row = &g->row[g->parts > SORTED ? g->order[i] : i];
        clh_result_row(out, "components", row->name);
        clh_row_read(out, row);
    }
}

static void put_positions(clh_result *out, const clh_resid_grid *g, const clh_predictions *p,
                          const clh_subject *s)
{
    for (size_t i = 0; i < g->count; i++) {
        clh_predictions_row(out, p, s, i);
        for (size_t e = 0; e < CLH_RESID_EXTRAS; e++)
            clh_row_put_number(out, extra[e], g->row[g->parts + e].value[i]);
    }
}

/* The whole of one pass: `p` holds it. */
static clh_status attribute(clh_result *out, clh_subject *s, const attribute_settings *set,
                            const clh_predictions *p, const clh_how *how, clh_error *err)
{
    static const char title[] = "Direct logit attribution";
    static const unsigned splits[] = {CLH_SPLIT_LAYERS, CLH_SPLIT_HEADS,
                                      CLH_SPLIT_HEADS | CLH_SPLIT_NEURONS};
    const clh_resid_grid_ask ask = {
        p->batch.tokens,          p->position, p->count, p->right, p->metric, splits[set->split],
        (clh_final_norm)set->norm};
    clh_predictions_kept *k = clh_predictions_keep(out, err);
    if (!k)
        return CLH_ENOMEM;
    clh_status status =
        clh_resid_grid_parts(&k->grid, clh_subject_model(s), p->cache, &ask, how->watch, err);
    const size_t rows = k->grid.parts + CLH_RESID_TOTAL;
    if (!status)
        status = clh_resid_fold_make(&k->fold, &k->grid, &ask, 0, rows, k->grid.parts - 1,
                                     clh_subject_task(s), err);
    if (status)
        return status;
    put_components(out, &k->grid);
    put_positions(out, &k->grid, p, s);
    status =
        clh_predictions_put_grid(out, "attribution", title, "component", &k->grid, 0, rows, p, err);
    clh_predictions_put_fold(out, "attribution_by_term", title, &k->fold, p);
    return status;
}

static clh_status ask_attribute(clh_result *out, clh_subject *s, const void *settings,
                                const clh_how *how, clh_error *err)
{
    const attribute_settings *set = settings;
    clh_predictions p = {0};
    clh_status status = clh_predictions_open(&p, s, &set->of, set->metric, how->watch, err);
    if (!status)
        status = attribute(out, s, set, &p, how, err);
    if (!status)
        clh_given_stamp(out, s, &set->of.given, p.batch.tokens.batch, p.asked);
    clh_predictions_deinit(&p);
    return status;
}

static clh_status check(const clh_subject *s, const void *settings, clh_error *err)
{
    const attribute_settings *set = settings;
    const bool position = *set->of.positions || set->of.first_scored != CLH_UNSET;
    const clh_status status =
        clh_refuse(err, {position && strcmp(set->metric, "right") != 0,
                         "the metric names a position, want no other with it"});
    return status ? status : clh_given_check(s, set, err);
}

const clh_question clh_question_attribute = {
    .name = "attribute",
    .summary = "what each part of the residual stream does to a logit",
    .description =
        "Direct logit attribution: the residual stream is taken apart (embed, pos_embed, heads, "
        "MLPs or neurons, biases), and each part's share of a logit is told, mean over the scored "
        "predictions of held-out sequences and by position. The shares, those of the biases and a "
        "remainder add up to the logit; where they do not, that is an error. The final norm is "
        "frozen (divides by the scale of the whole stream) or recomputed for each part.",
    .examples = "clearhead attribute runs/notebook # the right token's logit, by part\n"
                "clearhead attribute runs/notebook --letters psM1 --metric logit_diff:-3:p:s "
                "# one prediction\n"
                "clearhead attribute runs/notebook --figure parts.png # position by component\n"
                "clearhead attribute runs/notebook --checkpoints # over training",
    CLH_SETTINGS(keys, attribute_settings),
    .schema = schema,
    .over = "total, L0H0.value, pos_embed.value",
    .check = check,
    .ask = ask_attribute};
