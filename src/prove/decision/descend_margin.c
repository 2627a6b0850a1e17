/* The smallest margin of each class of inputs: a bound leaves out what cannot have a smaller one than was
 * found so far; what remains is computed in double. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "model/memory/tensors.h"
#include "prove/decision/descend.h"

/* Letters, then position: which of two equal margins is the first. */
static int order(const clh_certify_row *a, const clh_certify_row *b, size_t n)
{
    const int letters = memcmp(a->margin_input.letters, b->margin_input.letters, n);
    return letters ? letters
                   : (a->margin_position > b->margin_position) -
                         (a->margin_position < b->margin_position);
}

void clh_margin_take(clh_certify_row *to, const clh_certify_row *from, size_t n)
{
    if (isnan(from->margin) || from->margin > to->margin)
        return;
    if (!isnan(to->margin) && !(from->margin < to->margin) && order(from, to, n) >= 0)
        return;
    to->margin = from->margin;
    to->margin_input = from->margin_input;
    to->margin_position = from->margin_position;
}

/* ---- What is looked for ------------------------------------------------------------------------
 * A margin below m: less than m D s between the target's sum and another's. m D s is at most m times the sum
 * of columns CLH_COLUMN_HIGH, or, where m is below 0, of CLH_COLUMN_LOW; so much more slack the sums get. */

clh_status clh_aims_open(clh_descent *d, clh_error *err)
{
    const clh_tables *t = d->query.tables;
    bool all = true;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES && all; c++) {
        if (!isfinite(d->decided.at_most[c]))
            continue; /* a class without inputs */
        for (size_t l = 0; l <= t->asked->n && all; l++)
            all = (d->above[c][l] = clh_alloc_zeroed(t->columns, sizeof *d->above[c][l], err));
        for (size_t s = 0; s < t->asked->n && all; s++)
            all = (d->more[c][s] = clh_alloc_zeroed(CLH_LETTER_ROW, sizeof *d->more[c][s], err));
    }
    for (size_t l = 0; l <= t->asked->n && all; l++)
        all = (d->aimed[l] = clh_alloc_zeroed(t->columns, sizeof *d->aimed[l], err));
    return all ? CLH_OK : CLH_ENOMEM;
}

void clh_aims_deinit(clh_descent *d)
{
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        for (size_t l = 0; l <= CLH_CERTIFY_LETTERS; l++)
            clh_free(d->above[c][l]);
        for (size_t s = 0; s < CLH_CERTIFY_LETTERS; s++)
            clh_free(d->more[c][s]);
    }
    for (size_t l = 0; l <= CLH_CERTIFY_LETTERS; l++)
        clh_free(d->aimed[l]);
}

static size_t end_of(const clh_descent *d, double margin)
{
    return d->query.tables->outputs + (margin < 0 ? CLH_COLUMN_LOW : CLH_COLUMN_HIGH);
}

/* The rows of slack for what each class is to stay below; which classes there are. */
static unsigned set_aims(clh_descent *d, const clh_node *at)
{
    unsigned classes = 0;
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        const double most = d->decided.at_most[c], best = d->decided.best[c].margin;
        if (!isfinite(most))
            continue;
        classes |= 1u << c;
        d->aim[c] = best < most ? best : most; /* a margin of NaN is not */
        for (size_t l = 0; l < d->slots; l++) {
            const size_t slot = d->order[l];
            const clh_real *slack =
                clh_descent_column(d, slot, d->query.tables->outputs + CLH_COLUMN_SLACK);
            const clh_real *end = clh_descent_column(d, slot, end_of(d, d->aim[c]));
            for (size_t x = 0; x < d->query.tables->asked->letters; x++)
                d->more[c][slot][x] =
                    (clh_real)((double)slack[x] * 1.001 + d->aim[c] * (double)end[x]);
        }
        clh_descent_least(d, at, d->more[c], d->above[c]);
    }
    return classes;
}

/* What the target's sum is, less the slack of what is fixed. */
static double least_of(const clh_descent *d, const clh_node *at, size_t c)
{
    const clh_real *base = d->base[at->level];
    return (double)base[at->target] -
           (double)base[d->query.tables->outputs + CLH_COLUMN_SLACK] * 1.001 - d->query.least -
           d->aim[c] * (double)base[end_of(d, d->aim[c])];
}

/* ---- The walk ----------------------------------------------------------------------------------
 */

static void look(clh_descent *d, const clh_node *at)
{
    const clh_letters_asked *a = d->query.tables->asked;
    const clh_certify_class c = clh_letters_class(at->letters, a->n);
    double scale;
    clh_certify_row one = {.margin = clh_query_margin(&d->query, at->letters, at->target, &scale),
                           .margin_position = d->query.position + 1};
    memcpy(one.margin_input.letters, at->letters, sizeof at->letters);
    clh_margin_take(&d->decided.best[c], &one, a->n);
}

/* Whether a margin, with the size of the stream that these letters make, may be as small as the smallest. */
static bool may_be_less(clh_descent *d, const clh_node *at, const clh_query_fixed *fixed, size_t x,
                        size_t c)
{
    const double most = d->decided.at_most[c], best = d->decided.best[c].margin;
    const double aim = best < most ? best : most; /* a margin of NaN is not */
    const clh_sized of = clh_descent_size(d, at, fixed, x);
    return clh_descent_reached(d, at, d->sized,
                               of.is - 1.001 * of.slack - aim * of.size - fabs(aim) * of.off);
}

/* The last letter: each class of them by its own aim. */
static void look_last(clh_descent *d, const clh_node *at, clh_letter_limits *of, uint64_t which)
{
    const size_t slot = d->order[at->level];
    uint64_t set[CLH_CERTIFY_CLASSES], reach;
    clh_letters_classes_last(d->query.tables->asked, at->letters, slot, which, set);
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++) {
        if (!set[c] || !(at->classes >> c & 1))
            continue;
        of->slack = d->more[c][slot];
        of->limit = (clh_real)least_of(d, at, c);
        uint64_t left = set[c] & ~d->query.kernel->letters_below(of, &reach);
        const bool sizes = left && clh_descent_sizes(d, &d->open[1], left);
        clh_query_fixed fixed;
        if (sizes)
            fixed = clh_query_fix(&d->query, at->letters);
        for (; left && !clh_descent_stopped(d); left &= left - 1) {
            const size_t x = (size_t)__builtin_ctzll(left);
            clh_node one = *at;
            clh_descent_place(d, &one, x);
            if (!sizes || may_be_less(d, at, &fixed, x, c))
                look(d, &one);
        }
    }
}

static void walk_letters(clh_descent *d, const clh_node *at)
{
    const size_t slot = d->order[at->level], next = at->level + 1;
    const double least = least_of(d, at, at->most);
    const uint64_t which = clh_descent_fitting(d, at, slot);
    uint8_t rivals[128];
    clh_real sums[128];
    uint64_t reach;
    const size_t n = clh_descent_rivals(d, at, d->aimed[at->level], least, rivals);
    clh_letter_limits of = clh_descent_limits(d, at, rivals, n, d->aimed[next], sums);
    if (next == d->slots) {
        look_last(d, at, &of, which);
        return;
    }
    of.slack = d->more[at->most][slot];
    of.limit = (clh_real)least;
    for (uint64_t left = which & ~d->query.kernel->letters_below(&of, &reach);
         left && !clh_descent_stopped(d); left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        clh_node one = *at;
        clh_descent_place(d, &one, x);
        one.classes &= clh_letters_reached(d->query.tables->asked, one.letters, one.mask);
        if (!one.classes)
            continue;
        clh_descent_add(d, at, x);
        walk_letters(d, &one);
    }
}

/* Whether no margin of a class can be as small as is looked for. */
static bool ruled_out(const clh_descent *d, const clh_node *at, size_t c)
{
    return !clh_descent_reached(d, at, d->most[at->level],
                                least_of(d, at, c) + (double)d->above[c][at->level][at->target]);
}

/* Leave out classes that are ruled out: all are where that with the largest aim is. */
static void rule_out(const clh_descent *d, clh_node *at)
{
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        if (at->classes >> c & 1 &&
            (!(at->classes >> at->most & 1) || d->aim[c] > d->aim[at->most]))
            at->most = (clh_certify_class)c;
    if (ruled_out(d, at, at->most)) {
        at->classes = 0;
        return;
    }
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        if (at->classes >> c & 1 && c != at->most && ruled_out(d, at, c))
            at->classes &= ~(1u << c);
}

static void walk(clh_descent *d, clh_node *at)
{
    at->classes &= clh_letters_reached(d->query.tables->asked, at->letters, at->mask);
    if (at->classes && at->target == UINT32_MAX) {
        clh_descent_letters(d, at, walk);
        return;
    }
    if (at->classes)
        rule_out(d, at);
    if (!at->classes)
        return;
    if (at->level == d->slots) {
        look(d, at);
        return;
    }
    const size_t columns = d->query.tables->columns;
    memset(d->aimed[d->slots], 0, columns * sizeof(clh_real));
    for (size_t l = d->slots; l-- > at->level;) {
        clh_descent_ahead(d, at, l, d->more[at->most][d->order[l]], d->aimed[l]);
        d->query.kernel->axpy(columns, 1, d->aimed[l + 1], d->aimed[l]);
    }
    walk_letters(d, at);
}

void clh_descent_margins(clh_descent *d, clh_node *at)
{
    at->classes = set_aims(d, at);
    at->most = CLH_CLASS_SORTED;
    walk(d, at);
}

/* ---- A few inputs of each class ----------------------------------------------------------------
 */

enum { OF_EACH = 16, TRIES = 1000 };

/* A choice out of a few letters, so that every class comes up; some in order. */
static void draw(const clh_letters_asked *a, uint64_t k, uint8_t *letters)
{
    enum { WORDS = 2 * CLH_CERTIFY_LETTERS + 1 };
    uint64_t word[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        word[i] = clh_random_word(0, CLH_STREAM_CERTIFY, k * WORDS + i);
    const uint64_t different = 1 + word[0] % a->n;
    for (size_t s = 0; s < a->n; s++) {
        const uint64_t which = different == a->n ? s : word[1 + s] % different;
        letters[s] = (uint8_t)(word[1 + CLH_CERTIFY_LETTERS + which] % a->letters);
    }
    for (size_t s = 1; s < a->n && k % 2 == 0; s++)
        for (size_t r = s; r > 0 && letters[r] < letters[r - 1]; r--) {
            const uint8_t more = letters[r - 1];
            letters[r - 1] = letters[r];
            letters[r] = more;
        }
}

/* The smallest margin of one input. */
static clh_status margin_of(double *margin, const clh_model *model, const clh_letters_asked *a,
                            const uint8_t *letters, clh_cache *cache, uint32_t *ids, clh_error *err)
{
    clh_letters_write(a, letters, ids);
    const clh_status status =
        clh_forward(model, &(clh_tokens){ids, 1, a->length}, cache, NULL, err);
    const clh_tensor logits = clh_cache_view(cache, "logits");
    const size_t outputs = clh_model_get_config(model)->d_vocab_out;
    *margin = INFINITY;
    for (size_t p = a->first_scored; p < a->length && !status; p++) {
        const clh_real *row = logits.data + (p - 1) * outputs;
        for (size_t o = 0; o < outputs; o++)
            if (o != ids[p])
                *margin = fmin(*margin, (double)row[ids[p]] - (double)row[o]);
    }
    return status;
}

clh_status clh_margin_hints(double *at_most, const clh_model *model, const clh_letters_asked *a,
                            const clh_watch *watch, clh_error *err)
{
    clh_cache *cache = NULL;
    size_t seen[CLH_CERTIFY_CLASSES] = {0};
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        at_most[c] = INFINITY;
    uint32_t *ids = clh_alloc_array(a->length, sizeof *ids, err);
    clh_status status =
        ids ? clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_BACKWARD, err)
            : CLH_ENOMEM;
    if (!status)
        status = clh_cache_reserve_watched(cache, 1, a->length, watch, err);
    for (uint64_t k = 0; k < TRIES && !status; k++) {
        uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
        double margin;
        draw(a, k, letters);
        const clh_certify_class c = clh_letters_class(letters, a->n);
        const bool has = c == CLH_CLASS_SORTED ||
                         (c == CLH_CLASS_UNSORTED && a->domain != CLH_DOMAIN_SORTED) ||
                         a->domain == CLH_DOMAIN_TUPLES;
        if (!has || seen[c] == OF_EACH)
            continue;
        seen[c]++;
        status = clh_watch_check(watch, 0, TRIES, "inputs", err);
        if (!status)
            status = margin_of(&margin, model, a, letters, cache, ids, err);
        if (status)
            break;
        at_most[c] = fmin(at_most[c], margin + 0.05);
    }
    clh_cache_close(cache);
    clh_free(ids);
    return status;
}
