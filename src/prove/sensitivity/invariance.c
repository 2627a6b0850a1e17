#include "clearhead/invariance.h"

#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/decision/failures.h"
#include "prove/sensitivity/removed.h"
#include "prove/tables/all_queries.h"
#include "prove/tables/query.h"

/* The largest score of some keys, whose it is, and the largest of the others. */
typedef struct top {
    double score, next;
    size_t key;
} top;

typedef struct worker {
    clh_query query;
    top slot[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW]; /* of the keys of a slot, with each letter */
    double ahead[CLH_CERTIFY_LETTERS + 1];         /* over levels from one on: the largest score */
    size_t order[CLH_CERTIFY_LETTERS], slots;
    uint64_t *count; /* [length]: inputs that look there most */
} worker;

typedef struct job {
    clh_invariance *out;
    clh_all_queries queries;
    clh_failures moved, doubtful;
    worker *worker; /* [workers] */
} job;

/* ---- Scores ------------------------------------------------------------------------------------
 */

/* Of two equal ones the key that comes first; keys come in their order, or slot by slot. */
static void take(top *to, top from)
{
    const bool more = from.score > to->score || (!(from.score < to->score) && from.key < to->key);
    const double rest = more ? to->score : from.score;
    to->next = fmax(fmax(to->next, from.next), rest);
    if (!more)
        return;
    to->score = from.score;
    to->key = from.key;
}

static const top nothing = {-INFINITY, -INFINITY, SIZE_MAX};

/* Scores of the query with this token: tops of every slot and letter; returns that of the keys whose token
 * is known. */
static top set_scores(worker *w, uint32_t token)
{
    clh_query *q = &w->query;
    const clh_letters_asked *a = q->tables->asked;
    top known = nothing;
    clh_query_scores(q, token);
    for (size_t s = 0; s < a->n; s++)
        for (size_t x = 0; x < a->letters; x++)
            w->slot[s][x] = nothing;
    for (size_t j = 0; j <= q->position; j++) {
        uint32_t same;
        if (clh_query_stays(q, j, &same)) {
            take(&known, (top){clh_query_score(q, j, same), -INFINITY, j});
            continue;
        }
        for (size_t x = 0; x < a->letters; x++)
            take(&w->slot[a->slot[j]][x], (top){clh_query_score(q, j, a->token[x]), -INFINITY, j});
    }
    w->slots = 0;
    for (size_t s = 0; s < a->n; s++)
        if (s != q->own && q->keys[s] > 0)
            w->order[w->slots++] = s;
    w->ahead[w->slots] = -INFINITY;
    for (size_t l = w->slots; l-- > 0;) {
        w->ahead[l] = w->ahead[l + 1];
        for (size_t x = 0; x < a->letters; x++)
            w->ahead[l] = fmax(w->ahead[l], w->slot[w->order[l]][x].score);
    }
    return known;
}

/* How far the difference of two scores may be off. */
static double error_of(const worker *w, double score)
{
    return 4 * w->query.tables->bound.table_score + 0x1p-48 * fabs(score);
}

/* ---- The walk ----------------------------------------------------------------------------------
 */

/* What is found: choices with these letters look at `is.key` most. */
typedef void found(job *j, worker *w, top is, const uint8_t *letters, unsigned mask);

static void count(job *j, worker *w, top is, const uint8_t *letters, unsigned mask)
{
    w->count[is.key] += clh_letters_below(&j->queries.asked, letters, mask);
}

static void mark(job *j, worker *w, top is, const uint8_t *letters, unsigned mask)
{
    const size_t usual = j->out->at[w->query.position + 1].source;
    const bool sure = is.score - is.next > error_of(w, is.score);
    if (!sure)
        clh_failures_add(&j->doubtful, letters, mask);
    else if (is.key != usual)
        clh_failures_add(&j->moved, letters, mask);
}

static void walk(job *j, worker *w, size_t level, top is, uint8_t *letters, unsigned mask,
                 found *tell)
{
    const double off = error_of(w, is.score);
    if (level == w->slots || (is.score - w->ahead[level] > off && is.score - is.next > off)) {
        tell(j, w, is, letters, mask);
        return;
    }
    const size_t slot = w->order[level];
    for (uint64_t left = clh_removed_fitting(&j->queries.asked, letters, mask, slot); left;
         left &= left - 1) {
        top with = is;
        letters[slot] = (uint8_t)__builtin_ctzll(left);
        take(&with, w->slot[slot][letters[slot]]);
        walk(j, w, level + 1, with, letters, mask | 1u << slot, tell);
    }
}

static void every_token(job *j, worker *w, size_t which, found *tell)
{
    const clh_letters_asked *a = &j->queries.asked;
    const size_t position = w->query.position, own = a->slot[position];
    const size_t tokens = own < a->n ? a->letters : 1;
    for (size_t x = 0; x < tokens && !clh_stop_now(&j->queries.stop, which); x++) {
        uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
        if (own < a->n && !(clh_removed_fitting(a, letters, 0, own) >> x & 1))
            continue;
        if (own < a->n)
            letters[own] = (uint8_t)x;
        const top known = set_scores(w, own < a->n ? a->token[x] : a->fixed[position]);
        walk(j, w, 0, known, letters, own < a->n ? 1u << own : 0, tell);
    }
}

static void work(void *context, size_t position, size_t which)
{
    job *j = context;
    worker *w = &j->worker[which];
    clh_invariance_row *row = &j->out->at[position + 1];
    clh_query_place(&w->query, position);
    memset(w->count, 0, j->queries.asked.length * sizeof *w->count);
    every_token(j, w, which, count);
    for (size_t s = 1; s <= position; s++)
        row->source = w->count[s] > w->count[row->source] ? s : row->source;
    row->same = w->count[row->source];
    row->other = row->source;
    for (size_t s = 0; s <= position; s++)
        if (s != row->source && w->count[s] > row->others) {
            row->other = s;
            row->others = w->count[s];
        }
    every_token(j, w, which, mark);
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

static clh_status open_all(job *j, clh_error *err)
{
    const clh_letters_asked *a = &j->queries.asked;
    *j->out = (clh_invariance){.n = a->n,
                               .length = a->length,
                               .first_scored = a->first_scored,
                               .inputs = clh_letters_inputs(a)};
    memcpy(j->out->token, a->token, sizeof j->out->token);
    j->out->at = clh_alloc_zeroed(a->length, sizeof *j->out->at, err);
    j->worker = clh_alloc_zeroed(j->queries.workers, sizeof *j->worker, err);
    clh_status status = j->out->at && j->worker ? CLH_OK : CLH_ENOMEM;
    if (!status)
        status = clh_failures_open(&j->moved, a, err);
    if (!status)
        status = clh_failures_open(&j->doubtful, a, err);
    for (size_t w = 0; w < j->queries.workers && !status; w++) {
        status = clh_query_open(&j->worker[w].query, &j->queries.tables, err);
        if (!status && !(j->worker[w].count = clh_alloc_zeroed(a->length, sizeof(uint64_t), err)))
            status = CLH_ENOMEM;
    }
    return status;
}

static void close_all(job *j)
{
    for (size_t w = 0; w < j->queries.workers && j->worker; w++) {
        clh_query_deinit(&j->worker[w].query);
        clh_free(j->worker[w].count);
    }
    clh_free(j->worker);
    clh_failures_deinit(&j->moved);
    clh_failures_deinit(&j->doubtful);
    clh_all_queries_close(&j->queries);
}

static void gather(job *j)
{
    clh_invariance *out = j->out;
    size_t kept = 0;
    const uint64_t sure = clh_failures_all(&j->moved, &out->first, &kept);
    clh_failures_join(&j->moved, &j->doubtful);
    const uint64_t moved = clh_failures_all(&j->moved, &out->first, &kept);
    out->same = out->inputs - moved;
    out->undecided = moved - sure;
    if (kept)
        out->first.rank = clh_letters_rank(&j->queries.asked, out->first.letters);
}

void clh_invariance_deinit(clh_invariance *invariance)
{
    if (!invariance)
        return;
    clh_free(invariance->at);
    *invariance = (clh_invariance){0};
}

clh_status clh_invariance_find(clh_invariance *out, const clh_model *model, const clh_task *task,
                               clh_domain_kind domain, const clh_how *how, clh_error *err)
{
    CLH_REQUIRE(out && model && task, err, "room for the counts, a model and a task");
    *out = (clh_invariance){0};
    job j = {.out = out};
    clh_status status =
        clh_all_queries_open(&j.queries, "invariance", model, task, domain, how, err);
    if (!status)
        status = open_all(&j, err);
    if (!status)
        status = clh_all_queries_run(&j.queries, work, &j, clh_how_watch(how), err);
    if (!status)
        gather(&j);
    else
        clh_invariance_deinit(out);
    close_all(&j);
    return status;
}
