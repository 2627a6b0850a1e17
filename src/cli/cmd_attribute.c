/* clearhead attribute: what each part of the residual stream does to a logit, and the logit lens.
 */
#include <string.h>

#include "base/base.h"
#include "clearhead/figure.h"
#include "cli/cli_attribute.h"
#include "cli/cli_film.h"

typedef struct attribute_job {
    clh_attribute_ask ask;
    clh_cache *cache;
    const char *figure; /* of one model; NULL: none */
    size_t held_out;    /* how many sequences, when none are given */
} attribute_job;

/* ---- What is asked ------------------------------------------------------------------------------
 */

static clh_status read_options(attribute_job *job, clh_error *err)
{
    static const unsigned splits[] = {CLH_SPLIT_LAYERS, CLH_SPLIT_HEADS,
                                      CLH_SPLIT_HEADS | CLH_SPLIT_NEURONS};
    clh_attribute_ask *ask = &job->ask;
    const clh_invocation *inv = ask->inv;
    unsigned split = 0, norm;
    ask->lens = clh_opt_flag(inv, "lens");
    ask->right = strcmp(clh_opt_text(inv, "metric"), "right") == 0;
    norm = ask->lens ? CLH_NORM_RECOMPUTED : CLH_NORM_FROZEN;
    clh_status status = clh_opt_choice(inv, "split", &split, err);
    if (!status)
        status = clh_opt_choice(inv, "norm", &norm, err);
    if (!status)
        status = clh_opt_size(inv, "count", &job->held_out, err);
    if (!status && ask->lens && (clh_opt_given(inv, "split") || !ask->right))
        status = clh_fail(err, CLH_EUSAGE,
                          "--lens is of whole streams and the right token, want no "
                          "--split and no --metric");
    if (!status && !ask->right &&
        (clh_opt_given(inv, "positions") || clh_opt_given(inv, "first-scored")))
        status = clh_fail(err, CLH_EUSAGE, "--metric names a position, want no other with it");
    ask->split = splits[split];
    ask->norm = (clh_final_norm)norm;
    if (!status && !clh_opt_flag(inv, "checkpoints"))
        job->figure = clh_opt_text(inv, "figure");
    return status || !job->figure ? status : clh_figure_available(err);
}

/* Where the first scored token stands, of a batch that says so or of --first-scored. */
static clh_status first_scored(const attribute_job *job, size_t *first, clh_error *err)
{
    const clh_attribute_ask *ask = &job->ask;
    const size_t pos = ask->batch.tokens.pos;
    *first = ask->batch.first_scored;
    clh_status status = clh_opt_size(ask->inv, "first-scored", first, err);
    if (!status && (*first == 0 || *first >= pos))
        status = clh_fail(err, CLH_ERANGE,
                          "predictions count from token %zu (first_scored), want it in [1, %zu] "
                          "for %zu tokens",
                          *first, pos - 1, pos);
    return status;
}

/* The rows of logits that are looked at: of --metric, of --positions, or all that count. */
static clh_status choose_positions(attribute_job *job, const clh_run *run, clh_error *err)
{
    clh_attribute_ask *ask = &job->ask;
    const size_t pos = ask->batch.tokens.pos;
    size_t first = 1;
    clh_cli_slice slice = {0};
    clh_status status = CLH_OK;
    if (!ask->right)
        status = clh_metric_parse(&ask->metric, clh_opt_text(ask->inv, "metric"), clh_run_task(run),
                                  pos, 0, err);
    else if (pos < 2)
        status = clh_fail(err, CLH_ERANGE, "1 token is given, want one to predict too");
    else if (clh_opt_given(ask->inv, "positions"))
        status = clh_cli_slice_init(&slice, ask->inv, "positions", pos - 1, err);
    else
        status = first_scored(job, &first, err);
    if (status)
        return status;
    ask->count = !ask->right ? 1 : slice.index ? slice.count : pos - first;
    ask->position =
        slice.index ? slice.index : clh_alloc_array(ask->count, sizeof *ask->position, err);
    for (size_t i = 0; ask->position && !slice.index && i < ask->count; i++)
        ask->position[i] = ask->right ? first - 1 + i : ask->metric.position;
    return ask->position ? CLH_OK : CLH_ENOMEM;
}

/* Sequences and positions do not depend on the weights: they are read once. */
static clh_status load(attribute_job *job, const clh_run *run, clh_error *err)
{
    const clh_invocation *inv = job->ask.inv;
    const bool given =
        clh_opt_given(inv, "letters") || clh_opt_given(inv, "text") || clh_opt_given(inv, "tokens");
    if (job->ask.batch.ids)
        return CLH_OK;
    clh_status status = given ? clh_cli_batch_init(&job->ask.batch, inv, run, err)
                              : clh_cli_batch_held_out(&job->ask.batch, run, job->held_out, err);
    if (!status)
        status = choose_positions(job, run, err);
    if (!status)
        status = clh_cache_open(&job->cache, clh_model_get_config(clh_run_model(run)), CLH_KEEP_ALL,
                                err);
    return status;
}

/* ---- One model ----------------------------------------------------------------------------------
 */

static clh_status measure(void *user, const clh_frame *frame, clh_error *err)
{
    attribute_job *job = user;
    const clh_attribute_ask *ask = &job->ask;
    const clh_model *model = clh_run_model(frame->run);
    job->ask.watch = frame->watch;
    clh_attribute_grid grid = {0};
    clh_status status = load(job, frame->run, err);
    if (!status)
        status = clh_forward(model, &ask->batch.tokens, job->cache, NULL, err);
    if (!status)
        status = clh_cache_check(job->cache, err);
    if (!status)
        status = (ask->lens ? clh_attribute_lens : clh_attribute_parts)(&grid, ask, model,
                                                                        job->cache, err);
    if (!status && job->figure)
        status = clh_attribute_draw(job->figure, &grid, ask, frame->run, err);
    if (!status && frame->json)
        clh_attribute_add_json(frame->json, &grid, ask, frame->run);
    else if (!status)
        clh_attribute_print(&grid, ask, frame->run);
    clh_attribute_grid_deinit(&grid);
    return status;
}

int clh_cmd_attribute(const clh_invocation *inv)
{
    clh_error err = {0};
    attribute_job job = {.ask = {.inv = inv}};
    clh_status status = read_options(&job, &err);
    if (!status)
        status = clh_cli_film(inv, &(clh_film){measure, &job, "position", true}, &err);
    clh_cache_close(job.cache);
    clh_free(job.ask.position);
    clh_cli_batch_deinit(&job.ask.batch);
    return status ? clh_cli_fail(inv, &err) : 0;
}
