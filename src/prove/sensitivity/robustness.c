#include "clearhead/robustness.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/sensitivity/flip_distance.h"
#include "prove/sensitivity/removed_walk.h"
#include "prove/tables/all_queries.h"

/* How far the first look goes, how much further the next one, and how many there are: up to 8e6. */
enum { ROUNDS = 16, FURTHER = 4, WITHIN_MOST = 1000000 };
#define FIRST 0x1p-7

typedef struct worker {
    clh_removed_walk walk;
    clh_robustness_row best; /* of the position; at first how far is looked */
    uint64_t computed;
} worker;

typedef struct job {
    clh_robustness *out;
    clh_all_queries queries;
    clh_unembedding unembedding;
    worker *worker; /* [workers] */
    double within;
} job;

/* Slots that the query does not see hold the first letters that fit. */
static void fill(const clh_letters_asked *a, unsigned mask, uint8_t *letters)
{
    for (size_t s = 0; s < a->n; s++) {
        if (mask >> s & 1)
            continue;
        const uint64_t which = clh_removed_fitting(a, letters, mask, s);
        letters[s] = which ? (uint8_t)__builtin_ctzll(which) : 0;
        mask |= 1u << s;
    }
}

/* The distance of one choice, whose sums are in `total`. */
static void measure(const job *j, worker *w, const clh_removed_node *at, const double *total)
{
    const clh_tables *t = &j->queries.tables;
    const clh_removed *r = &w->walk.rows;
    const double weight = total[t->width + CLH_REMOVED_WEIGHT];
    const double middle = total[t->width + CLH_REMOVED_MIDDLE];
    clh_robustness_row is = {.distance = INFINITY};
    double square = 0;
    uint32_t says = 0;
    (void)clh_removed_predict(r, total, &says);
    for (size_t c = t->outputs; c < t->width; c++)
        square += total[c] * total[c];
    const double size = sqrt(square) / weight;
    const double s = t->normed ? sqrt(size * size / (double)t->d_model + t->eps) : 1;
    for (size_t o = 0; o < t->outputs; o++) {
        const double bias = r->bias[says] - r->bias[o];
        const double along = (total[says] - total[o] - bias * middle) / weight;
        if (o == says ||
            along + bias * s > is.distance * j->unembedding.pair.data[says * t->outputs + o])
            continue;
        const double d = clh_flip_distance(&j->unembedding, says, o, along, size);
        if (d < is.distance || is.input.expected == says) {
            is.distance = d;
            is.input.expected = (uint32_t)o;
            is.input.margin = along / s + bias;
        }
    }
    w->computed++;
    if (is.distance > w->best.distance)
        return;
    is.input.predicted = says;
    is.input.position = r->position + 1;
    memcpy(is.input.letters, at->letters, sizeof is.input.letters);
    fill(&j->queries.asked, at->mask, is.input.letters);
    is.input.rank = clh_letters_rank(&j->queries.asked, is.input.letters);
    if (is.distance < w->best.distance || is.input.rank < w->best.input.rank) {
        w->best = is;
        w->walk.rows.reach = is.distance * (1 + 1e-9);
    }
}

/* All letters but that of the last free slot are there. */
static void walk_last(const job *j, worker *w, const clh_removed_node *at)
{
    const clh_removed *r = &w->walk.rows;
    const size_t slot = r->order[at->level];
    for (uint64_t left = clh_removed_fitting(&j->queries.asked, at->letters, at->mask, slot); left;
         left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        if (at->target != UINT32_MAX &&
            clh_removed_decide_last(&w->walk, at, 0, x) == CLH_REMOVED_HOLDS)
            continue;
        const clh_removed_node next = clh_removed_walk_letter(&w->walk, at, x);
        measure(j, w, &next, w->walk.sum[next.level][0]);
    }
}

static void walk(const job *j, worker *w, clh_removed_node *at)
{
    const clh_removed *r = &w->walk.rows;
    if (at->level == r->slots) {
        measure(j, w, at, w->walk.sum[at->level][0]);
        return;
    }
    clh_removed_walk_aim(&w->walk, at);
    if (at->target != UINT32_MAX && clh_removed_decide(&w->walk, at, 0) == CLH_REMOVED_HOLDS)
        return;
    if (at->level + 1 == r->slots) {
        walk_last(j, w, at);
        return;
    }
    for (uint64_t left =
             clh_removed_fitting(&j->queries.asked, at->letters, at->mask, r->order[at->level]);
         left; left &= left - 1) {
        clh_removed_node next =
            clh_removed_walk_letter(&w->walk, at, (size_t)__builtin_ctzll(left));
        walk(j, w, &next);
    }
}

static void work(void *context, size_t position, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    clh_removed *r = &w->walk.rows;
    const clh_letters_asked *a = &j->queries.asked;
    const size_t own = a->slot[position];
    uint64_t tokens = 1;
    w->best = (clh_robustness_row){.distance = j->within, .input.rank = UINT64_MAX};
    r->reach = j->within * (1 + 1e-9);
    r->pair = j->unembedding.pair.data;
    r->pair_most = j->unembedding.most;
    clh_removed_place(r, position);
    if (own < a->n)
        tokens = clh_removed_fitting(a, r->letters, 0, own);
    for (; tokens && !clh_stop_now(&j->queries.stop, which); tokens &= tokens - 1) {
        const size_t x = (size_t)__builtin_ctzll(tokens);
        clh_removed_node root =
            clh_removed_walk_token(&w->walk, own < a->n ? a->token[x] : a->fixed[position]);
        walk(j, w, &root);
    }
    if (w->best.input.rank == UINT64_MAX)
        w->best = (clh_robustness_row){.distance = INFINITY};
    j->out->at[position + 1] = w->best;
}

static clh_status open_all(job *j, const clh_task *task, clh_error *err)
{
    const clh_letters_asked *a = &j->queries.asked;
    *j->out = (clh_robustness){.n = a->n,
                               .length = a->length,
                               .first_scored = a->first_scored,
                               .inputs = clh_letters_inputs(a),
                               .least = {.distance = INFINITY}};
    memcpy(j->out->token, a->token, sizeof j->out->token);
    j->out->at = clh_alloc_zeroed(a->length, sizeof *j->out->at, err);
    j->worker = clh_alloc_zeroed(j->queries.workers, sizeof *j->worker, err);
    clh_status status = j->out->at && j->worker ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_unembedding_open(&j->unembedding, &j->queries.tables, err);
    for (size_t w = 0; w < j->queries.workers && !status; w++)
        status = clh_removed_walk_open(&j->worker[w].walk, &j->queries.tables, task,
                                       CLH_REMOVAL_ZERO, 1, err);
    return status;
}

static void close_all(job *j)
{
    for (size_t w = 0; w < j->queries.workers && j->worker; w++)
        clh_removed_walk_deinit(&j->worker[w].walk);
    clh_free(j->worker);
    clh_unembedding_deinit(&j->unembedding);
    clh_all_queries_close(&j->queries);
}

static void gather(job *j)
{
    clh_robustness *out = j->out;
    for (size_t p = out->first_scored; p < out->length; p++)
        if (out->at[p].distance < out->least.distance)
            out->least = out->at[p];
    for (size_t w = 0; w < j->queries.workers; w++)
        out->computed += j->worker[w].computed;
    out->within = j->within;
}

/* Look further and further, until a distance is found. */
static clh_status look(job *j, const clh_how *how, clh_error *err)
{
    clh_robustness *out = j->out;
    clh_status status = CLH_OK;
    for (size_t round = 0; round < ROUNDS && !status && !isfinite(out->least.distance); round++) {
        clh_watch_part part;
        const clh_watch *watch = clh_watch_part_of(&part, clh_how_watch(how), round, 1, ROUNDS);
        j->within = fmax(j->within, FIRST * pow(FURTHER, (double)round));
        status = clh_all_queries_run(&j->queries, work, j, watch, err);
        if (!status)
            gather(j);
    }
    return status;
}

void clh_robustness_deinit(clh_robustness *robustness)
{
    if (!robustness)
        return;
    clh_free(robustness->at);
    *robustness = (clh_robustness){0};
}

clh_status clh_robustness_find(clh_robustness *out, const clh_model *model, const clh_task *task,
                               const clh_robustness_options *options, const clh_how *how,
                               clh_error *err)
{
    const clh_robustness_options none = {0};
    CLH_REQUIRE(out && model && task, err, "room for the distances, a model and a task");
    options = options ? options : &none;
    *out = (clh_robustness){0};
    job j = {.out = out, .within = options->within};
    clh_status status = CLH_OK;
    if (!(options->within >= 0 && options->within <= (double)WITHIN_MOST))
        status = clh_fail(err, CLH_ERANGE, "within is %g, want 0 to %g", options->within,
                          (double)WITHIN_MOST);
    if (!status)
        status =
            clh_all_queries_open(&j.queries, "robustness", model, task, options->domain, how, err);
    if (!status)
        status = open_all(&j, task, err);
    if (!status)
        status = look(&j, how, err);
    if (status)
        clh_robustness_deinit(out);
    close_all(&j);
    return status;
}
