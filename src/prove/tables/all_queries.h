/** Going through the queries of a domain of letters, on several workers: what questions of whole domains share.
 *
 *    clh_all_queries queries = {0};
 *    status = clh_all_queries_open(&queries, "necessity", model, task, domain, how, err);
 *    ... room for queries.workers ...
 *    status = clh_all_queries_run(&queries, work, &job, clh_how_watch(how), err);
 *    clh_all_queries_close(&queries);
 */
#ifndef CLH_PROVE_ALL_QUERIES_H
#define CLH_PROVE_ALL_QUERIES_H

#include "base/platform/pool.h"
#include "prove/tables/tables.h"

typedef struct clh_all_queries {
    clh_letters_asked asked;
    clh_tables tables;
    clh_pool *pool;
    size_t workers;
    clh_stop stop; /**< asked by work() between the parts of a query */
} clh_all_queries;

/** The choices of letters that a model of one layer and one head is asked by `what`, and its tables.
 *  CLH_ESUPPORT for another model or task, CLH_ESHAPE where sequences are longer than n_ctx, CLH_ENOMEM,
 *  CLH_ENUMERIC, CLH_STOPPED. It must stay where it is. */
clh_status clh_all_queries_open(clh_all_queries *out, const char *what, const clh_model *model,
                                const clh_task *task, clh_domain_kind domain, const clh_how *how,
                                clh_error *err);
void clh_all_queries_close(clh_all_queries *queries);

/** The query at `position`, by worker `worker`. */
typedef void clh_query_work(void *context, size_t position, size_t worker);

/** Every query whose prediction is scored, the one that sees most first: it takes longest. CLH_STOPPED. */
clh_status clh_all_queries_run(clh_all_queries *queries, clh_query_work *work, void *context,
                               const clh_watch *watch, clh_error *err);

#endif
