/* Scores and weights of one query against every letter, with parts left out. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/sensitivity/removed.h"

static const double room = 250; /* exp() of it, squared, is far from the largest double */

clh_status clh_removed_weights_open(clh_removed_weights *w, const clh_tables *t, clh_error *err)
{
    const size_t rows = t->asked->n * CLH_LETTER_ROW;
    w->weight = clh_alloc_zeroed(t->length * CLH_LETTER_ROW, sizeof(double), err);
    w->sum = clh_alloc_zeroed(rows, sizeof(double), err);
    w->left = clh_alloc_zeroed(rows, sizeof(double), err);
    w->scaled = clh_alloc_zeroed(rows, sizeof(double), err);
    w->row = clh_alloc_zeroed(rows * t->width, sizeof(double), err);
    return w->weight && w->sum && w->left && w->scaled && w->row ? CLH_OK : CLH_ENOMEM;
}

void clh_removed_weights_deinit(clh_removed_weights *w)
{
    clh_free(w->weight);
    clh_free(w->sum);
    clh_free(w->left);
    clh_free(w->scaled);
    clh_free(w->row);
    *w = (clh_removed_weights){0};
}

/* ---- Scores ------------------------------------------------------------------------------------
 */

void clh_removed_halves_place(clh_removed *r)
{
    const clh_tables *t = r->tables;
    const size_t n = t->q_place.cols;
    const double *of = t->q_place.data + r->position * n;
    for (size_t j = 0; j <= r->position; j++) {
        r->place_key[j] = 0;
        for (size_t k = 0; k < n; k++)
            r->place_key[j] += of[k] * t->k_place.data[j * n + k];
    }
    for (size_t x = 0; x < t->d_vocab; x++) {
        r->place_letter[x] = 0;
        for (size_t k = 0; k < n; k++)
            r->place_letter[x] += of[k] * t->k_token.data[x * n + k];
    }
}

void clh_removed_halves_token(clh_removed *r)
{
    const clh_tables *t = r->tables;
    const double u = t->u.data[r->position * t->d_vocab + r->token];
    for (size_t x = 0; x < t->d_vocab; x++) {
        r->letter_part[0][x] = t->token_token.data[r->token * t->d_vocab + x] * u;
        r->letter_part[1][x] = r->place_letter[x] * u;
        r->letter_part[2][x] = t->zero_token.data[x];
    }
    for (size_t j = 0; j <= r->position; j++) {
        r->key_part[0][j] = t->token_place.data[r->token * t->length + j] * u;
        r->key_part[1][j] = r->place_key[j] * u;
        r->key_part[2][j] = t->zero_place.data[j];
    }
}

/* Of a key with a token: score = half u + shift, less what all keys share. */
static double score(const clh_removed *r, unsigned gone, size_t key, uint32_t token)
{
    const clh_tables *t = r->tables;
    double half = 0, shift = 0;
    for (unsigned q = 0; q < 3; q++) {
        half += gone >> (2 * q) & 1 ? 0 : r->letter_part[q][token];
        half += gone >> (2 * q + 1) & 1 ? 0 : r->key_part[q][key];
    }
    for (size_t k = 0; k < CLH_SCORE_PARTS && r->by == CLH_REMOVAL_MEAN; k++)
        shift += gone >> k & 1 ? r->means.score[k][key] : 0;
    return half * t->u.data[key * t->d_vocab + token] + shift;
}

bool clh_removed_stays(const clh_removed *r, size_t key, uint32_t *token)
{
    const clh_letters_asked *a = r->tables->asked;
    *token = a->slot[key] == a->n ? a->fixed[key] : r->token;
    return a->slot[key] == a->n || a->slot[key] == r->own;
}

bool clh_removed_in_group(const clh_removed *r, size_t key, clh_source_group group)
{
    const clh_letters_asked *a = r->tables->asked;
    const size_t slot = r->place[r->position + 1].slot;
    if (group == CLH_GROUP_SLOT)
        return slot > 0 && r->place[key].slot == slot;
    return group == CLH_GROUP_FIRST && key < a->first_scored && a->slot[key] < a->n;
}

/* Letters that may stand in a slot, beside the query's own. */
static void letters_of(const clh_removed *r, size_t slot, size_t *begin, size_t *end)
{
    const clh_letters_asked *a = r->tables->asked;
    clh_letters_range(a, r->letters, r->own < a->n ? 1u << r->own : 0, slot, begin, end);
}

void clh_removed_weights_scores(clh_removed *r, clh_removed_weights *w, unsigned scores,
                                clh_source_group group)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    double most = -INFINITY;
    for (int sums = 0; sums < 2; sums++)
        for (size_t j = 0; j <= r->position; j++) {
            double *row = w->weight + j * CLH_LETTER_ROW;
            uint32_t token;
            size_t begin = 0, end = 1;
            const bool stays = clh_removed_stays(r, j, &token);
            if (!stays)
                letters_of(r, a->slot[j], &begin, &end);
            for (size_t x = begin; x < end; x++) {
                if (sums)
                    row[x] = exp(row[x] - w->most);
                else
                    row[x] = score(r, scores, j, stays ? token : a->token[x]);
                if (!sums && !clh_removed_in_group(r, j, group))
                    most = fmax(most, row[x]);
            }
            w->most = most - room;
        }
}

/* ---- Sums --------------------------------------------------------------------------------------
 */

/* to += a x + b y */
static void add_two(size_t n, double a, const double *restrict x, double b,
                    const double *restrict y, double *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += a * x[i] + b * y[i];
}

/* One letter with the `count` keys at `key`: their rows' part of position. */
static void add_keys(const clh_removed *r, clh_removed_weights *w, size_t slot, size_t x,
                     size_t column, const size_t *key, size_t count, uint32_t token, bool kept)
{
    const clh_tables *t = r->tables;
    const size_t at = slot * CLH_LETTER_ROW + x;
    double scaled[2] = {0}, *row = w->row + at * t->width;
    const double *of[2] = {t->row_place.data, t->row_place.data};
    for (size_t k = 0; k < count; k += 2) {
        for (size_t i = 0; i < 2; i++) {
            scaled[i] = 0;
            if (k + i >= count)
                continue;
            const size_t j = key[k + i];
            const double e = w->weight[j * CLH_LETTER_ROW + column];
            scaled[i] = kept ? e * t->u.data[j * t->d_vocab + token] : 0;
            of[i] = t->row_place.data + j * t->width;
            w->sum[at] += e;
            w->left[at] += kept ? 0 : e;
        }
        w->scaled[at] += scaled[0] + scaled[1];
        if (kept)
            add_two(t->width, scaled[0], of[0], scaled[1], of[1], row);
    }
}

/* Keys of a slot that a query sees, those of a group last. */
static size_t keys_of(const clh_removed *r, size_t slot, clh_source_group group, size_t *key,
                      size_t *kept)
{
    const clh_slot_keys *s = &r->tables->slots[slot];
    size_t count = 0;
    for (int in = 0; in < 2; in++) {
        for (size_t k = 0; k < s->count && s->position[k] <= r->position; k++)
            if (clh_removed_in_group(r, s->position[k], group) == in)
                key[count++] = s->position[k];
        *kept = in ? *kept : count;
    }
    return count;
}

void clh_removed_weights_set(clh_removed *r, clh_removed_weights *w, unsigned scores,
                             clh_source_group group, bool counted)
{
    const clh_tables *t = r->tables;
    const clh_letters_asked *a = t->asked;
    const size_t rows = a->n * CLH_LETTER_ROW;
    size_t *key = r->room;
    clh_removed_weights_scores(r, w, scores, counted ? CLH_GROUP_NONE : group);
    memset(w->sum, 0, rows * sizeof *w->sum);
    memset(w->left, 0, rows * sizeof *w->left);
    memset(w->scaled, 0, rows * sizeof *w->scaled);
    memset(w->row, 0, rows * t->width * sizeof *w->row);
    for (size_t s = 0; s < a->n; s++) {
        size_t begin, end, kept = 0;
        if (s == r->own)
            continue;
        const size_t count = keys_of(r, s, group, key, &kept);
        letters_of(r, s, &begin, &end);
        for (size_t x = begin; x < end; x++) {
            add_keys(r, w, s, x, x, key, kept, a->token[x], true);
            if (counted)
                add_keys(r, w, s, x, x, key + kept, count - kept, a->token[x], false);
        }
    }
}
