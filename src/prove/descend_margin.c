/* The smallest margin of each class of inputs: a bound leaves out what cannot have a smaller one than was
 * found so far; what remains is computed in double. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "prove/descend.h"

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

/* What a margin of the class must be below to be the smallest; of a class that fails somewhere nothing
 * more is to be found. */
static double best_of(const clh_descent *d, clh_certify_class c)
{
    const double margin = d->decided.best[c].margin, most = d->decided.at_most[c];
    const double least = margin < most ? margin : most; /* a margin of NaN is not */
    return margin < 0 ? -INFINITY : least;
}

/* The most that a margin below may be and still be the smallest of its class. */
static double wanted(const clh_descent *d, const clh_node *at)
{
    const clh_letters_asked *a = d->query.tables->asked;
    bool distinct = true, in_order = true, same = true;
    int last = -1;
    for (size_t s = 0; s < a->n; s++) {
        if (!(at->mask >> s & 1))
            continue;
        for (size_t r = 0; r < s; r++)
            distinct = distinct && !(at->mask >> r & 1 && at->letters[r] == at->letters[s]);
        in_order = in_order && (int)at->letters[s] > last;
        same = same && (last < 0 || last == at->letters[s]);
        last = at->letters[s];
    }
    double most = -INFINITY;
    if (distinct && in_order)
        most = best_of(d, CLH_CLASS_SORTED);
    if (distinct && a->domain != CLH_DOMAIN_SORTED)
        most = fmax(most, best_of(d, CLH_CLASS_UNSORTED));
    if (a->domain != CLH_DOMAIN_TUPLES)
        return most;
    if (same)
        most = fmax(most, best_of(d, CLH_CLASS_SAME));
    for (clh_certify_class c = CLH_CLASS_PAIR; c < CLH_CLASS_SAME; c++)
        if (a->n > 2 && (c != CLH_CLASS_TWO_PAIRS || a->n > 3) &&
            (c != CLH_CLASS_TRIPLE || a->n > 3))
            most = fmax(most, best_of(d, c));
    return a->n > 4 ? fmax(most, best_of(d, CLH_CLASS_OTHER)) : most;
}

void clh_descent_margin(clh_descent *d, const clh_node *at)
{
    const clh_letters_asked *a = d->query.tables->asked;
    double scale;
    clh_certify_row one = {.margin = clh_query_margin(&d->query, at->letters, at->target, &scale),
                           .margin_position = d->query.position + 1};
    memcpy(one.margin_input.letters, at->letters, sizeof at->letters);
    d->decided.exact++;
    clh_margin_take(&d->decided.best[clh_letters_class(at->letters, a->n)], &one, a->n);
}

/* Slack of what is fixed, for margins up to least_margin. */
static double base_slack(const clh_descent *d, const clh_node *at)
{
    const clh_query *q = &d->query;
    const double weight = (double)d->base[at->level][q->tables->outputs];
    double scale = q->base_scale;
    for (size_t l = 0; l < at->level; l++)
        scale += (double)q->scale[d->order[l]][at->letters[d->order[l]]];
    return q->error * weight + q->least + d->least_margin * (q->tables->normed ? scale : weight);
}

/* The letters of this level's slot below which a margin may be no larger than least_margin. */
static uint64_t open_letters(const clh_descent *d, const clh_node *at)
{
    const size_t slot = d->order[at->level], next = at->level + 1;
    const clh_real *target = d->query.turned[slot] + (size_t)at->target * CLH_LETTER_ROW;
    const double low = (double)d->base[at->level][at->target] + (double)d->above[next][at->target] -
                       base_slack(d, at);
    clh_real top[CLH_LETTER_ROW];
    uint64_t open = 0;
    clh_descent_tops(d, at, d->most[next], top);
    for (size_t x = 0; x < CLH_LETTER_ROW; x++)
        open |= (uint64_t) !((double)top[x] < low + (double)target[x] - (double)d->more[slot][x])
                << x;
    return open & clh_descent_fitting(d, at, slot);
}

static void walk_letters(clh_descent *d, const clh_node *at)
{
    const clh_letters_asked *a = d->query.tables->asked;
    const size_t slot = d->order[at->level];
    for (uint64_t left = open_letters(d, at); left; left &= left - 1) {
        clh_node next = *at;
        next.letters[slot] = (uint8_t)__builtin_ctzll(left);
        next.mask |= 1u << slot;
        if (at->level + 1 == d->slots) {
            if (best_of(d, clh_letters_class(next.letters, a->n)) >= 0)
                clh_descent_margin(d, &next);
        } else if (wanted(d, &next) >= 0) {
            next = clh_descent_child(d, at, next.letters[slot]);
            walk_letters(d, &next);
        }
    }
}

static void walk(clh_descent *d, clh_node *at)
{
    if (at->target == UINT32_MAX) {
        clh_descent_letters(d, at, walk);
        return;
    }
    if (wanted(d, at) < 0 ||
        clh_descent_below(d, at,
                          (double)d->base[at->level][at->target] +
                              (double)d->above[at->level][at->target] - base_slack(d, at)))
        return;
    if (at->level == d->slots)
        clh_descent_margin(d, at);
    else
        walk_letters(d, at);
}

/* As the sums of low, with slack for margins up to the largest that is looked for. */
static void above_rows(clh_descent *d, const clh_node *at)
{
    const clh_tables *t = d->query.tables;
    const clh_kernels *kernel = d->query.kernel;
    const double times = t->normed ? d->least_margin : 0, plain = t->normed ? 0 : d->least_margin;
    memset(d->above[d->slots], 0, t->columns * sizeof(clh_real));
    for (size_t l = d->slots; l-- > 0;) {
        const size_t slot = d->order[l];
        size_t begin, end;
        clh_letters_range(t->asked, at->letters, at->mask, slot, &begin, &end);
        for (size_t x = 0; x < t->asked->letters; x++)
            d->more[slot][x] =
                (clh_real)((double)d->query.slack[slot][x] * (1 + plain / d->query.error) +
                           times * (double)d->query.scale[slot][x]);
        kernel->column_ends(t->columns, end - begin, d->query.row[slot] + begin * t->columns,
                            t->columns, d->more[slot] + begin, d->above[l], d->spare);
        kernel->axpy(t->columns, 1, d->above[l + 1], d->above[l]);
    }
}

void clh_descent_margins(clh_descent *d, clh_node *at)
{
    d->least_margin = 0;
    for (clh_certify_class c = 0; c < CLH_CLASS_OTHER + 1; c++)
        if (isfinite(best_of(d, c)))
            d->least_margin = fmax(d->least_margin, best_of(d, c));
    above_rows(d, at);
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
                            clh_error *err)
{
    clh_cache *cache = NULL;
    size_t seen[CLH_CERTIFY_CLASSES] = {0};
    for (size_t c = 0; c < CLH_CERTIFY_CLASSES; c++)
        at_most[c] = INFINITY;
    uint32_t *ids = clh_alloc_array(a->length, sizeof *ids, err);
    clh_status status =
        ids ? clh_cache_open(&cache, clh_model_get_config(model), CLH_KEEP_BACKWARD, err)
            : CLH_ENOMEM;
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
        status = margin_of(&margin, model, a, letters, cache, ids, err);
        at_most[c] = fmin(at_most[c], margin + 0.05);
    }
    clh_cache_close(cache);
    clh_free(ids);
    return status;
}
