/* robustness: the smallest change of the final residual that flips a prediction, over a whole domain. */
#include <math.h>

#include "ask/shared/certified.h"
#include "clearhead/robustness.h"

typedef struct robustness_settings {
    unsigned domain;
    double within;
} robustness_settings;

static const clh_key keys[] = {
    CLH_ROW(robustness_settings, domain, CHOICE, "own", CLH_DOMAIN_CHOICES, CLH_DOMAIN_TEXT),
    CLH_ROW(robustness_settings, within, REAL, "0", "[0, 1000000]",
            "look at least as far, for the distances of other positions too"),
};

#define OF(member) CLH_FROM(clh_shown_input, member)
static const clh_field numbers[] = {
    {"inputs", "inputs", "of the domain", .flags = CLH_HEADLINE},
    {"distance", NULL,
     "length of the smallest change of the final residual that flips a prediction",
     "least over predictions of |change of resid_post| after which another logit reaches the "
     "largest",
     9, .flags = CLH_HEADLINE},
    CLH_FIELD_TEXT("input", "that has it", CLH_HEADLINE, OF(input)),
    {"position", "position", "of the prediction that flips", .flags = CLH_HEADLINE, OF(position)},
    CLH_FIELD_TEXT("predicted", "token there", CLH_HEADLINE, OF(predicted)),
    CLH_FIELD_TEXT("instead", "token that takes its place", CLH_HEADLINE, OF(expected)),
    {"margin", "logits", "by how much the predicted one is ahead of it", .decimals = 6,
     .flags = CLH_HEADLINE, OF(margin)},
    {"within", NULL, "distance up to which every prediction of every input was looked at",
     .decimals = 4, .flags = CLH_DETAIL},
    CLH_FIELD_COUNT("computed", "predictions", "whose distance was computed: bounds left them"),
    {0}};
static const clh_field columns[] = {
    {"distance", NULL, "smallest of the predictions of this position", .decimals = 9,
     .panel = "distance"},
    CLH_FIELD_TEXT("input", "that has it", 0, OF(input)),
    CLH_FIELD_TEXT("predicted", "token there", 0, OF(predicted)),
    CLH_FIELD_TEXT("instead", "token that takes its place", 0, OF(expected)),
    {"margin", "logits", "by how much the predicted one is ahead of it", .decimals = 6,
     .panel = "margin", OF(margin)},
    CLH_FIELD_TEXT("label", "what is predicted", 0),
    {0}};
static const clh_schema schema[] = {{CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
                                    {CLH_PART_TABLE, "positions",
                                     "positions whose predictions flip within that distance",
                                     .keys = "#position", .draw = "rows", .fields = columns},
                                    {0}};

static void put(clh_result *out, const clh_robustness *r, const clh_task *task)
{
    char key[24], label[48];
    clh_shown_input is;
    clh_result_put_numbers(out, {"inputs", (double)r->inputs}, {"within", r->within},
                           {"computed", (double)r->computed});
    if (isfinite(r->least.distance)) {
        clh_shown_input_of(&is, r->token, r->n, task, &r->least.input);
        clh_result_read(out, "numbers", &is);
        clh_result_put_number(out, "distance", r->least.distance);
    } else {
        clh_result_absent_each(out, "no change flips a prediction", "distance", "input", "position",
                               "margin", "predicted", "instead");
    }
    for (size_t p = r->first_scored; p < r->length; p++) {
        if (!isfinite(r->at[p].distance))
            continue;
        clh_shown_input_of(&is, r->token, r->n, task, &r->at[p].input);
        clh_task_label(task, r->length, p, label);
        clh_result_row(out, "positions", clh_key_text(key, p));
        clh_row_read(out, &is);
        clh_row_put_number(out, "distance", r->at[p].distance);
        clh_row_text(out, "label", label);
    }
}

static clh_status ask_robustness(clh_result *out, clh_subject *s, const void *settings,
                                 const clh_how *how, clh_error *err)
{
    const robustness_settings *set = settings;
    const clh_task *task = clh_subject_task(s);
    clh_robustness robustness = {0};
    clh_robustness_options options = {.within = set->within};
    clh_status status = clh_certified_domain(&options.domain, set->domain, task, err);
    if (!status)
        status = clh_robustness_find(&robustness, clh_subject_model(s), task, &options, how, err);
    if (!status)
        put(out, &robustness, task);
    clh_robustness_deinit(&robustness);
    return status;
}

const clh_question clh_question_robustness = {
    .name = "robustness",
    .summary = "the smallest change of the residual that flips a token",
    .description =
        "Finds, over all inputs of a domain and all their scored predictions, the shortest change "
        "(L2) of the residual stream in front of the final norm after which another token's logit "
        "reaches the predicted one's. It is exact for LayerNorm and RMSNorm with their eps "
        "(docs/mathematics.md, \"Robustness\"). Positions are shown as far as was looked; --within "
        "looks further. For models of one layer and one head, attention only.",
    .examples = "clearhead robustness runs/notebook # every set of letters\n"
                "clearhead robustness runs/notebook --within 0.1 # also at other positions\n"
                "clearhead robustness runs/notebook --checkpoints # over training\n"
                "clearhead robustness runs/notebook --seeds 8 # is it so for other seeds?",
    CLH_SETTINGS(keys, robustness_settings),
    .needs = CLH_NEEDS_BOUNDS,
    .schema = schema,
    .over = "distance, margin",
    .ask = ask_robustness};
