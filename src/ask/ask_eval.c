/* eval: accuracy and loss on sequences whose answers are known. */
#include <math.h>
#include <string.h>

#include "ask/ratios.h"
#include "base/platform/decimal.h"
#include "run/run_task.h"

enum { AUTO, TRAIN, TEST }; /* --split */
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

/* What is measured: a sample of the subject's, or one of our own. */
typedef struct exam {
    const clh_task *task;
    clh_task *own_task;
    clh_sample own;
    const clh_sample *sample;
    clh_measure own_measure;
    const clh_measure *measure;
    const char *what; /**< "held-out" */
} exam;

static clh_status of_data(exam *e, const eval_settings *set, const clh_subject *s, clh_error *err)
{
    const size_t own =
        clh_subject_run(s) ? clh_run_get_config(clh_subject_run(s))->first_scored : 0;
    const size_t first = set->first_scored == CLH_UNSET ? own : set->first_scored;
    const clh_task_setting settings[] = {{"data", set->data}, {"order", "file"}, {NULL, NULL}};
    const clh_task_given given = {.first_scored = first ? first : 1, .vocab = clh_subject_vocab(s)};
    clh_task_settings taken;
    size_t count, row = 0;
    const clh_task_row *rows = clh_task_rows(&count);
    clh_status status = clh_task_row_find(&row, "lines", err);
    if (!status)
        status = clh_task_settings_take(rows[row].ops, taken.bytes, settings, err);
    if (!status)
        status = clh_task_open_row(&e->own_task, &rows[row], taken.bytes, &given, err);
    e->task = e->own_task;
    e->what = "given";
    if (!status)
        status = clh_sample_draw(
            &e->own, e->task, CLH_SPLIT_TRAIN, 0,
            set->count == CLH_UNSET ? (size_t)clh_task_domain_size(e->task) : set->count, err);
    return status;
}

/* The run's own data, found at --data. */
static clh_status open_there(exam *e, const eval_settings *set, const clh_subject *s,
                             clh_error *err)
{
    const clh_run *run = clh_subject_run(s);
    const clh_run_data data = {set->data, clh_run_get_data(run).changed,
                               clh_run_get_data(run).ask_n};
    if (!run)
        return clh_fail(err, CLH_EINPUT, "a model in memory has no data of a run's: want no split");
    clh_run_config config = *clh_run_get_config(run);
    clh_status status =
        clh_run_task_open_at(&e->own_task, &config, clh_run_path(run), &data, false, err);
    e->task = e->own_task;
    return status;
}

static clh_status of_run(exam *e, const eval_settings *set, clh_subject *s, clh_error *err)
{
    const clh_split split = set->split == TRAIN ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
    const size_t tested =
        clh_subject_run(s) ? clh_run_get_config(clh_subject_run(s))->train.test_sequences : 0;
    e->task = clh_subject_task(s);
    e->what = split == CLH_SPLIT_TRAIN ? "training" : "held-out";
    if (!e->task)
        return clh_fail(err, CLH_EINPUT,
                        "%s has no task (import --task says one): give sequences with --data",
                        clh_subject_path(s));
    clh_status status = *set->data ? open_there(e, set, s, err) : CLH_OK;
    if (status)
        return status;
    const uint64_t there = clh_task_split_size(e->task, split);
    if (there == 0)
        return clh_fail(err, CLH_EINPUT, "this run has no %s sequences: give some with --data",
                        e->what);
    const size_t count = set->count != CLH_UNSET ? set->count : tested ? tested : (size_t)there;
    return split == CLH_SPLIT_TEST && !e->own_task
               ? clh_subject_sample(&e->sample, s, count, err)
               : clh_sample_draw(&e->own, e->task, split, 0, count, err);
}

static clh_status measure(exam *e, clh_subject *s, const clh_how *how, clh_error *err)
{
    const size_t n_ctx = clh_model_get_config(clh_subject_model(s))->n_ctx;
    if (clh_task_length_max(e->task) > n_ctx)
        return clh_fail(err, CLH_ESHAPE,
                        "a sequence has %zu tokens, the model takes at most %zu (n_ctx)",
                        clh_task_length_max(e->task), n_ctx);
    if (e->sample != &e->own)
        return clh_subject_plain(&e->measure, s, e->sample, how, err);
    return clh_measure_run(&e->own_measure, clh_subject_model(s), &e->own, NULL, how, err);
}

static void put_position(clh_result *out, const char *table, const exam *e, size_t position)
{
    char key[24], label[48];
    clh_task_label(e->task, e->measure->positions, position, label);
    clh_result_row(out, table, clh_key_text(key, position));
    clh_row_label(out, label, NULL);
    clh_row_put_number(out, "loss", e->measure->position_loss[position]);
}

/* Positions of the largest losses, the largest first, of equal ones the earlier; how many. */
static size_t find_worst(const clh_measure *m, size_t worst[WORST])
{
    size_t count = 0;
    for (size_t i = 0; i < m->positions; i++) {
        size_t at = count;
        while (at > 0 && m->position_loss[worst[at - 1]] < m->position_loss[i])
            at--;
        if (at == WORST || !isfinite(m->position_loss[i]))
            continue;
        count += count < WORST;
        memmove(&worst[at + 1], &worst[at], (count - at - 1) * sizeof *worst);
        worst[at] = i;
    }
    return count;
}

static void put_positions(clh_result *out, const exam *e)
{
    const clh_measure *m = e->measure;
    const clh_axis axis = {"position", NULL};
    size_t worst[WORST] = {0};
    const size_t count = find_worst(m, worst);
    for (size_t i = 0; i < count; i++)
        put_position(out, "worst", e, worst[i]);
    for (size_t p = 0; p < m->positions; p++)
        put_position(out, "positions", e, p);
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
    exam e = {.sample = &e.own, .measure = &e.own_measure}; /* or the subject's */
    clh_ratio_row row;
    const bool given = *set->data && set->split == AUTO;
    clh_status status = given ? of_data(&e, set, s, err) : of_run(&e, set, s, err);
    if (!status)
        status = measure(&e, s, how, err);
    if (!status)
        status = clh_ask_intervals(row.of, e.measure, e.sample->count, s, how->watch, err);
    if (!status) {
        clh_result_read(out, "numbers", &row);
        clh_ask_stamp_sample(out, s, e.sample->count, e.sample->asked, e.what);
        put_positions(out, &e);
        decide(out, &row.of[CLH_RATIO_ACCURACY], e.sample->count, set->least);
    }
    clh_measure_deinit(&e.own_measure);
    clh_sample_deinit(&e.own);
    clh_task_close(e.own_task);
    return status;
}

static clh_status check_eval(const clh_subject *s, const void *settings, clh_error *err)
{
    const eval_settings *set = settings;
    (void)s;
    if ((!*set->data || set->split != AUTO) && set->first_scored != CLH_UNSET)
        return clh_fail(err, CLH_EUSAGE, "--first-scored is for sequences of a file, want --data%s",
                        *set->data ? " without --split" : " too");
    return CLH_OK;
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
