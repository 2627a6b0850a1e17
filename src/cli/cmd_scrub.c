/* clearhead scrub: causal scrubbing of the model's own graph under one hypothesis, or under each
 * that comes with the library. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/scrub.h"
#include "cli/cli_film.h"
#include "cli/cli_measure.h"

enum { ROUNDS = 1000 };

static const double level = 0.95;

typedef struct scrub_job {
    const clh_invocation *inv;
    clh_hypothesis given; /* of a file */
    const clh_hypothesis *hypothesis;
    size_t hypotheses; /* tried */
    size_t count, threads;
} scrub_job;

/* The preset of that name, or the file. */
static clh_status read_hypothesis(scrub_job *job, clh_error *err)
{
    const char *text = clh_opt_text(job->inv, "hypothesis"), *names[32];
    size_t count = 0;
    const clh_hypothesis *preset = clh_hypothesis_presets(&count);
    job->hypothesis = preset;
    job->hypotheses = text ? 1 : count;
    for (size_t i = 0; text && i < count; i++) {
        names[i] = preset[i].name;
        job->hypothesis = strcmp(preset[i].name, text) == 0 ? &preset[i] : job->hypothesis;
    }
    if (!text || strcmp(job->hypothesis->name, text) == 0)
        return CLH_OK;
    job->hypothesis = &job->given;
    if (strpbrk(text, "./"))
        return clh_hypothesis_read(&job->given, text, err);
    const char *near = clh_nearest_name(text, names, count);
    return clh_fail(err, CLH_EUSAGE, "the hypothesis is %s, want %s%s or a file (hypothesis.json)",
                    text, near ? "perhaps " : "one of those that clearhead scrub RUN lists",
                    near ? near : "");
}

static double ratio(const clh_measure *measure, clh_ratio which)
{
    return clh_tally_ratio(&measure->total, which);
}

static void add_json(clh_strbuf *text, const scrub_job *job, const clh_run *run,
                     const clh_scrub *scrub, const clh_scrub_result *result)
{
    clh_ratio of[CLH_RATIOS];
    const size_t count = clh_ratios_of(clh_run_task(run), of);
    clh_strbuf_addf(text, "{\"step\": %zu, \"sequences\": %zu", clh_run_step(run), job->count);
    clh_cli_add_field(text, "loss_model", ratio(clh_scrub_plain(scrub), CLH_RATIO_LOSS));
    clh_cli_add_field(text, "loss_random", ratio(clh_scrub_random(scrub), CLH_RATIO_LOSS));
    clh_strbuf_adds(text, ", \"hypotheses\": {");
    for (size_t h = 0; h < job->hypotheses; h++) {
        const clh_scrub_result *r = &result[h];
        clh_strbuf_adds(text, h ? ", " : "");
        clh_strbuf_add_json(text, job->hypothesis[h].name);
        clh_strbuf_addf(text, ": {\"nodes\": %zu", r->nodes);
        for (size_t k = 0; k < count; k++)
            clh_cli_add_field(text, clh_ratio_name(clh_run_task(run), of[k]),
                              ratio(&r->measure, of[k]));
        const double interval[] = {r->recovered.value, r->recovered.low, r->recovered.high};
        clh_cli_add_numbers(text, "recovered", interval, CLH_COUNT(interval));
        clh_strbuf_adds(text, "}");
    }
    clh_strbuf_adds(text, "}}");
}

static void print_text(const scrub_job *job, const clh_run *run, const clh_scrub *scrub,
                       const clh_scrub_result *result)
{
    (void)printf("%s on %zu sequences: loss %.6f, of answers to other sequences %.6f\n",
                 clh_run_path(run), job->count, ratio(clh_scrub_plain(scrub), CLH_RATIO_LOSS),
                 ratio(clh_scrub_random(scrub), CLH_RATIO_LOSS));
    (void)printf("%-16s %10s %10s %23s  %s\n", "hypothesis", "loss", "recovered", "95 % interval",
                 "token_accuracy");
    for (size_t h = 0; h < job->hypotheses; h++) {
        const clh_scrub_result *r = &result[h];
        (void)printf("%-16s %10.6f", job->hypothesis[h].name, ratio(&r->measure, CLH_RATIO_LOSS));
        if (isnan(r->recovered.value))
            (void)printf(" %10s  %23s", "-", ""); /* the model is no better than random */
        else
            (void)printf(" %10.6f  [%9.6f, %9.6f]", r->recovered.value, r->recovered.low,
                         r->recovered.high);
        (void)printf("  %.4f\n", ratio(&r->measure, CLH_RATIO_ACCURACY));
    }
    for (size_t h = 0; job->hypothesis != &job->given && h < job->hypotheses; h++) {
        size_t count = 0;
        const clh_hypothesis *first = clh_hypothesis_presets(&count);
        (void)printf("%-16s %s\n", job->hypothesis[h].name,
                     clh_hypothesis_preset_text((size_t)(&job->hypothesis[h] - first)));
    }
}

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    const scrub_job *job = user;
    clh_sample sample = {0};
    clh_scrub *scrub = NULL;
    clh_scrub_result *result = clh_alloc_zeroed(job->hypotheses, sizeof *result, err);
    if (!result)
        return CLH_ENOMEM;
    clh_status status = clh_cli_held_out_sample(&sample, frame->run, job->count, err);
    if (!status)
        status = clh_scrub_open(&scrub, clh_run_model(frame->run), &sample,
                                clh_run_get_config(frame->run)->seed, job->threads, err);
    for (size_t h = 0; h < job->hypotheses && !status; h++) {
        if (job->hypotheses > 1)
            clh_watch_call(frame->watch, h, job->hypotheses);
        status = clh_scrub_try(scrub, &job->hypothesis[h], ROUNDS, level,
                               job->hypotheses > 1 ? NULL : frame->watch, &result[h], err);
    }
    if (!status && frame->json)
        add_json(frame->json, job, frame->run, scrub, result);
    else if (!status)
        print_text(job, frame->run, scrub, result);
    for (size_t h = 0; h < job->hypotheses; h++)
        clh_scrub_result_deinit(&result[h]);
    clh_free(result);
    clh_scrub_close(scrub);
    clh_sample_deinit(&sample);
    return status;
}

int clh_cmd_scrub(const clh_invocation *inv)
{
    clh_error err = {0};
    scrub_job job = {.inv = inv};
    clh_status status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_cli_threads(inv, &job.threads, &err);
    if (!status)
        status = read_hypothesis(&job, &err);
    if (!status)
        status = clh_cli_film(
            inv, &(clh_film){measure, &job, job.hypotheses > 1 ? "hypothesis" : "sequence", false},
            &err);
    return status ? clh_cli_fail(inv, &err) : 0;
}
