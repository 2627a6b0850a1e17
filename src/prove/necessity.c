#include "clearhead/necessity.h"

#include <string.h>

#include "base/base.h"
#include "base/platform/pool.h"
#include "prove/necessity_walk.h"

typedef struct job {
    const clh_letters_asked *asked;
    const clh_task *task;
    clh_tables tables;
    clh_failures changed[CLH_NECESSITY_PARTS], doubtful[CLH_NECESSITY_PARTS];
    clh_necessity_walk *walk; /* [workers] */
    size_t workers;
    clh_stop stop;
} job;

/* Queries, the one that sees most first: it takes longest. */
static void work(void *context, size_t task, size_t worker)
{
    job *j = context;
    clh_necessity_walk_position(&j->walk[worker], j->asked->length - 2 - task, &j->stop, worker);
    clh_stop_step(&j->stop);
}

static clh_status open_all(job *j, const clh_model *model, clh_removal by, const clh_how *how,
                           clh_error *err)
{
    clh_status status = clh_tables_open(&j->tables, model, j->asked, clh_how_watch(how), err);
    for (size_t k = 0; k < CLH_NECESSITY_PARTS && !status; k++) {
        status = clh_failures_open(&j->changed[k], j->asked, err);
        if (!status)
            status = clh_failures_open(&j->doubtful[k], j->asked, err);
    }
    if (!status && !(j->walk = clh_alloc_zeroed(j->workers, sizeof *j->walk, err)))
        status = CLH_ENOMEM;
    for (size_t w = 0; w < j->workers && !status; w++) {
        j->walk[w] = (clh_necessity_walk){.changed = j->changed, .doubtful = j->doubtful};
        status =
            clh_removed_walk_open(&j->walk[w].models, &j->tables, j->task, by, CLH_MODELS, err);
    }
    return status;
}

static void close_all(job *j)
{
    for (size_t w = 0; w < j->workers && j->walk; w++)
        clh_removed_walk_deinit(&j->walk[w].models);
    clh_free(j->walk);
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        clh_failures_deinit(&j->changed[k]);
        clh_failures_deinit(&j->doubtful[k]);
    }
    clh_tables_deinit(&j->tables);
}

static void gather(clh_necessity *out, job *j)
{
    const clh_letters_asked *a = j->asked;
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
    clh_letters_asked asked = {0};
    clh_pool *pool = NULL;
    job j = {.asked = &asked, .task = task};
    clh_status status = clh_check_enum(options->by, CLH_REMOVALS, "by", err);
    if (!status)
        status = clh_domain_asked(&asked, "necessity", model, task, options->domain, err);
    if (!status)
        status = clh_pool_open(&pool, clh_how_threads(how), err);
    j.workers = clh_pool_size(pool);
    if (!status)
        status = open_all(&j, model, options->by, how, err);
    if (!status) {
        const size_t queries = asked.length - asked.first_scored;
        clh_stop_init(&j.stop, clh_how_watch(how), queries, "queries");
        clh_pool_run_watched(pool, queries, work, &j, &j.stop);
        status = clh_stop_end(&j.stop, err);
    }
    for (size_t w = 0; w < j.workers && !status; w++)
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
    clh_pool_close(pool);
    clh_letters_asked_deinit(&asked);
    return status;
}
