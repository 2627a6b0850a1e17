/* loss: the loss curve of a run, from what training wrote. */
#include <math.h>
#include <stdio.h>

#include "ask/question.h"
#include "base/platform/file.h"
#include "clearhead/run.h"
#include "run/metrics.h"
#include "train/plan.h"

static const clh_field numbers[] = {
    CLH_FIELD_COUNT("steps", NULL, "optimizer steps in the metrics"),
    CLH_FIELD_LOSS("loss", "training loss of the last step", CLH_HEADLINE),
    CLH_FIELD_LOSS("held_out_loss", "of the last evaluation", CLH_HEADLINE),
    CLH_FIELD_SHARE("token_accuracy", "of scored predictions, those right in the last evaluation",
                    CLH_HEADLINE),
    {0}};
static const clh_field columns[] = {
    CLH_FIELD_LOSS("training_loss", "of the step's batch, before its update", 0,
                   .panel = "loss, nats a token", CLH_FROM(clh_metrics_row, loss)),
    CLH_FIELD_LOSS("held_out_loss", "of scored predictions of held-out sequences, those right", 0,
                   .panel = "loss, nats a token", CLH_FROM(clh_metrics_row, eval_loss)),
    CLH_FIELD_SHARE("token_accuracy", "of scored predictions of held-out sequences, those right", 0,
                    .panel = "accuracy", CLH_FROM(clh_metrics_row, token_accuracy)),
    {0}};
static const clh_schema schema[] = {
    {CLH_PART_TABLE, "curve", "by optimizer step; step 0 is before the first", .keys = "#step",
     .draw = "curve", .flags = CLH_HEADLINE, .fields = columns},
    {CLH_PART_NUMBERS, "numbers", NULL, .fields = numbers},
    {0}};

static clh_status put_curve(clh_result *out, const clh_metrics_log *log, clh_error *err)
{
    char key[24];
    clh_metrics_row *row = NULL;
    size_t rows = 0;
    const clh_status status = clh_metrics_rows(&row, &rows, log, err);
    for (size_t i = 0; i < rows; i++) {
        clh_result_row(out, "curve", clh_key_text(key, row[i].step));
        clh_row_read(out, &row[i]);
    }
    clh_free(row);
    return status;
}

static void put_numbers(clh_result *out, const clh_metrics_log *log)
{
    clh_result_put_number(out, "steps", (double)log->steps);
    if (log->steps > 0)
        clh_result_put_number(out, "loss", log->loss[log->steps - 1]);
    else
        clh_result_absent(out, "loss", "no step yet");
    if (log->evaluations == 0) {
        clh_result_absent_each(out, "no evaluation yet", "held_out_loss", "token_accuracy");
        return;
    }
    const size_t last = log->evaluations - 1;
    clh_result_put_numbers(out, {"held_out_loss", log->eval_loss[last]},
                           {"token_accuracy", log->token_accuracy[last]});
    if (isnan(log->eval_loss[last]))
        clh_result_absent(out, "held_out_loss", "it was not a finite number");
}

/* What JSON has no number for stands as null in metrics.jsonl. */
static void note_not_finite(clh_result *out, const clh_metrics_log *log)
{
    size_t count = 0, first = 0;
    char text[128];
    for (size_t e = log->evaluations; e > 0; e--)
        if (isnan(log->eval_loss[e - 1])) {
            first = e - 1;
            count++;
        }
    (void)snprintf(
        text, sizeof text,
        "Not finite: the held-out loss of %zu of %zu evaluations, the first at step %zu.", count,
        log->evaluations, count ? (size_t)log->eval_step[first] : 0);
    if (count > 0)
        clh_result_note(out, text);
}

/* That the lines of the steps that the weights have seen are there; of one that was trained to its end the
 * evaluation too. */
static clh_status check_end(const clh_metrics_log *log, const clh_subject *s, const char *path,
                            clh_error *err)
{
    const clh_train_config *train = &clh_run_get_config(clh_subject_run(s))->train;
    const size_t step = clh_subject_step(s);
    return clh_metrics_check_end(log, step, step == train->steps && clh_plan_evaluates(train, step),
                                 path, err);
}

static clh_status ask_loss(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    (void)settings;
    (void)how;
    clh_metrics_log log = {0};
    char *path = clh_path_join(clh_subject_path(s), "metrics.jsonl", err);
    if (!path)
        return CLH_ENOMEM;
    clh_status status =
        clh_path_exists(path)
            ? clh_metrics_read(&log, path, err)
            : clh_fail(err, CLH_EINPUT,
                       "%s has no metrics.jsonl, want the folder of a run that was trained",
                       clh_subject_path(s));
    if (!status)
        status = check_end(&log, s, path, err);
    if (!status && log.steps + log.evaluations == 0)
        status =
            clh_fail(err, CLH_EINPUT, "%s has no step in its metrics yet", clh_subject_path(s));
    if (!status) {
        status = put_curve(out, &log, err);
        put_numbers(out, &log);
        note_not_finite(out, &log);
    }
    clh_metrics_log_deinit(&log);
    clh_free(path);
    return status;
}

const clh_question clh_question_loss = {
    .name = "loss",
    .summary = "the loss curve of training",
    .description =
        "What training wrote into metrics.jsonl: the loss of every step's batch, and loss and "
        "accuracy on held-out sequences at every evaluation.",
    .examples = "clearhead loss runs/notebook # as a curve in the terminal\n"
                "clearhead loss runs/notebook --figure loss.pdf # as an image\n"
                "clearhead loss runs/notebook --csv > loss.csv # every step",
    .needs = CLH_ABOUT_WHOLE_RUN | CLH_NEEDS_NO_N,
    .schema = schema,
    .ask = ask_loss};
