/* edit: loss and accuracy of a model as it is and with something inside it changed. */
#include "ask/shared/ratios.h"

typedef struct edit_settings {
    char edits[CLH_PATH_MAX];
    size_t count;
    unsigned split;
} edit_settings;

static const clh_key keys[] = {
    CLH_ROW_AUTO(edit_settings, edits, TEXT, NULL, "FILE",
                 "the edits, as JSON (docs/formats.md); must be given"),
    CLH_ROW(edit_settings, count, SIZE, "2000", "[1, 1000000]", "how many sequences"),
    CLH_ROW(edit_settings, split, CHOICE, "test", "train|test",
            "which sequences: those trained on, or held out"),
};

static const clh_field numbers[] = {
    CLH_FIELD_COUNT("edits", NULL, "how many edits the file has"),
    CLH_FIELD_COUNT("reference", "sequences", "others that means and resampling come from"),
    {0}};
static const clh_field columns[] = {CLH_RATIO_FIELDS(clh_ratio_row, of), {0}};
static const clh_schema schema[] = {
    {CLH_PART_NUMBERS, "numbers", NULL, .flags = CLH_DETAIL, .fields = numbers},
    {CLH_PART_TABLE, "interventions",
     "the model as it is (none), and with the edits: a row for each name that the file has",
     .keys = "intervention", .draw = "rows", .fields = columns},
    {0}};

/* A row for each list. */
static clh_status put(clh_result *out, const clh_edited_all *all, const clh_subject *s,
                      const clh_how *how, clh_error *err)
{
    clh_edited edited = {0};
    clh_status status = clh_edits_run(&edited, all->edits, NULL, how, err);
    for (size_t l = 0; l < edited.count && !status; l++) {
        clh_result_row(out, "interventions", all->list[l].name);
        if (all->list[l].text && all->list[l].text[0])
            clh_row_label(out, all->list[l].text, NULL);
        status =
            clh_ask_put_ratios(out, NULL, &edited.list[l], all->sample.count, s, how->watch, err);
    }
    clh_edited_deinit(&edited);
    return status;
}

static clh_status ask_edit(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const edit_settings *set = settings;
    const clh_edited_of of = clh_subject_edited(s, set->edits);
    clh_edited_all all = {0};
    clh_status status = clh_edited_all_open(
        &all, &of, set->split ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, set->count, how, err);
    if (!status)
        status = put(out, &all, s, how, err);
    if (!status) {
        clh_ask_stamp_sample(out, s, all.sample.count, set->count,
                             set->split ? "held-out" : "training");
        clh_result_put_numbers(out, {"edits", (double)all.edit_count},
                               {"reference", (double)all.reference.count});
        if (all.reference.count == 0)
            clh_result_absent(out, "reference", "means and resampling come from these sequences");
    }
    clh_edited_all_close(&all);
    return status;
}

static clh_status check_edit(const clh_subject *s, const void *settings, clh_error *err)
{
    const edit_settings *set = settings;
    (void)s;
    return clh_refuse(err, {!*set->edits, "--edits FILE is missing; see clearhead edit -h"});
}

const clh_question clh_question_edit = {
    .name = "edit",
    .summary = "loss and accuracy with something inside changed",
    .description =
        "Runs the model on held-out sequences as it is and with the edits of a JSON file "
        "(docs/formats.md), and shows loss and accuracy of both with 95 % intervals (bootstrap "
        "over sequences).\n\n"
        "{\"format\": \"clearhead-edits-1\", \"edits\": [{\"kind\": \"zero\", \"site\": "
        "\"blocks.0.attn.hook_z\"}]} is such a file. Kinds: zero, set, add, mean, resample, "
        "patch, model, part, one_hot, only, without, even, direct, weights.",
    .examples = "clearhead edit runs/notebook --edits edits.json # what depends on it\n"
                "clearhead edit runs/notebook --edits edits.json --checkpoints # over training",
    CLH_SETTINGS(keys, edit_settings),
    .needs = CLH_NEEDS_TASK,
    .schema = schema,
    .over = "none.loss, edited.loss, none.token_accuracy, edited.token_accuracy",
    .ask = ask_edit,
    .check = check_edit};
