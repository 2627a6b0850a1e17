/* clearhead eval: accuracy and loss on sequences whose answers are known. */
#include <math.h>

#include "clearhead/train.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

enum { WORST = 5 };

/* What to evaluate on: the run's task, or the lines of --data. */
typedef struct exam {
    const clh_task *task;
    clh_task *own; /* --data's */
    clh_split split;
    size_t count, threads;
    const char *name;
} exam;

static clh_status exam_of_data(exam *e, const clh_invocation *inv, const clh_run *run,
                               const char *data, clh_error *err)
{
    size_t first = clh_run_get_config(run)->first_scored;
    clh_status status = clh_opt_size(inv, "first-scored", &first, err);
    if (status)
        return status;
    clh_task_config config = {.name = "lines", .data = data, .first_scored = first ? first : 1};
    status = clh_task_open(&e->own, &config, err);
    e->task = e->own;
    e->split = CLH_SPLIT_TRAIN;
    e->name = "given";
    e->count = status ? 0 : (size_t)clh_task_domain_size(e->own);
    const size_t d_vocab = clh_run_get_config(run)->model.d_vocab;
    if (!status && clh_task_d_vocab(e->own) > d_vocab)
        status = clh_fail(err, CLH_EINPUT,
                          "%s has token ids up to %zu, the model takes less than %zu (d_vocab)",
                          data, clh_task_d_vocab(e->own) - 1, d_vocab);
    return status;
}

static clh_status exam_of_run(exam *e, const clh_invocation *inv, const clh_run *run,
                              clh_error *err)
{
    unsigned split = 1;
    clh_status status = clh_cli_task(run, &e->task, err);
    if (!status && clh_opt_given(inv, "split"))
        status = clh_opt_choice(inv, "split", &split, err);
    e->split = split == 0 ? CLH_SPLIT_TRAIN : CLH_SPLIT_TEST;
    e->name = split == 0 ? "training" : "held-out";
    e->count = clh_run_get_config(run)->train.test_sequences;
    if (!status && clh_task_split_size(e->task, e->split) == 0)
        status = clh_fail(err, CLH_EINPUT, "this run has no %s sequences: give some with --data",
                          e->name);
    if (!status && e->count == 0)
        e->count = (size_t)clh_task_split_size(e->task, e->split);
    return status;
}

static clh_status exam_make(exam *e, const clh_invocation *inv, const clh_run *run, clh_error *err)
{
    const char *data = clh_opt_text(inv, "data");
    e->threads = 1;
    if (data && clh_opt_given(inv, "split"))
        return clh_fail(err, CLH_EUSAGE, "--data and --split are both given, want one of them");
    if (!data && clh_opt_given(inv, "first-scored"))
        return clh_fail(err, CLH_EUSAGE,
                        "--first-scored is for sequences of a file, want --data too");
    clh_status status = data ? exam_of_data(e, inv, run, data, err) : exam_of_run(e, inv, run, err);
    if (!status && clh_opt_given(inv, "count"))
        status = clh_opt_size(inv, "count", &e->count, err);
    if (!status && clh_opt_given(inv, "threads"))
        status = clh_opt_size(inv, "threads", &e->threads, err);
    const size_t length = status ? 0 : clh_task_length_max(e->task);
    const size_t n_ctx = clh_run_get_config(run)->model.n_ctx;
    if (!status && length > n_ctx)
        status = clh_fail(err, CLH_ESHAPE,
                          "a sequence has %zu tokens, the model takes at most %zu (n_ctx)", length,
                          n_ctx);
    return status;
}

static void add_json(clh_strbuf *text, const clh_run *run, const exam *e, const clh_evaluation *v)
{
    clh_strbuf_adds(text, "{\"run\": ");
    clh_strbuf_add_json(text, clh_run_path(run));
    clh_strbuf_addf(text, ", \"step\": %zu, \"split\": \"%s\", \"sequences\": %zu, \"loss\": ",
                    clh_run_step(run), e->name, v->sequences);
    clh_strbuf_add_number(text, v->loss, 9);
    clh_strbuf_addf(text, ", \"token_accuracy\": %.9g, \"sequence_accuracy\": %.9g",
                    v->token_accuracy, v->sequence_accuracy);
    clh_cli_add_numbers(text, "loss_per_position", v->loss_per_position, v->positions);
    clh_strbuf_adds(text, "}");
}

/* The position of the largest loss that is below `under` (or equal and later than `after`). */
static size_t next_worst(const clh_evaluation *v, double under, size_t after)
{
    size_t worst = SIZE_MAX;
    for (size_t i = 0; i < v->positions; i++) {
        double loss = v->loss_per_position[i];
        bool left = loss < under || (loss == under && i > after);
        if (isfinite(loss) && left && (worst == SIZE_MAX || loss > v->loss_per_position[worst]))
            worst = i;
    }
    return worst;
}

static void print_text(const clh_run *run, const exam *e, const clh_evaluation *v)
{
    (void)printf("%s after step %zu, on %zu %s sequences\n", clh_run_path(run), clh_run_step(run),
                 v->sequences, e->name);
    (void)printf("  loss              %.6f\n  token accuracy    %.6f\n  sequence accuracy %.6f\n",
                 fabs(v->loss), v->token_accuracy, v->sequence_accuracy); /* a NaN has no sign */
    (void)printf("  largest loss at\n");
    double under = INFINITY;
    for (size_t i = 0, at = 0; i < WORST; i++) {
        char label[48];
        at = next_worst(v, under, at);
        if (at == SIZE_MAX)
            break;
        under = v->loss_per_position[at];
        clh_task_label(e->task, v->positions, at, label);
        (void)printf("    position %-5zu %-18s %.6f\n", at, label, under);
    }
}

/* 1 when --least was given and is not reached. */
static clh_status verdict(const clh_invocation *inv, const clh_evaluation *v, int *code,
                          clh_error *err)
{
    double least = 0;
    clh_status status = CLH_OK;
    if (clh_opt_given(inv, "least"))
        status = clh_opt_real(inv, "least", &least, err);
    *code = v->token_accuracy < least ? 1 : 0;
    return status;
}

typedef struct eval_job {
    const clh_invocation *inv;
    int code; /* of the last */
} eval_job;

static clh_status examine(void *user, const clh_frame *frame, clh_error *err)
{
    eval_job *job = user;
    exam e = {0};
    clh_evaluation v = {0};
    clh_status status = exam_make(&e, job->inv, frame->run, err);
    if (!status)
        status = clh_evaluate(&v, clh_run_model(frame->run), e.task, e.split, 0, e.count,
                              &(clh_how){e.threads, frame->watch}, err);
    if (!status)
        status = verdict(job->inv, &v, &job->code, err);
    if (!status && frame->json)
        add_json(frame->json, frame->run, &e, &v);
    else if (!status)
        print_text(frame->run, &e, &v);
    clh_evaluation_deinit(&v);
    clh_task_close(e.own);
    return status;
}

int clh_cmd_eval(const clh_invocation *inv)
{
    clh_error err = {0};
    eval_job job = {.inv = inv};
    clh_status status = clh_cli_film(inv, &(clh_film){examine, &job, "sequence", false}, &err);
    return status ? clh_cli_fail(inv, &err) : job.code;
}
