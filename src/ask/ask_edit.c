/* edit: loss and accuracy of a model as it is and with something inside it changed. */
#include <stdio.h>
#include <string.h>

#include "ask/ratios.h"
#include "clearhead/edit.h"

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

/* What is measured, and with what. */
typedef struct job {
    const edit_settings *set;
    clh_subject *subject;
    const clh_how *how;
    clh_edit_file *file;
    clh_edit_list *list; /**< [count] what is measured */
    size_t count;
    clh_sample sample, reference; /**< reference: no sequence where the sample itself is meant */
    clh_edits *edits;
} job;

/* The sequences measured, and behind them in the same split those that statistics are taken of. */
static clh_status draw(job *j, clh_error *err)
{
    const clh_task *task = clh_subject_task(j->subject);
    const clh_split split = j->set->split ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN;
    const clh_edits_base *base = clh_edit_file_base(j->file);
    const size_t reference = clh_edit_file_reference(j->file);
    const uint64_t there = clh_task_split_size(task, split);
    if (reference && j->set->count + reference > there)
        return clh_fail(err, CLH_ERANGE,
                        "%zu sequences and a reference of %zu others, this split has %llu",
                        j->set->count, reference, (unsigned long long)there);
    clh_status status = clh_sample_draw(&j->sample, task, split, 0, j->set->count, err);
    if (!status && reference)
        status = clh_sample_draw(&j->reference, task, split, j->set->count, reference, err);
    if (!status && base)
        status = clh_sample_draw(&j->reference, task, base->split, base->first, base->count, err);
    return status;
}

/* The model as it is, unless the file has a list without edits itself, then the file's lists. */
static clh_status compile(job *j, size_t *count, clh_error *err)
{
    const clh_edits_base *base = clh_edit_file_base(j->file);
    const clh_edit_list *lists = clh_edit_file_lists(j->file, &j->count);
    bool plain = false;
    *count = 0;
    for (size_t l = 0; l < j->count; l++) {
        *count += lists[l].count;
        plain = plain || (lists[l].count == 0 && strcmp(lists[l].name, "edited") != 0);
    }
    j->list = clh_alloc_array(j->count + 1, sizeof *j->list, err);
    if (!j->list)
        return CLH_ENOMEM;
    j->list[0] = (clh_edit_list){.name = "none"};
    memcpy(j->list + !plain, lists, j->count * sizeof *lists);
    j->count += !plain;
    const uint64_t seed = base && base->seeded ? base->seed : clh_subject_seed(j->subject);
    const clh_edits_setting setting = {clh_subject_model(j->subject),
                                       &j->sample,
                                       .reference = j->reference.count ? &j->reference : NULL,
                                       .seed = seed,
                                       .threads = j->how->threads,
                                       .watch = j->how->watch};
    return clh_edits_open(&j->edits, j->list, j->count, &setting, err);
}

/* A row for each list. */
static clh_status measure(clh_result *out, const job *j, clh_error *err)
{
    clh_edited edited = {0};
    clh_status status = clh_edits_run(&edited, j->edits, NULL, j->how, err);
    for (size_t l = 0; l < edited.count && !status; l++) {
        clh_result_row(out, "interventions", j->list[l].name);
        if (j->list[l].text && j->list[l].text[0])
            clh_row_label(out, j->list[l].text, NULL);
        status = clh_ask_put_ratios(out, NULL, &edited.list[l], j->sample.count, j->subject,
                                    j->how->watch, err);
    }
    clh_edited_deinit(&edited);
    return status;
}

static clh_status ask_edit(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    job j = {.set = settings, .subject = s, .how = how};
    size_t count = 0;
    clh_status status = clh_edit_file_open(&j.file, j.set->edits, clh_subject_run(s), err);
    if (!status)
        status = draw(&j, err);
    if (!status)
        status = compile(&j, &count, err);
    if (!status)
        status = measure(out, &j, err);
    if (!status) {
        clh_ask_stamp_sample(out, s, j.sample.count, j.set->count,
                             j.set->split ? "held-out" : "training");
        clh_result_put_numbers(out, {"edits", (double)count},
                               {"reference", (double)j.reference.count});
        if (j.reference.count == 0)
            clh_result_absent(out, "reference", "means and resampling come from these sequences");
    }
    clh_edits_close(j.edits);
    clh_free(j.list);
    clh_sample_deinit(&j.reference);
    clh_sample_deinit(&j.sample);
    clh_edit_file_close(j.file);
    return status;
}

static clh_status check_edit(const clh_subject *s, const void *settings, clh_error *err)
{
    const edit_settings *set = settings;
    (void)s;
    return *set->edits
               ? CLH_OK
               : clh_fail(err, CLH_EUSAGE, "--edits FILE is missing; see clearhead edit -h");
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
