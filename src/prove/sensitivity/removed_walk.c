#include "prove/sensitivity/removed_walk.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

/* ---- Opening -----------------------------------------------------------------------------------
 */

clh_status clh_removed_walk_open(clh_removed_walk *w, const clh_tables *t, const clh_task *task,
                                 clh_removal by, size_t models, clh_error *err)
{
    *w = (clh_removed_walk){0};
    const size_t V = t->outputs, levels = t->asked->n + 1;
    clh_status status = clh_removed_open(&w->rows, t, task, by, models, err);
    w->ends_room = clh_alloc_zeroed(levels * models * 4 * V, sizeof(double), err);
    w->total = clh_alloc_zeroed(t->width + CLH_REMOVED_MORE, sizeof(double), err);
    if (!status && !(w->ends_room && w->total))
        status = CLH_ENOMEM;
    for (size_t l = 0; l < levels && !status; l++)
        for (size_t m = 0; m < models && !status; m++) {
            double *room = w->ends_room + (l * models + m) * 4 * V;
            w->ends[l][m] = (clh_removed_ends){room, room + V, room + 2 * V, room + 3 * V};
            w->sum[l][m] = clh_alloc_zeroed(w->rows.columns, sizeof(double), err);
            status = w->sum[l][m] ? CLH_OK : CLH_ENOMEM;
        }
    if (status)
        clh_removed_walk_deinit(w);
    return status;
}

void clh_removed_walk_deinit(clh_removed_walk *w)
{
    if (!w)
        return;
    clh_removed_deinit(&w->rows);
    clh_free(w->ends_room);
    clh_free(w->total);
    for (size_t l = 0; l < CLH_LEVELS; l++)
        for (size_t m = 0; m < CLH_MODELS; m++)
            clh_free(w->sum[l][m]);
    *w = (clh_removed_walk){0};
}

/* ---- One choice --------------------------------------------------------------------------------
 */

/* Sources of a slot whose letter is the right token, into sums: their weight counts where a mean stands in. */
static void add_left_out(const clh_removed *r, size_t slot, size_t x, double *total)
{
    const double sum = r->whole.sum[slot * CLH_LETTER_ROW + x];
    if (r->by == CLH_REMOVAL_ZERO)
        return;
    for (size_t c = 0; c < r->tables->width; c++)
        total[c] += sum * r->answer_direct[c];
    total[r->tables->width + CLH_REMOVED_WEIGHT] += sum;
}

/* The answer's sources are not there, of any letters: those that hold its letter bring nothing. */
static const double *sum_by_letters(clh_removed_walk *w, const clh_removed_node *at, size_t m)
{
    const clh_removed *r = &w->rows;
    const clh_letters_asked *a = r->tables->asked;
    const bool own =
        r->answer < a->n && r->own < a->n && at->letters[r->own] == at->letters[r->answer];
    memcpy(w->total, own ? r->own_answer : r->base[m], r->columns * sizeof *w->total);
    for (size_t l = 0; l < r->slots; l++) {
        const size_t slot = r->order[l];
        const uint8_t x = at->letters[slot];
        if (r->answer < a->n && slot != r->answer && x == at->letters[r->answer]) {
            add_left_out(r, slot, x, w->total);
            continue;
        }
        const double *row = r->row[m][slot] + x * r->columns;
        for (size_t c = 0; c < r->columns; c++)
            w->total[c] += row[c];
    }
    return w->total;
}

static bool by_letters(const clh_removed *r, size_t m)
{
    return m > 0 && clh_removed_parts[m - 1].group == CLH_GROUP_ANSWER &&
           r->tables->asked->domain == CLH_DOMAIN_TUPLES;
}

bool clh_removed_predict(const clh_removed *r, const double *total, uint32_t *says)
{
    const clh_tables *t = r->tables;
    const double *more = total + t->width;
    double weight = more[CLH_REMOVED_WEIGHT], shift = 0;
    if (!(weight > 0)) { /* no source is left */
        total = r->nothing;
        weight = 1;
        more = total + t->width;
    }
    if (t->normed && r->spread > 0) {
        double square = weight * weight * (double)t->d_model * t->eps;
        for (size_t c = t->outputs; c < t->width; c++)
            square += total[c] * total[c];
        shift = sqrt(square / (double)t->d_model) - more[CLH_REMOVED_MIDDLE];
    }
    double best = -INFINITY, next = -INFINITY;
    for (size_t o = 0; o < t->outputs; o++) {
        const double is = total[o] + r->bias[o] * shift;
        if (is > best) {
            next = best;
            best = is;
            *says = (uint32_t)o;
        } else
            next = is > next ? is : next;
    }
    return weight > CLH_REMOVED_LEAST && best - next > 2 * r->unit * weight;
}

/* Of model m, the letters of `at` up to the last level, and there letter x. */
bool clh_removed_predict_last(clh_removed_walk *w, const clh_removed_node *at, size_t m,
                              uint32_t *says)
{
    const clh_removed *r = &w->rows;
    if (by_letters(r, m))
        return clh_removed_predict(r, sum_by_letters(w, at, m), says);
    if (r->slots == 0)
        return clh_removed_predict(r, w->sum[0][m], says);
    const size_t slot = r->order[r->slots - 1];
    const double *row = r->row[m][slot] + at->letters[slot] * r->columns;
    const double *sum = w->sum[r->slots - 1][m];
    for (size_t c = 0; c < r->columns; c++)
        w->total[c] = sum[c] + row[c];
    return clh_removed_predict(r, w->total, says);
}

/* ---- Bounds ------------------------------------------------------------------------------------
 */

/* By how much a sum of rows may be off, of a difference of any two logits times D s. */
static double slack(const clh_removed *r, const double *row)
{
    const double *more = row + r->tables->width;
    return (2 * r->unit + r->reach * r->pair_most) * more[CLH_REMOVED_WEIGHT] +
           r->spread * more[CLH_REMOVED_HALF];
}

/* Of these two. */
static double slack_of(const clh_removed *r, const double *row, size_t t, size_t o)
{
    const double *more = row + r->tables->width;
    const double reach = r->pair ? r->reach * r->pair[t * r->tables->outputs + o] : 0;
    return (2 * r->unit + reach) * more[CLH_REMOVED_WEIGHT] +
           fabs(r->bias[t] - r->bias[o]) * more[CLH_REMOVED_HALF];
}

static void set_ends(clh_removed_walk *w, size_t m)
{
    const clh_removed *r = &w->rows;
    const clh_letters_asked *a = r->tables->asked;
    const size_t V = r->tables->outputs;
    for (size_t o = 0; o < 4 * V; o++)
        w->ends[r->slots][m].least[o] = 0;
    for (size_t l = r->slots; l-- > 0;) {
        clh_removed_ends *e = &w->ends[l][m];
        const clh_removed_ends *next = &w->ends[l + 1][m];
        size_t begin, end;
        clh_letters_range(a, r->letters, r->own < a->n ? 1u << r->own : 0, r->order[l], &begin,
                          &end);
        for (size_t o = 0; o < V; o++) {
            e->least[o] = e->low[o] = INFINITY;
            e->most[o] = e->high[o] = -INFINITY;
        }
        for (size_t x = begin; x < end; x++) {
            const double *row = r->row[m][r->order[l]] + x * r->columns, off = slack(r, row);
            for (size_t o = 0; o < V; o++) {
                const double is = row[o], low = is - off, high = is + off;
                e->least[o] = is < e->least[o] ? is : e->least[o];
                e->most[o] = is > e->most[o] ? is : e->most[o];
                e->low[o] = low < e->low[o] ? low : e->low[o];
                e->high[o] = high > e->high[o] ? high : e->high[o];
            }
        }
        for (size_t o = 0; o < V; o++) {
            e->least[o] += next->least[o];
            e->most[o] += next->most[o];
            e->low[o] += next->low[o];
            e->high[o] += next->high[o];
        }
    }
}

/* The least and most by which the target is ahead of a rival in the slots that are left, each letter on
 * its own. */
static void leads(const clh_removed_walk *w, const clh_removed_node *at, size_t m, size_t rival,
                  double *least, double *most)
{
    const clh_removed *r = &w->rows;
    *least = *most = 0;
    for (size_t l = at->level; l < r->slots; l++) {
        size_t begin, end;
        double low = INFINITY, high = -INFINITY;
        clh_letters_range(r->tables->asked, at->letters, at->mask, r->order[l], &begin, &end);
        for (size_t x = begin; x < end; x++) {
            const double *row = r->row[m][r->order[l]] + x * r->columns;
            const double off = slack_of(r, row, at->target, rival);
            const double ahead = row[at->target] - row[rival];
            low = ahead - off < low ? ahead - off : low;
            high = ahead + off > high ? ahead + off : high;
        }
        *least += low;
        *most += high;
    }
}

clh_removed_verdict clh_removed_decide(const clh_removed_walk *w, clh_removed_node *at, size_t m)
{
    const double *sum = w->sum[at->level][m];
    const clh_removed_ends *e = &w->ends[at->level][m];
    const uint32_t t = at->target;
    const double off = slack(&w->rows, sum);
    const double low = sum[t] + e->low[t] - off, high = sum[t] + e->high[t] + off;
    size_t left = 0;
    bool fails = false;
    if (by_letters(&w->rows, m))
        return CLH_REMOVED_OPEN;
    for (size_t i = 0; i < at->count[m]; i++) {
        const size_t o = at->rivals[m][i];
        if (sum[o] + e->most[o] < low)
            continue;
        fails = fails || sum[o] + e->least[o] > high;
        at->rivals[m][left++] = (uint8_t)o;
    }
    at->count[m] = (uint8_t)left;
    left = 0;
    for (size_t i = 0; i < at->count[m] && !fails; i++) {
        const size_t o = at->rivals[m][i];
        double least, most;
        leads(w, at, m, o, &least, &most);
        const double of_two = slack_of(&w->rows, sum, t, o);
        if (sum[t] - sum[o] + least > of_two)
            continue;
        fails = sum[t] - sum[o] + most < -of_two;
        at->rivals[m][left++] = (uint8_t)o;
    }
    if (fails)
        return CLH_REMOVED_FAILS;
    at->count[m] = (uint8_t)left;
    return left ? CLH_REMOVED_OPEN : CLH_REMOVED_HOLDS;
}

clh_removed_verdict clh_removed_decide_last(const clh_removed_walk *w, const clh_removed_node *at,
                                            size_t m, size_t x)
{
    const clh_removed *r = &w->rows;
    const double *sum = w->sum[at->level][m];
    const double *row = r->row[m][r->order[at->level]] + x * r->columns;
    const double top = sum[at->target] + row[at->target];
    clh_removed_verdict is_all = CLH_REMOVED_HOLDS;
    if (by_letters(r, m))
        return CLH_REMOVED_OPEN;
    for (size_t i = 0; i < at->count[m]; i++) {
        const size_t o = at->rivals[m][i];
        const double ahead = top - (sum[o] + row[o]);
        const double off = slack_of(r, sum, at->target, o) + slack_of(r, row, at->target, o);
        if (ahead < -off)
            return CLH_REMOVED_FAILS;
        if (ahead <= off)
            is_all = CLH_REMOVED_OPEN;
    }
    return is_all;
}

/* ---- Letters ----
 */

static void all_rivals(const clh_removed_walk *w, clh_removed_node *at)
{
    const size_t V = w->rows.tables->outputs;
    for (size_t m = 0; m < w->rows.models; m++) {
        at->count[m] = 0;
        for (size_t o = 0; o < V; o++)
            if (o != at->target)
                at->rivals[m][at->count[m]++] = (uint8_t)o;
    }
}

/* What the whole model predicts for the first of the choices that are left. */
static uint32_t predict_first(clh_removed_walk *w, const clh_removed_node *at)
{
    const clh_removed *r = &w->rows;
    clh_removed_node first = *at;
    uint32_t says = 0;
    memcpy(w->total, w->sum[at->level][0], r->columns * sizeof *w->total);
    for (size_t l = at->level; l < r->slots; l++) {
        const size_t slot = r->order[l];
        const uint64_t which =
            clh_removed_fitting(r->tables->asked, first.letters, first.mask, slot);
        if (!which)
            return UINT32_MAX;
        const size_t x = (size_t)__builtin_ctzll(which);
        first.letters[slot] = (uint8_t)x;
        first.mask |= 1u << slot;
        for (size_t c = 0; c < r->columns; c++)
            w->total[c] += r->row[0][slot][x * r->columns + c];
    }
    (void)clh_removed_predict(r, w->total, &says);
    return says;
}

void clh_removed_walk_aim(clh_removed_walk *w, clh_removed_node *at)
{
    const uint32_t says = predict_first(w, at);
    if (says == at->target)
        return;
    at->target = says;
    all_rivals(w, at);
}

clh_removed_node clh_removed_walk_letter(clh_removed_walk *w, const clh_removed_node *at, size_t x)
{
    const clh_removed *r = &w->rows;
    const size_t slot = r->order[at->level];
    clh_removed_node next = *at;
    next.letters[slot] = (uint8_t)x;
    next.mask |= 1u << slot;
    next.level++;
    for (unsigned models = at->open | 1; models; models &= models - 1) {
        const size_t m = (size_t)__builtin_ctz(models);
        const double *row = r->row[m][slot] + x * r->columns, *sum = w->sum[at->level][m];
        for (size_t c = 0; c < r->columns; c++)
            w->sum[next.level][m][c] = sum[c] + row[c];
    }
    return next;
}

clh_removed_node clh_removed_walk_token(clh_removed_walk *w, uint32_t token)
{
    clh_removed *r = &w->rows;
    clh_removed_node root = {.target = UINT32_MAX, .open = (1u << r->models) - 2};
    clh_removed_token(r, token);
    if (r->own < r->tables->asked->n) {
        root.mask = 1u << r->own;
        root.letters[r->own] = r->letters[r->own];
    }
    for (size_t m = 0; m < r->models; m++) {
        memcpy(w->sum[0][m], r->base[m], r->columns * sizeof(double));
        set_ends(w, m);
    }
    return root;
}
