/* The bounds that decide a query's predictions for many inputs at once. */
#include <string.h>

#include "base/base.h"
#include "prove/decision/descend.h"

static const clh_letters_asked *asked(const clh_descent *d)
{
    return d->query.tables->asked;
}

static const clh_real *rows_of(const clh_descent *d, const clh_node *at, size_t slot, size_t *begin,
                               size_t *count)
{
    size_t end;
    clh_letters_range(asked(d), at->letters, at->mask, slot, begin, &end);
    *count = end - *begin;
    return d->query.row[slot] + *begin * d->query.tables->columns;
}

const clh_real *clh_descent_column(const clh_descent *d, size_t slot, size_t column)
{
    return d->query.turned[slot] + column * CLH_LETTER_ROW;
}

void clh_descent_least(clh_descent *d, const clh_node *at, clh_real *const *more, clh_real **low)
{
    const clh_tables *t = d->query.tables;
    const clh_kernels *kernel = d->query.kernel;
    memset(low[d->slots], 0, t->columns * sizeof **low);
    for (size_t l = d->slots; l-- > at->level;) {
        const size_t slot = d->order[l];
        size_t begin, count;
        const clh_real *rows = rows_of(d, at, slot, &begin, &count);
        kernel->column_ends(t->columns, count, rows, t->columns, more[slot] + begin, low[l],
                            d->spare);
        kernel->axpy(t->columns, 1, low[l + 1], low[l]);
    }
}

/* Ends over every letter of the slots from each level on. A slot's own letters are those that fit beside
 * the query's. */
void clh_descent_ends(clh_descent *d, const clh_node *at)
{
    const clh_tables *t = d->query.tables;
    const clh_kernels *kernel = d->query.kernel;
    const size_t bytes = t->columns * sizeof(clh_real), n = d->slots;
    clh_real **all[] = {d->least, d->most, d->low, d->high};
    for (size_t i = 0; i < CLH_COUNT(all); i++)
        memset(all[i][n], 0, bytes);
    for (size_t l = n; l-- > 0;) {
        const size_t slot = d->order[l];
        size_t begin, count;
        const clh_real *rows = rows_of(d, at, slot, &begin, &count);
        const clh_real *slack = clh_descent_column(d, slot, t->outputs + CLH_COLUMN_SLACK) + begin;
        kernel->column_ends(t->columns, count, rows, t->columns, NULL, d->least[l], d->most[l]);
        kernel->column_ends(t->columns, count, rows, t->columns, slack, d->low[l], d->high[l]);
        for (size_t i = 0; i < CLH_COUNT(all); i++)
            kernel->axpy(t->columns, 1, all[i][l + 1], all[i][l]);
    }
}

void clh_descent_ahead(clh_descent *d, const clh_node *at, size_t level, const clh_real *more,
                       clh_real *ahead)
{
    const clh_tables *t = d->query.tables;
    const size_t slot = d->order[level];
    size_t begin, count;
    const clh_real *rows = rows_of(d, at, slot, &begin, &count);
    const clh_real *target = clh_descent_column(d, slot, at->target);
    clh_real shift[CLH_LETTER_ROW];
    for (size_t x = 0; x < CLH_LETTER_ROW; x++)
        shift[x] = more[x] - target[x];
    d->query.kernel->column_ends(t->columns, count, rows, t->columns, shift + begin, d->spare,
                                 ahead);
}

void clh_descent_leads(clh_descent *d, const clh_node *at)
{
    const clh_tables *t = d->query.tables;
    const clh_kernels *kernel = d->query.kernel;
    memset(d->ahead[d->slots], 0, t->columns * sizeof(clh_real));
    memset(d->behind[d->slots], 0, t->columns * sizeof(clh_real));
    for (size_t l = d->slots; l-- > at->level;) {
        const size_t slot = d->order[l];
        const clh_real *slack = clh_descent_column(d, slot, t->outputs + CLH_COLUMN_SLACK);
        const clh_real *target = clh_descent_column(d, slot, at->target);
        clh_real shift[CLH_LETTER_ROW];
        size_t begin, count;
        const clh_real *rows = rows_of(d, at, slot, &begin, &count);
        clh_descent_ahead(d, at, l, slack, d->ahead[l]);
        for (size_t x = 0; x < CLH_LETTER_ROW; x++)
            shift[x] = slack[x] + target[x];
        kernel->column_ends(t->columns, count, rows, t->columns, shift + begin, d->behind[l],
                            d->spare);
        kernel->axpy(t->columns, 1, d->ahead[l + 1], d->ahead[l]);
        kernel->axpy(t->columns, 1, d->behind[l + 1], d->behind[l]);
    }
}

/* ---- Deciding ----------------------------------------------------------------------------------
 */

/* The same as a set. */
static void rival_set(const clh_descent *d, const clh_node *at, const clh_real *rest, double limit,
                      uint64_t *which)
{
    const clh_tables *t = d->query.tables;
    which[1] = 0;
    d->query.kernel->sum_reaches(t->columns, d->base[at->level], rest, (clh_real)limit, which);
    which[0] &= t->outputs >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << t->outputs) - 1;
    which[1] &= t->outputs >= 64 ? ((uint64_t)1 << (t->outputs - 64)) - 1 : 0;
    which[at->target / 64] &= ~((uint64_t)1 << at->target % 64);
}

size_t clh_descent_rivals(const clh_descent *d, const clh_node *at, const clh_real *rest,
                          double limit, uint8_t *rivals)
{
    uint64_t which[2];
    size_t n = 0;
    rival_set(d, at, rest, limit, which);
    for (size_t half = 0; half < 2; half++)
        for (uint64_t left = which[half]; left; left &= left - 1)
            rivals[n++] = (uint8_t)(half * 64 + (size_t)__builtin_ctzll(left));
    return n;
}

bool clh_descent_reached(const clh_descent *d, const clh_node *at, const clh_real *rest,
                         double limit)
{
    uint64_t which[2];
    rival_set(d, at, rest, limit, which);
    return (which[0] | which[1]) != 0;
}

static double slack_of(const clh_descent *d, const clh_node *at)
{
    return (double)d->base[at->level][d->query.tables->outputs + CLH_COLUMN_SLACK] + d->query.least;
}

/* By ends, each sum on its own. */
static clh_verdict by_ends(const clh_descent *d, const clh_node *at)
{
    const clh_real *base = d->base[at->level];
    const double slack = slack_of(d, at), is = (double)base[at->target];
    if (!clh_descent_reached(d, at, d->most[at->level],
                             is + (double)d->low[at->level][at->target] - slack))
        return CLH_HOLDS;
    return clh_descent_reached(d, at, d->least[at->level],
                               is + (double)d->high[at->level][at->target] + slack)
               ? CLH_FAILS
               : CLH_OPEN;
}

clh_verdict clh_descent_decide(clh_descent *d, const clh_node *at)
{
    const clh_verdict ends = by_ends(d, at);
    if (ends != CLH_OPEN || at->level == d->slots)
        return ends;
    clh_descent_leads(d, at);
    const double slack = slack_of(d, at), is = (double)d->base[at->level][at->target];
    if (!clh_descent_reached(d, at, d->ahead[at->level], is - slack))
        return CLH_HOLDS;
    return clh_descent_reached(d, at, d->behind[at->level], is + slack) ? CLH_FAILS : CLH_OPEN;
}

clh_letter_limits clh_descent_limits(const clh_descent *d, const clh_node *at,
                                     const uint8_t *rivals, size_t n, const clh_real *rest,
                                     clh_real *sums)
{
    const size_t slot = d->order[at->level];
    const clh_real *base = d->base[at->level];
    for (size_t i = 0; i < n; i++)
        sums[i] = base[rivals[i]] + rest[rivals[i]];
    return (clh_letter_limits){.n = n,
                               .which = rivals,
                               .base = sums,
                               .row = d->query.turned[slot],
                               .target = clh_descent_column(d, slot, at->target)};
}

void clh_descent_decide_letters(const clh_descent *d, const clh_node *at, uint64_t which,
                                uint64_t *holds, uint64_t *fails)
{
    const clh_tables *t = d->query.tables;
    const size_t slot = d->order[at->level], next = at->level + 1;
    const double slack = slack_of(d, at), is = (double)d->base[at->level][at->target];
    uint8_t rivals[128];
    clh_real sums[128];
    const size_t n = clh_descent_rivals(d, at, d->ahead[at->level], is - slack, rivals);
    clh_letter_limits of = clh_descent_limits(d, at, rivals, n, d->ahead[next], sums);
    of.slack = clh_descent_column(d, slot, t->outputs + CLH_COLUMN_SLACK);
    of.limit = (clh_real)(is - slack);
    of.upper = (clh_real)(is + slack);
    *holds = which & d->query.kernel->letters_below(&of, fails);
    if (next < d->slots &&
        *holds != which) { /* others follow: how far columns are ahead at least */
        clh_real behind[128];
        uint64_t below;
        of = clh_descent_limits(d, at, rivals, n, d->behind[next], behind);
        of.slack = clh_descent_column(d, slot, t->outputs + CLH_COLUMN_SLACK);
        of.limit = of.upper = (clh_real)(is + slack);
        below = d->query.kernel->letters_below(&of, fails);
        (void)below;
    }
    *fails &= which & ~*holds;
}

clh_sized clh_descent_size(clh_descent *d, const clh_node *at, const clh_query_fixed *fixed,
                           size_t x)
{
    const clh_query *q = &d->query;
    const clh_tables *t = q->tables;
    const clh_real *base = d->base[at->level], *row = q->row[fixed->last] + x * t->columns;
    const clh_real *before = base + t->outputs, *ends = row + t->outputs;
    const clh_query_sized of = clh_query_size(q, fixed, x);
    const double high = (double)before[CLH_COLUMN_HIGH] + (double)ends[CLH_COLUMN_HIGH];
    const double low = (double)before[CLH_COLUMN_LOW] + (double)ends[CLH_COLUMN_LOW];
    memcpy(d->sized, row, t->columns * sizeof *row);
    q->kernel->axpy(t->columns, (clh_real)(of.size - (low + high) / 2), t->bias_row, d->sized);
    const double slack = 1.001 * (q->error * of.weight + t->bound.bias * of.off) + q->least +
                         0x1p-20 * t->bound.bias * (high + of.size);
    return (clh_sized){.is = (double)base[at->target] + (double)d->sized[at->target],
                       .slack = slack,
                       .real_slack = slack - q->passed * of.weight,
                       .size = of.size,
                       .off = of.off};
}

bool clh_descent_sizes(const clh_descent *d, clh_open_letters *open, uint64_t left)
{
    enum { OPEN_MOST = 256 }; /* to decide so many in double costs what products of streams do */
    open->count += (uint64_t)__builtin_popcountll(left);
    open->many = open->many || open->count >= OPEN_MOST;
    return d->query.tables->normed && open->many;
}

clh_last clh_descent_decide_sized(clh_descent *d, const clh_node *at, uint64_t which)
{
    const clh_query_fixed fixed = clh_query_fix(&d->query, at->letters);
    clh_last out = {0};
    for (; which; which &= which - 1) {
        const size_t x = (size_t)__builtin_ctzll(which);
        const clh_sized of = clh_descent_size(d, at, &fixed, x);
        const uint64_t bit = (uint64_t)1 << x;
        if (!clh_descent_reached(d, at, d->sized, of.is - of.slack))
            out.holds |= bit;
        else if (clh_descent_reached(d, at, d->sized, of.is + of.slack))
            out.fails |= bit;
        else if (!clh_descent_reached(d, at, d->sized, of.is - of.real_slack))
            out.really_holds |= bit;
        else if (clh_descent_reached(d, at, d->sized, of.is + of.real_slack))
            out.really_fails |= bit;
    }
    return out;
}
