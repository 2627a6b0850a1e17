/* clearhead emergence: what was learned when, by measures at every checkpoint and by swapping
 * circuits between a checkpoint and the final weights. */

#include "base/base.h"
#include "clearhead/emergence.h"
#include "clearhead/figure.h"
#include "clearhead/permutations.h"
#include "cli/cli_measure.h"

/* The questions: from when on is this right? Those with a curve are drawn. */
static const struct question {
    const char *text, *name, *curve;
    clh_swap swap;
    clh_ratio ratio;
} questions[] = {
    {"spaces are right", "spaces", "spaces", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE)},
    {"letters are right", "letters", "letters", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER)},
    {"the period is right", "periods", "period", CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_PERIOD)},
    {"QK would do for the final model's letters", "qk",
     "letters of the final model with QK of then", CLH_SWAP_QK_THEN,
     CLH_RATIO_OF(CLH_TOKEN_LETTER)},
    {"OV would do for the final model's letters", "ov",
     "letters of the final model with OV of then", CLH_SWAP_OV_THEN,
     CLH_RATIO_OF(CLH_TOKEN_LETTER)},
    {"letters would be right with the final QK", "letters_with_last_qk", NULL, CLH_SWAP_QK_LAST,
     CLH_RATIO_OF(CLH_TOKEN_LETTER)},
    {"letters would be right with the final OV", "letters_with_last_ov", NULL, CLH_SWAP_OV_LAST,
     CLH_RATIO_OF(CLH_TOKEN_LETTER)},
};

typedef struct emergence_job {
    const clh_invocation *inv;
    clh_run *run;
    size_t count, threads;
    double least;
    clh_sample sample;
    clh_emergence emergence;
} emergence_job;

static clh_status compute(emergence_job *job, clh_error *err)
{
    const clh_watch watch = clh_cli_progress(job->inv, "checkpoint");
    clh_status status = clh_cli_held_out_sample(&job->sample, job->run, job->count, err);
    if (!status)
        status = clh_emergence_run(&job->emergence, clh_run_path(job->run), CLH_LAST, &job->sample,
                                   job->threads, &watch, err);
    return status;
}

/* Accuracies of the checkpoint itself, and what the final model keeps with its QK or OV. */
static clh_status draw(const emergence_job *job, const char *path, clh_error *err)
{
    const clh_emergence *e = &job->emergence;
    clh_series series[CLH_COUNT(questions)];
    size_t shown = 0;
    double *numbers = clh_alloc_array(e->count, (CLH_COUNT(questions) + 1) * sizeof *numbers, err);
    if (!numbers)
        return CLH_ENOMEM;
    for (size_t i = 0; i < e->count; i++)
        numbers[i] = (double)e->row[i].step;
    for (size_t q = 0; q < CLH_COUNT(questions); q++) {
        double *y = numbers + (q + 1) * e->count;
        if (!questions[q].curve)
            continue;
        for (size_t i = 0; i < e->count; i++)
            y[i] = clh_tally_ratio(&e->row[i].tally[questions[q].swap], questions[q].ratio);
        series[shown++] = (clh_series){
            .name = questions[q].curve, .x = numbers, .y = y, .count = e->count, .points = true};
    }
    const clh_curve_data data = {.series = series,
                                 .series_count = shown,
                                 .x_label = "step",
                                 .y_label = "accuracy",
                                 .linear_y = true};
    const clh_figure_style style = {.title = "What was learned when",
                                    .caption = clh_run_path(job->run)};
    clh_status status = clh_figure_curve(path, &data, &style, err);
    clh_free(numbers);
    return status;
}

static void print_json(const emergence_job *job)
{
    const clh_emergence *e = &job->emergence;
    clh_ratio ratio[CLH_RATIOS];
    const size_t ratios = clh_ratios_of(job->sample.task, ratio);
    for (size_t i = 0; i < e->count; i++) {
        clh_strbuf text = {0};
        clh_strbuf_addf(&text, "{\"type\": \"checkpoint\", \"step\": %zu", e->row[i].step);
        for (int k = 0; k < CLH_SWAPS; k++) {
            clh_strbuf_addf(&text, ", \"%s\": {", clh_swap_name((clh_swap)k));
            for (size_t r = 0; r < ratios; r++) {
                clh_strbuf_addf(&text, "%s\"%s\": ", r ? ", " : "",
                                clh_ratio_name(job->sample.task, ratio[r]));
                clh_strbuf_add_number(&text, clh_tally_ratio(&e->row[i].tally[k], ratio[r]), 9);
            }
            clh_strbuf_adds(&text, "}");
        }
        (void)printf("%s}\n", clh_strbuf_view(&text));
        clh_strbuf_deinit(&text);
    }
    (void)printf("{\"type\": \"from\", \"least\": %.9g, \"sequences\": %zu", job->least,
                 job->count);
    for (size_t q = 0; q < CLH_COUNT(questions); q++) {
        size_t at = clh_emergence_from(e, questions[q].swap, questions[q].ratio, job->least);
        (void)printf(", \"%s\": ", questions[q].name);
        (void)(at < e->count ? printf("%zu", e->row[at].step) : printf("null"));
    }
    (void)puts("}");
}

static void print_text(const emergence_job *job)
{
    const clh_emergence *e = &job->emergence;
    (void)printf("%s on %zu held-out sequences; accuracy of the checkpoint, and of letters with QK "
                 "or OV swapped\n"
                 "         as it was                            final, but then   then, but final\n"
                 "    step       loss  letters  spaces  period     QK       OV       QK       OV\n",
                 clh_run_path(job->run), job->count);
    for (size_t i = 0; i < e->count; i++) {
        const clh_tally *t = e->row[i].tally;
        (void)printf("%8zu %10.6f   %.4f  %.4f  %.4f", e->row[i].step,
                     clh_tally_ratio(&t[0], CLH_RATIO_LOSS),
                     clh_tally_ratio(&t[0], CLH_RATIO_OF(CLH_TOKEN_LETTER)),
                     clh_tally_ratio(&t[0], CLH_RATIO_OF(CLH_TOKEN_SPACE)),
                     clh_tally_ratio(&t[0], CLH_RATIO_OF(CLH_TOKEN_PERIOD)));
        for (int k = CLH_SWAP_QK_THEN; k < CLH_SWAPS; k++)
            (void)printf("   %.4f", clh_tally_ratio(&t[k], CLH_RATIO_OF(CLH_TOKEN_LETTER)));
        (void)puts("");
    }
    (void)printf("from which checkpoint on (accuracy of at least %g)\n", job->least);
    for (size_t q = 0; q < CLH_COUNT(questions); q++) {
        size_t at = clh_emergence_from(e, questions[q].swap, questions[q].ratio, job->least);
        if (at < e->count)
            (void)printf("  %-44s step %zu\n", questions[q].text, e->row[at].step);
        else
            (void)printf("  %-44s not by the end\n", questions[q].text);
    }
}

int clh_cmd_emergence(const clh_invocation *inv)
{
    clh_error err = {0};
    emergence_job job = {.inv = inv};
    const char *figure = clh_opt_text(inv, "figure");
    clh_status status = clh_opt_size(inv, "count", &job.count, &err);
    if (!status)
        status = clh_cli_threads(inv, &job.threads, &err);
    if (!status)
        status = clh_opt_real(inv, "least", &job.least, &err);
    if (!status && figure)
        status = clh_figure_available(&err);
    if (!status)
        status = clh_run_open(&job.run, clh_arg(inv, 0), &err);
    if (!status)
        status = compute(&job, &err);
    if (!status && figure)
        status = draw(&job, figure, &err);
    if (!status && inv->json)
        print_json(&job);
    else if (!status)
        print_text(&job);
    clh_emergence_deinit(&job.emergence);
    clh_sample_deinit(&job.sample);
    clh_run_close(job.run);
    return status ? clh_cli_fail(inv, &err) : 0;
}
