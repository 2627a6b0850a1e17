/* What parts are on the mean of all inputs of a domain. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/sensitivity/removed.h"

enum { PAIR = CLH_LETTER_ROW * CLH_LETTER_ROW };

/* Letters of two slots, or of one, as shares of the inputs. */
static void count_pairs(clh_removed *r)
{
    const clh_letters_asked *a = r->tables->asked;
    uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
    for (size_t s = 0; s < a->n * a->n; s++)
        for (size_t x = 0; x < a->letters; x++)
            for (size_t y = 0; y < a->letters; y++) {
                const size_t one = s / a->n, two = s % a->n;
                const unsigned mask = 1u << one;
                letters[one] = (uint8_t)x;
                uint64_t count = 0;
                if (one == two)
                    count = x == y ? clh_letters_below(a, letters, mask) : 0;
                else if (clh_removed_fitting(a, letters, mask, two) >> y & 1) {
                    letters[two] = (uint8_t)y;
                    count = clh_letters_below(a, letters, mask | 1u << two);
                }
                r->means.pair[s * PAIR + x * CLH_LETTER_ROW + y] =
                    (double)count / (double)r->means.inputs;
            }
}

/* Share of the inputs whose slots hold these letters. */
static double pair(const clh_removed *r, size_t one, size_t x, size_t two, size_t y)
{
    return r->means.pair[(one * r->tables->asked->n + two) * PAIR + x * CLH_LETTER_ROW + y];
}

/* Tokens that a position may hold: how many, and one of them with its letter. */
static size_t tokens_at(const clh_letters_asked *a, size_t position)
{
    return a->slot[position] < a->n ? a->letters : 1;
}

static uint32_t token_at(const clh_letters_asked *a, size_t position, size_t x)
{
    return a->slot[position] < a->n ? a->token[x] : a->fixed[position];
}

/* Share of the inputs with letters x and y at two positions; what never changes has x = 0. */
static double share(const clh_removed *r, size_t i, size_t x, size_t j, size_t y)
{
    const clh_letters_asked *a = r->tables->asked;
    const size_t one = a->slot[i], two = a->slot[j];
    if (one < a->n && two < a->n)
        return pair(r, one, x, two, y);
    return one < a->n ? pair(r, one, x, one, x) : two < a->n ? pair(r, two, y, two, y) : 1;
}

static void value_means(clh_removed *r)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    for (size_t j = 0; j < t->length; j++)
        for (size_t x = 0; x < tokens_at(a, j); x++) {
            const uint32_t token = token_at(a, j, x);
            const double u = share(r, j, x, j, x) * t->u.data[j * t->d_vocab + token];
            for (size_t c = 0; c < t->width; c++) {
                r->means.token[j * t->width + c] += u * t->row_token.data[token * t->width + c];
                r->means.place[j * t->width + c] += u * t->row_place.data[j * t->width + c];
            }
        }
}

clh_status clh_removed_means_open(clh_removed *r, clh_error *err)
{
    const clh_tables *t = r->tables;
    clh_removed_means *m = &r->means;
    const size_t n = t->asked->n;
    m->inputs = clh_letters_inputs(t->asked);
    m->pair = clh_alloc_zeroed(n * n * PAIR, sizeof(double), err);
    m->token = clh_alloc_zeroed(t->length * t->width, sizeof(double), err);
    m->place = clh_alloc_zeroed(t->length * t->width, sizeof(double), err);
    m->direct = clh_alloc_zeroed(t->width, sizeof(double), err);
    m->key = clh_alloc_zeroed(CLH_GROUPS * t->length, sizeof(double), err);
    bool all = m->pair && m->token && m->place && m->direct && m->key;
    for (size_t k = 0; k < CLH_SCORE_PARTS; k++)
        all = (m->score[k] = clh_alloc_zeroed(t->length, sizeof(double), err)) && all;
    for (size_t g = 0; g < CLH_GROUPS; g++)
        all = (m->group[g] = clh_alloc_zeroed(t->width, sizeof(double), err)) && all;
    if (!all)
        return CLH_ENOMEM;
    count_pairs(r);
    value_means(r);
    return CLH_OK;
}

void clh_removed_means_deinit(clh_removed_means *m)
{
    clh_free(m->pair);
    clh_free(m->token);
    clh_free(m->place);
    clh_free(m->direct);
    clh_free(m->key);
    for (size_t k = 0; k < CLH_SCORE_PARTS; k++)
        clh_free(m->score[k]);
    for (size_t g = 0; g < CLH_GROUPS; g++)
        clh_free(m->group[g]);
    *m = (clh_removed_means){0};
}

/* ---- Scores ------------------------------------------------------------------------------------
 */

/* One token of the query: what it adds to the mean of each part of each score. */
static void add_scores(clh_removed *r, size_t x)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    for (size_t j = 0; j <= r->position; j++)
        for (size_t y = 0; y < tokens_at(a, j); y++) {
            const uint32_t token = token_at(a, j, y);
            const double u = share(r, r->position, x, j, y) * t->u.data[j * t->d_vocab + token];
            for (size_t k = 0; k < CLH_SCORE_PARTS; k++)
                r->means.score[k][j] +=
                    u * (k % 2 ? r->key_part[k / 2][j] : r->letter_part[k / 2][token]);
        }
}

/* ---- What attention brings ---------------------------------------------------------------------
 * The mean of sum_j w_j v_j / D over the choices of letters: of 1 / D over those that have a letter in a
 * slot, times w_j v_j of that letter. */

typedef struct inverse {
    clh_removed *removed;
    double by[CLH_CERTIFY_LETTERS]
             [CLH_LETTER_ROW]; /* sum of 1 / D over choices with a letter there */
    double also[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW]; /* and the same letter in the answer's slot */
    double own;                                       /* with the query's own letter there */
    uint8_t letters[CLH_CERTIFY_LETTERS];
} inverse;

/* Choices of the slots from `level` on; `sum` of the weights so far, each counted so often as slots that
 * the query does not see have letters. */
static double invert(inverse *i, size_t level, unsigned mask, double sum)
{
    clh_removed *r = i->removed;
    const clh_letters_asked *a = r->tables->asked;
    double all = 0;
    if (level == r->slots) {
        r->means.lost = r->means.lost || !(sum > CLH_REMOVED_LEAST);
        const uint8_t *is = i->letters;
        const double one = (double)clh_letters_below(a, is, mask) / sum;
        for (size_t s = 0; r->answer < a->n && s < a->n; s++)
            if (s != r->answer && mask >> s & 1 && is[s] == is[r->answer]) {
                if (s == r->own)
                    i->own += one;
                else
                    i->also[s][is[s]] += one;
            }
        return one;
    }
    const size_t slot = r->order[level];
    for (uint64_t left = clh_removed_fitting(a, i->letters, mask, slot); left; left &= left - 1) {
        const size_t x = (size_t)__builtin_ctzll(left);
        i->letters[slot] = (uint8_t)x;
        const double one =
            invert(i, level + 1, mask | 1u << slot, sum + r->whole.sum[slot * CLH_LETTER_ROW + x]);
        i->by[slot][x] += one;
        all += one;
    }
    return all;
}

/* A key with this letter, seen in choices whose sum of 1 / D is `all`, `also` of them with that letter as
 * the answer: what it brings in each group. */
static void add_key(clh_removed *r, size_t key, uint32_t token, double e, double all, double also)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    const double u = e * t->u.data[key * t->d_vocab + token] / (double)r->means.inputs;
    const bool answer = r->answer == a->n ? a->slot[key] == a->n && token == r->answer_same
                                          : a->slot[key] == r->answer;
    const double times[CLH_GROUPS] = {all, clh_removed_in_group(r, key, CLH_GROUP_SLOT) ? all : 0,
                                      clh_removed_in_group(r, key, CLH_GROUP_FIRST) ? all : 0,
                                      answer ? all : also};
    for (size_t g = 0; g < CLH_GROUPS; g++)
        if (times[g] > 0) {
            const double by = u * times[g];
            r->means.key[g * t->length + key] += by;
            const double constant = g ? e * times[g] / (double)r->means.inputs : 0;
            for (size_t c = 0; c < t->width; c++)
                r->means.group[g][c] +=
                    by * t->row_token.data[token * t->width + c] + constant * t->constants.data[c];
        }
}

/* One token of the query: what it adds to the mean of each group. */
static void add_groups(clh_removed *r)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    inverse i = {.removed = r};
    double base = 0;
    uint32_t token;
    memcpy(i.letters, r->letters, sizeof i.letters);
    clh_removed_weights_scores(r, &r->whole, 0, CLH_GROUP_NONE);
    memset(r->whole.sum, 0, a->n * CLH_LETTER_ROW * sizeof(double));
    for (size_t j = 0; j <= r->position; j++) {
        const double *e = r->whole.weight + j * CLH_LETTER_ROW;
        if (clh_removed_stays(r, j, &token))
            base += e[0];
        else
            for (size_t x = 0; x < a->letters; x++)
                r->whole.sum[(size_t)a->slot[j] * CLH_LETTER_ROW + x] += e[x];
    }
    const double all = invert(&i, 0, r->own < a->n ? 1u << r->own : 0, base);
    for (size_t j = 0; j <= r->position; j++) {
        const double *e = r->whole.weight + j * CLH_LETTER_ROW;
        if (clh_removed_stays(r, j, &token))
            add_key(r, j, token, e[0], all, a->slot[j] == r->own ? i.own : 0);
        else
            for (size_t x = 0; x < a->letters; x++)
                add_key(r, j, a->token[x], e[x], i.by[a->slot[j]][x], i.also[a->slot[j]][x]);
    }
}

void clh_removed_means_place(clh_removed *r)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    clh_removed_means *m = &r->means;
    for (size_t k = 0; k < CLH_SCORE_PARTS; k++)
        memset(m->score[k], 0, t->length * sizeof(double));
    for (size_t g = 0; g < CLH_GROUPS; g++)
        memset(m->group[g], 0, t->width * sizeof(double));
    memset(m->direct, 0, t->width * sizeof(double));
    memset(m->key, 0, CLH_GROUPS * t->length * sizeof(double));
    for (size_t x = 0; x < tokens_at(a, r->position); x++) {
        r->token = token_at(a, r->position, x);
        const double of = share(r, r->position, x, r->position, x);
        if (of <= 0)
            continue;
        if (r->own < a->n)
            r->letters[r->own] = (uint8_t)x;
        clh_removed_halves_token(r);
        add_scores(r, x);
        add_groups(r);
        for (size_t c = 0; c < t->width; c++)
            m->direct[c] += of * t->direct_token.data[r->token * t->width + c];
    }
    for (size_t g = 0; g < CLH_GROUPS; g++)
        for (size_t j = 0; j <= r->position; j++)
            for (size_t c = 0; c < t->width; c++)
                m->group[g][c] += m->key[g * t->length + j] * t->row_place.data[j * t->width + c];
}
