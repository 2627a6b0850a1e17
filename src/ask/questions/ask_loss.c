/* loss: the loss curve of a run, from what training wrote. */
#include <math.h>

#include "ask/shared/question.h"
#include "train/run_metrics.h"

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

static clh_status ask_loss(clh_result *out, clh_subject *s, const void *settings,
                           const clh_how *how, clh_error *err)
{
    clh_metrics_log log = {0};
    clh_strbuf text = {0};
    (void)settings, (void)how;
    clh_status status =
        clh_run_metrics(&log, clh_subject_run(s), clh_subject_path(s), clh_subject_step(s), err);
    if (!status)
        status = put_curve(out, &log, err);
    if (!status) {
        put_numbers(out, &log);
        clh_run_metrics_not_finite(&text, &log);
        clh_result_note_lines(out, clh_strbuf_view(&text));
    }
    clh_strbuf_deinit(&text);
    clh_metrics_log_deinit(&log);
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
