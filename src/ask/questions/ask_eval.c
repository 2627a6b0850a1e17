/* eval: accuracy and loss on sequences whose answers are known. */
#include <math.h>

#include "ask/shared/ratios.h"
#include "measure/numbers/exam.h"

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

static void decide(clh_result *out, const clh_interval *accuracy, size_t sequences, double least)
{
    char answer[CLH_EXAM_TEXT], by[CLH_EXAM_TEXT];
    if (isnan(least)) {
        clh_result_absent(out, "enough", "--least was not given");
        return;
    }
    clh_exam_enough(answer, by, accuracy, sequences, least);
    clh_result_decide(out, "enough", answer, by);
    if (!(accuracy->value >= least))
        clh_result_no(out);
}

static clh_status ask_eval(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    const eval_settings *set = settings;
    const clh_exam_ask ask = {.model = clh_subject_model(s),
                              .run = clh_subject_run(s),
                              .task = clh_subject_task(s),
                              .vocab = clh_subject_vocab(s),
                              .path = clh_subject_path(s),
                              .data = set->data,
                              .split = (clh_exam_split)set->split,
                              .count = set->count,
                              .first_scored = set->first_scored};
    clh_exam e;
    clh_measure own = {0};
    const clh_measure *m = &own;
    clh_ratio_row row;
    clh_status status = clh_exam_open(&e, &ask, err);
    if (!status && e.shared)
        status = clh_subject_sample(&e.sample, s, e.count, err);
    if (!status)
        status = e.shared ? clh_subject_plain(&m, s, e.sample, how, err)
                          : clh_measure_run(&own, ask.model, e.sample, NULL, how, err);
    if (!status)
        status = clh_ask_intervals(row.of, m, e.sample->count, s, how->watch, err);
    if (!status) {
        clh_result_read(out, "numbers", &row);
        clh_ask_stamp_sample(out, s, e.sample->count, e.sample->asked, e.what);
        put_positions(out, e.task, m);
        decide(out, &row.of[CLH_RATIO_ACCURACY], e.sample->count, set->least);
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
