/* clearhead heads: how well each head matches each pattern one would look for. */
#include "base/base.h"
#include "clearhead/heads.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

/** Scores of all heads for one pattern after another. */
typedef struct heads_job {
    const clh_run *run;
    size_t count;
    clh_sample sample;
    clh_detect_options options;
    double *score;            /* [CLH_DETECTS, heads] */
    double even[CLH_DETECTS]; /* of even attention */
    bool known[CLH_DETECTS];  /* not so where the task has no terms */
    size_t heads, n_heads;    /* in all, of a layer */
} heads_job;

static clh_status compute(heads_job *job, clh_error *err)
{
    const clh_model *model = clh_run_model(job->run);
    const clh_model_config *c = clh_model_get_config(model);
    job->n_heads = c->n_heads;
    job->heads = c->n_layers * c->n_heads;
    job->score = clh_alloc_zeroed(job->heads, CLH_DETECTS * sizeof *job->score, err);
    clh_status status = job->score ? CLH_OK : CLH_ENOMEM;
    for (size_t d = 0; d < CLH_DETECTS && !status; d++) {
        status = clh_heads_detect(job->score + d * job->heads, &job->even[d], model, &job->sample,
                                  (clh_detect)d, &job->options, err);
        job->known[d] = !status;
        if (status == CLH_ESUPPORT && clh_detect_needs_terms((clh_detect)d))
            status = CLH_OK;
    }
    return status;
}

static void print_text(const heads_job *job)
{
    (void)printf("%-16s", "pattern");
    for (size_t h = 0; h < job->heads; h++) {
        char name[48];
        (void)snprintf(name, sizeof name, "L%zuH%zu", h / job->n_heads, h % job->n_heads);
        (void)printf(" %8s", name);
    }
    (void)printf(" %8s\n", "even");
    for (size_t d = 0; d < CLH_DETECTS; d++) {
        if (!job->known[d])
            continue;
        (void)printf("%-16s", clh_detect_name((clh_detect)d));
        for (size_t h = 0; h < job->heads; h++)
            (void)printf(" %8.4f", job->score[d * job->heads + h]);
        (void)printf(" %8.4f\n", job->even[d]);
    }
}

static void add_json(clh_strbuf *text, const heads_job *job)
{
    clh_strbuf_addf(text,
                    "{\"step\": %zu, \"sequences\": %zu, \"measure\": \"%s\", \"n_heads\": %zu, "
                    "\"patterns\": {",
                    clh_run_step(job->run), job->sample.count,
                    job->options.measure == CLH_DETECT_MUL ? "mul" : "abs", job->n_heads);
    for (size_t d = 0, shown = 0; d < CLH_DETECTS; d++) {
        if (!job->known[d])
            continue;
        clh_strbuf_addf(text, "%s\"%s\": {\"even\": ", shown++ ? ", " : "",
                        clh_detect_name((clh_detect)d));
        clh_strbuf_add_number(text, job->even[d], 9);
        clh_strbuf_adds(text, ", \"scores\": [");
        for (size_t h = 0; h < job->heads; h++) {
            clh_strbuf_adds(text, h ? ", " : "");
            clh_strbuf_add_number(text, job->score[d * job->heads + h], 9);
        }
        clh_strbuf_adds(text, "]}");
    }
    clh_strbuf_adds(text, "}}");
}

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    heads_job *job = user;
    const clh_task *task = NULL;
    job->run = frame->run;
    clh_status status = clh_cli_task(job->run, &task, err);
    if (!status) {
        const bool held_out = clh_task_split_size(task, CLH_SPLIT_TEST) > 0;
        status = clh_sample_draw(&job->sample, task, held_out ? CLH_SPLIT_TEST : CLH_SPLIT_TRAIN, 0,
                                 job->count, err);
    }
    if (!status)
        status = compute(job, err);
    if (!status && frame->json)
        add_json(frame->json, job);
    else if (!status)
        print_text(job);
    clh_free(job->score);
    job->score = NULL;
    clh_sample_deinit(&job->sample);
    return status;
}

int clh_cmd_heads(const clh_invocation *inv)
{
    clh_error err = {0};
    heads_job job = {0};
    unsigned match = 0;
    clh_status status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_opt_choice(inv, "measure", &match, &err);
    job.options.measure = (clh_detect_measure)match;
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "sequence", false}, &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
