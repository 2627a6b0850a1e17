/* eval: accuracy and loss on sequences whose answers are known. */
#include <math.h>

#include "ask/ratios.h"
#include "base/platform/decimal.h"
#include "measure/exam.h"

enum { WORST = 5 };

typedef struct eval_settings {
    size_t count, first_scored;
    unsigned split;
    char data[CLH_PATH_MAX];
    double least;
} eval_settings;

static const clh_key keys[] = {
    CLH_ROW_AUTO(eval_settings, count, SIZE, "test_sequences of the run; every one of a file",
                 "[1, 1000000000]", "how many sequences"),
    CLH_ROW(eval_settings, split, CHOICE, "auto", "auto|train|test",
            "which of the task's: trained on, or held out (auto)"),
    CLH_ROW_AUTO(
        eval_settings, data, TEXT, NULL, "FILE",
        "instead the sequences of this file (JSONL); with --split where the run's own are now"),
    CLH_ROW_AUTO(eval_settings, first_scored, SIZE, "the run's own", "[0, 100000000]",
                 "of a file: index of the first token whose prediction is scored"),
    CLH_ROW_AUTO(eval_settings, least, REAL, NULL, "[0, 1]",
                 "the answer is no (exit 1) when the token accuracy measured is lower"),
};

static const clh_field numbers[] = {CLH_RATIO_FIELDS(clh_ratio_row, of), {0}};
static const clh_field verdicts[] = {
    CLH_FIELD_VERDICT(
        "enough", "Is the token accuracy as high as asked for?",
        "yes: the interval of token_accuracy lies at --least or above; no: below; else "
        "what was measured decides the exit code"),
    {0}};
static const clh_field positions[] = {
    CLH_FIELD_LOSS("loss", "mean over the sequences", 0),
    {0},
};
static const clh_schema schema[] = {
    {CLH_PART_VERDICTS, "verdicts", NULL, .flags = CLH_DETAIL, .fields = verdicts},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {CLH_PART_TABLE, "worst", "the positions with the largest loss", .keys = "#position",
     .fields = positions},
    {CLH_PART_TABLE, "positions", "every position", .keys = "#position", .flags = CLH_DETAIL,
     .fields = positions},
    {CLH_PART_ARRAY, "loss_per_position", "mean over the sequences; NaN where nothing is scored",
     .draw = "positions", .unit = "nats/token", .flags = CLH_GAPS},
    {0}};

/* On the sequences of the exam; of those that questions share the subject keeps what is measured. */
static clh_status measure(const clh_sample **sample, const clh_measure **out, clh_measure *own,
                          clh_exam *e, clh_subject *s, const clh_how *how, clh_error *err)
{
    const size_t n_ctx = clh_model_get_config(clh_subject_model(s))->n_ctx;
    *sample = &e->sample;
    *out = own;
    clh_status status = e->shared ? clh_subject_sample(sample, s, e->count, err) : CLH_OK;
    if (!status && clh_task_length_max(e->task) > n_ctx)
        status = clh_fail(err, CLH_ESHAPE,
                          "a sequence has %zu tokens, the model takes at most %zu (n_ctx)",
                          clh_task_length_max(e->task), n_ctx);
    if (status)
        return status;
    return e->shared ? clh_subject_plain(out, s, *sample, how, err)
                     : clh_measure_run(own, clh_subject_model(s), *sample, NULL, how, err);
}

static void put_position(clh_result *out, const char *table, const clh_task *task,
                         const clh_measure *m, size_t position)
{
    char key[24], label[48];
    clh_task_label(task, m->positions, position, label);
    clh_result_row(out, table, clh_key_text(key, position));
    clh_row_label(out, label, NULL);
    clh_row_put_number(out, "loss", m->position_loss[position]);
}

static void put_positions(clh_result *out, const clh_task *task, const clh_measure *m)
{
    const clh_axis axis = {"position", NULL};
    size_t worst[WORST];
    const size_t count = clh_positions_worst(worst, WORST, m->position_loss, m->positions);
    for (size_t i = 0; i < count; i++)
        put_position(out, "worst", task, m, worst[i]);
    for (size_t p = 0; p < m->positions; p++)
        put_position(out, "positions", task, m, p);
    double *loss = clh_result_numbers(out, m->position_loss, m->positions);
    const clh_array view = clh_array_vector("loss_per_position", CLH_F64, loss, m->positions);
    if (loss)
        clh_result_array(out, &view, &axis, NULL, NULL);
}

/* By the interval; where that does not decide, by what was measured, which is said. */
static void decide(clh_result *out, const clh_interval *accuracy, size_t sequences, double least)
{
    char by[160], open[96];
    if (isnan(least)) {
        clh_result_absent(out, "enough", "--least was not given");
        return;
    }
    const bool measured = accuracy->value >= least;
    (void)clh_snprintf(open, sizeof open, "%s as measured, not decided by %zu sequences",
                       measured ? "yes" : "no", sequences);
    (void)clh_snprintf(by, sizeof by,
                       "token_accuracy %.6f, of all sequences by the 95 %% interval %.6f to %.6f, "
                       "wanted %.6f",
                       accuracy->value, accuracy->low, accuracy->high, least);
    clh_result_decide(out, "enough",
                      accuracy->low >= least   ? "yes"
                      : accuracy->high < least ? "no"
                                               : open,
                      by);
    if (!measured)
        clh_result_no(out);
}

static clh_status ask_eval(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const eval_settings *set = settings;
    const clh_exam_ask ask = {.run = clh_subject_run(s),
                              .task = clh_subject_task(s),
                              .vocab = clh_subject_vocab(s),
                              .path = clh_subject_path(s),
                              .data = set->data,
                              .split = (clh_exam_split)set->split,
                              .count = set->count,
                              .first_scored = set->first_scored};
    clh_exam e;
    clh_measure own = {0};
    const clh_measure *m = NULL;
    const clh_sample *sample = NULL;
    clh_ratio_row row;
    clh_status status = clh_exam_open(&e, &ask, err);
    if (!status)
        status = measure(&sample, &m, &own, &e, s, how, err);
    if (!status)
        status = clh_ask_intervals(row.of, m, sample->count, s, how->watch, err);
    if (!status) {
        clh_result_read(out, "numbers", &row);
        clh_ask_stamp_sample(out, s, sample->count, sample->asked, e.what);
        put_positions(out, e.task, m);
        decide(out, &row.of[CLH_RATIO_ACCURACY], sample->count, set->least);
    }
    clh_measure_deinit(&own);
    clh_exam_deinit(&e);
    return status;
}

static clh_status check_eval(const clh_subject *s, const void *settings, clh_error *err)
{
    const eval_settings *set = settings;
    const bool file = *set->data && set->split == CLH_EXAM_AUTO,
               given = set->first_scored != CLH_UNSET;
    (void)s;
    return clh_refuse(
        err,
        {given && !file && !*set->data,
         "--first-scored is for sequences of a file, want --data too"},
        {given && !file, "--first-scored is for sequences of a file, want --data without --split"});
}

const clh_question clh_question_eval = {
    .name = "eval",
    .summary = "accuracy and loss on held-out sequences",
    .description =
        "Loss and accuracy of a run's model on sequences it was not trained on, each with its 95 "
        "% bootstrap interval, and the loss at each position. With --data on those of a file, "
        "scored from --first-scored, or else from where the run's own are; with --data and --split "
        "on the run's own data, where that is now.",
    .examples =
        "clearhead eval runs/notebook # on the held-out sequences\n"
        "clearhead eval runs/notebook --count 1000 --json # on more of them, for a program\n"
        "clearhead eval runs/notebook --data mine.jsonl --first-scored 2 # on your own\n"
        "clearhead eval runs/notebook --checkpoints --figure over.png # over training",
    CLH_SETTINGS(keys, eval_settings),
    .schema = schema,
    .ask = ask_eval,
    .check = check_eval};
