/* The distribution of margins: nothing is skipped. */
#include <math.h>

#include "base/base.h"
#include "prove/decision/descend.h"

/* Edges are numbers that doubles have. */
static const double least = -32, each = 4;

double clh_margin_edge(size_t bin)
{
    return bin == 0 ? -INFINITY : bin < CLH_MARGIN_BINS ? least + ((double)bin - 1) / each : NAN;
}

size_t clh_margin_bin(double margin)
{
    const double bin = floor(margin * each) - least * each + 1;
    return bin >= CLH_MARGIN_BINS - 1 ? CLH_MARGIN_BINS - 1 : bin >= 1 ? (size_t)bin : 0;
}

static uint32_t target_of(const clh_descent *d, const clh_node *at)
{
    const clh_letters_asked *a = d->query.tables->asked;
    return d->mixture                 ? clh_target_token(d->mixture, a, at->letters)
           : at->target == UINT32_MAX ? a->token[at->letters[d->order[0]]]
                                      : at->target;
}

void clh_descent_histogram(clh_descent *d, const clh_node *at)
{
    if (at->level == d->slots) {
        double scale;
        const double margin = clh_query_margin(&d->query, at->letters, target_of(d, at), &scale);
        d->decided.histogram[clh_margin_bin(margin)]++;
        return;
    }
    for (uint64_t left = clh_descent_fitting(d, at, d->order[at->level]);
         left && !clh_descent_stopped(d); left &= left - 1) {
        clh_node next = *at;
        clh_descent_place(d, &next, (size_t)__builtin_ctzll(left));
        clh_descent_histogram(d, &next);
    }
}
