#include "clearhead/necessity.h"

#include <string.h>

#include "base/base.h"
#include "prove/sensitivity/necessity_walk.h"
#include "prove/tables/all_queries.h"

typedef struct job {
    clh_all_queries queries;
    clh_failures changed[CLH_NECESSITY_PARTS], doubtful[CLH_NECESSITY_PARTS];
    clh_necessity_walk *walk; /* [workers] */
} job;

static void work(void *context, size_t position, size_t worker)
{
    job *j = context;
    clh_necessity_walk_position(&j->walk[worker], position, &j->queries.stop, worker);
}

static clh_status open_all(job *j, const clh_task *task, clh_removal by, clh_error *err)
{
    clh_all_queries *q = &j->queries;
    clh_status status = CLH_OK;
    for (size_t k = 0; k < CLH_NECESSITY_PARTS && !status; k++) {
        status = clh_failures_open(&j->changed[k], &q->asked, err);
        if (!status)
            status = clh_failures_open(&j->doubtful[k], &q->asked, err);
    }
    if (!status && !(j->walk = clh_alloc_zeroed(q->workers, sizeof *j->walk, err)))
        status = CLH_ENOMEM;
    for (size_t w = 0; w < q->workers && !status; w++) {
        j->walk[w] = (clh_necessity_walk){.changed = j->changed, .doubtful = j->doubtful};
        status = clh_removed_walk_open(&j->walk[w].models, &q->tables, task, by, CLH_MODELS, err);
    }
    return status;
}

static void close_all(job *j)
{
    for (size_t w = 0; w < j->queries.workers && j->walk; w++)
        clh_removed_walk_deinit(&j->walk[w].models);
    clh_free(j->walk);
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        clh_failures_deinit(&j->changed[k]);
        clh_failures_deinit(&j->doubtful[k]);
    }
    clh_all_queries_close(&j->queries);
}

static void gather(clh_necessity *out, job *j)
{
    const clh_letters_asked *a = &j->queries.asked;
    out->n = a->n;
    out->inputs = clh_letters_inputs(a);
    memcpy(out->token, a->token, sizeof out->token);
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        clh_necessity_row *row = &out->row[k];
        size_t kept = 0;
        const uint64_t sure = clh_failures_all(&j->changed[k], &row->first, &kept);
        clh_failures_join(&j->changed[k], &j->doubtful[k]);
        row->changed = clh_failures_all(&j->changed[k], &row->first, &kept);
        row->undecided = row->changed - sure;
        if (kept)
            row->first.rank = clh_letters_rank(a, row->first.letters);
    }
}

clh_status clh_necessity_find(clh_necessity *out, const clh_model *model, const clh_task *task,
                              const clh_necessity_options *options, const clh_how *how,
                              clh_error *err)
{
    const clh_necessity_options none = {0};
    CLH_REQUIRE(out && model && task, err, "room for the counts, a model and a task");
    options = options ? options : &none;
    *out = (clh_necessity){0};
    job j = {0};
    clh_status status = clh_check_enum(options->by, CLH_REMOVALS, "by", err);
    if (!status)
        status =
            clh_all_queries_open(&j.queries, "necessity", model, task, options->domain, how, err);
    if (!status)
        status = open_all(&j, task, options->by, err);
    if (!status)
        status = clh_all_queries_run(&j.queries, work, &j, clh_how_watch(how), err);
    for (size_t w = 0; w < j.queries.workers && !status; w++)
        if (j.walk[w].models.rows.means.lost)
            status = clh_fail(err, CLH_ENUMERIC,
                              "scores of one query are more than %d apart, so that means of "
                              "attention have no digits left: ask by zero",
                              CLH_REMOVED_APART);
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        out->row[k].name = clh_removed_parts[k].name;
        out->row[k].text = clh_removed_parts[k].text;
    }
    if (!status)
        gather(out, &j);
    close_all(&j);
    return status;
}
