#include "prove/tables/all_queries.h"

#include "base/base.h"

static clh_status choices(clh_letters_asked *out, const char *what, const clh_model *model,
                          const clh_task *task, clh_domain_kind domain, clh_error *err)
{
    const char *why = clh_tables_objection(model);
    clh_status status = clh_check_enum(domain, CLH_DOMAIN_TASK, "domain", err);
    if (!status && why)
        status = clh_fail(err, CLH_ESUPPORT, "%s does not cover this model: it %s", what, why);
    if (!status)
        status = clh_letters_asked_open(out, task, domain, err);
    if (!status)
        status = clh_tables_check_length(model, out, err);
    return status;
}

clh_status clh_all_queries_open(clh_all_queries *out, const char *what, const clh_model *model,
                                const clh_task *task, clh_domain_kind domain, const clh_how *how,
                                clh_error *err)
{
    *out = (clh_all_queries){0};
    clh_status status = choices(&out->asked, what, model, task, domain, err);
    if (!status)
        status = clh_tables_open(&out->tables, model, &out->asked, clh_how_watch(how), err);
    if (!status)
        status = clh_pool_open(&out->pool, clh_how_threads(how), err);
    out->workers = clh_pool_size(out->pool);
    if (status)
        clh_all_queries_close(out);
    return status;
}

void clh_all_queries_close(clh_all_queries *q)
{
    clh_pool_close(q->pool);
    clh_tables_deinit(&q->tables);
    clh_letters_asked_deinit(&q->asked);
    *q = (clh_all_queries){0};
}

typedef struct run {
    clh_all_queries *queries;
    clh_query_work *work;
    void *context;
} run;

static void one(void *context, size_t task, size_t worker)
{
    const run *r = context;
    r->work(r->context, r->queries->asked.length - 2 - task, worker);
    clh_stop_step(&r->queries->stop);
}

clh_status clh_all_queries_run(clh_all_queries *q, clh_query_work *work, void *context,
                               const clh_watch *watch, clh_error *err)
{
    run r = {q, work, context};
    const size_t count = q->asked.length - q->asked.first_scored;
    clh_stop_init(&q->stop, watch, count, "queries");
    clh_pool_run_watched(q->pool, count, one, &r, &q->stop);
    return clh_stop_end(&q->stop, err);
}
