/* Which way to repair a model leaves no failing input: tried, and decided by certificates. */
#include "clearhead/repair.h"

#include "base/base.h"
#include "base/stop.h"

static const struct {
    unsigned by, rounds;
    double sharpen;
} ways[] = {{CLH_REPAIR_KEYS, 1, 2},    {CLH_REPAIR_BOTH, 1, 2},    {CLH_REPAIR_KEYS, 1, 1},
            {CLH_REPAIR_BOTH, 1, 1},    {CLH_REPAIR_BOTH, 2, 2},    {CLH_REPAIR_KEYS, 2, 2},
            {CLH_REPAIR_BOTH, 2, 1},    {CLH_REPAIR_KEYS, 2, 1},    {CLH_REPAIR_QUERIES, 1, 2},
            {CLH_REPAIR_QUERIES, 1, 1}, {CLH_REPAIR_QUERIES, 2, 2}, {CLH_REPAIR_QUERIES, 2, 1},
            {CLH_REPAIR_PATTERN, 1, 1}, {CLH_REPAIR_ONE_HOT, 1, 1}, {CLH_REPAIR_PROGRAM, 1, 1}};

typedef struct tried {
    clh_model *model;
    clh_repair_sums sums;
    clh_repair_options options;
    clh_certificate certificate;
} tried;

static void tried_deinit(tried *t)
{
    clh_model_close(t->model);
    clh_certificate_deinit(&t->certificate);
    *t = (tried){0};
}

/* The next way that is as `options` want it; for a number that no way has, those with 1 in its place. */
static bool next_way(size_t *i, const clh_repair_options *options, clh_repair_options *out)
{
    while (*i < CLH_COUNT(ways)) {
        *out =
            (clh_repair_options){ways[*i].by, ways[*i].rounds, ways[*i].sharpen, options->program};
        ++*i;
        const bool by = options->by == 0 ? out->by <= CLH_REPAIR_BOTH : options->by == out->by;
        const bool rounds = options->rounds == 0 || out->rounds == 1;
        const bool sharpen = options->sharpen == 0 || out->sharpen == 1;
        out->rounds = options->rounds ? options->rounds : out->rounds;
        out->sharpen = options->sharpen != 0 ? options->sharpen : out->sharpen;
        if (by && rounds && sharpen)
            return true;
    }
    return false;
}

static clh_status try(tried *t, const clh_model *model, const clh_task *task,
                      clh_domain_kind domain, const clh_how *how, clh_error *err)
{
    const clh_certify_options certify = {
        .domain = domain, .way = CLH_CERTIFY_BOUNDS, .margins = true};
    const clh_status status = clh_repair(&t->model, &t->sums, model, task, &t->options, how, err);
    return status ? status : clh_certify(&t->certificate, t->model, task, &certify, how, err);
}

clh_status clh_repair_find(clh_model **out, clh_repair_sums *sums, clh_repair_options *found,
                           clh_certificate *after, const clh_model *model, const clh_task *task,
                           const clh_repair_options *options, clh_domain_kind domain,
                           const clh_how *how, clh_error *err)
{
    const clh_repair_options any = {0};
    CLH_REQUIRE(out && sums && found && after && model && task, err,
                "room for a model and what is said of it, a model and a task");
    options = options ? options : &any;
    *out = NULL;
    *after = (clh_certificate){0};
    if (options->by > CLH_REPAIR_PROGRAM)
        return clh_fail(err, CLH_EUSAGE, "repair by %u, want 0 to %d", options->by,
                        CLH_REPAIR_PROGRAM);
    tried best = {0};
    clh_status status = CLH_OK;
    size_t i = 0, number = 0;
    tried one = {0};
    while (!status && (!best.model || best.certificate.all.failures) &&
           next_way(&i, options, &one.options)) {
        clh_watch_part part;
        const clh_how share = {
            clh_how_threads(how),
            clh_watch_part_of(&part, clh_how_watch(how), number++, 1, CLH_COUNT(ways))};
        status = try(&one, model, task, domain, &share, err);
        if (!status &&
            (!best.model || one.certificate.all.failures < best.certificate.all.failures)) {
            tried_deinit(&best);
            best = one;
            one = (tried){0};
        }
        tried_deinit(&one);
    }
    if (status) {
        tried_deinit(&best);
        return status;
    }
    *out = best.model;
    *sums = best.sums;
    *found = best.options;
    *after = best.certificate;
    return CLH_OK;
}
