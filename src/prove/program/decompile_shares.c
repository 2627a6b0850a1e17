#include <math.h>
#include <string.h>

#include "base/base.h"
#include "prove/program/decompile.h"

clh_status clh_shares_open(clh_shares *s, const clh_tables *t, clh_error *err)
{
    *s = (clh_shares){0};
    const struct {
        double **at;
        size_t count;
    } rooms[] = {{&s->attention, t->length},
                 {&s->logit, t->outputs},
                 {&s->weight, t->length * CLH_LETTER_ROW},
                 {&s->row, t->width},
                 {&s->part, t->asked->n * t->width},
                 {&s->stream, t->width}};
    clh_status status = clh_query_open(&s->query, t, err);
    for (size_t i = 0; i < CLH_COUNT(rooms) && !status; i++)
        if (!(*rooms[i].at = clh_alloc_zeroed(rooms[i].count, sizeof(double), err)))
            status = CLH_ENOMEM;
    if (status)
        clh_shares_deinit(s);
    return status;
}

void clh_shares_deinit(clh_shares *s)
{
    if (!s)
        return;
    clh_query_deinit(&s->query);
    clh_free(s->attention);
    clh_free(s->logit);
    clh_free(s->weight);
    clh_free(s->row);
    clh_free(s->part);
    clh_free(s->stream);
    *s = (clh_shares){0};
}

/* ---- Weights of one query ----------------------------------------------------------------------
 */

/* Scores, less the largest, as weights; sums over each slot, and of what is known. */
static void weigh(clh_shares *s)
{
    const clh_query *q = &s->query;
    const clh_letters_asked *a = q->tables->asked;
    double most = -INFINITY;
    uint32_t token;
    for (size_t j = 0; j <= q->position; j++) {
        double *w = s->weight + j * CLH_LETTER_ROW;
        const bool known = clh_query_stays(q, j, &token);
        for (size_t x = 0; x < (known ? 1 : a->letters); x++) {
            w[x] = clh_query_score(q, j, known ? token : a->token[x]);
            most = fmax(most, w[x]);
        }
    }
    s->base = s->own = 0;
    memset(s->slot, 0, sizeof s->slot);
    for (size_t j = 0; j <= q->position; j++) {
        double *w = s->weight + j * CLH_LETTER_ROW;
        const bool known = clh_query_stays(q, j, &token);
        for (size_t x = 0; x < (known ? 1 : a->letters); x++) {
            w[x] = exp(w[x] - most);
            if (!known)
                s->slot[a->slot[j]][x] += w[x];
        }
        s->base += known ? w[0] : 0;
        s->own += known && a->slot[j] == q->own ? w[0] : 0;
    }
}

static void ends_of(const double *x, size_t n, double *least, double *most)
{
    *least = *most = x[0];
    for (size_t i = 1; i < n; i++) {
        *least = fmin(*least, x[i]);
        *most = fmax(*most, x[i]);
    }
}

/* One step of the integral at t = exp(u), `step` wide in u. */
static void integrate_at(clh_shares *s, double t, double step)
{
    const clh_letters_asked *a = s->query.tables->asked;
    double factor[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW], mean[CLH_CERTIFY_LETTERS] = {0};
    const double outside = step * t * exp(-t * s->base);
    double all = outside;
    for (size_t r = 0; r < a->n; r++) {
        mean[r] = 1;
        if (r == s->query.own)
            continue;
        mean[r] = 0;
        for (size_t x = 0; x < a->letters; x++)
            mean[r] += factor[r][x] = exp(-t * s->slot[r][x]) / (double)a->letters;
        all *= mean[r];
    }
    s->inverse_all += all;
    for (size_t r = 0; r < a->n; r++) {
        double others = outside;
        for (size_t k = 0; k < a->n; k++)
            others *= k == r ? 1 : mean[k];
        for (size_t x = 0; x < a->letters && r != s->query.own; x++)
            s->inverse[r][x] += others * factor[r][x];
    }
}

/* E[1 / D], whole and by the letter of each slot; the ends of each slot's share. */
static void integrate(clh_shares *s, double *least)
{
    const clh_letters_asked *a = s->query.tables->asked;
    double low[CLH_CERTIFY_LETTERS] = {0}, high[CLH_CERTIFY_LETTERS] = {0};
    double d_low = s->base, d_high = d_low;
    memset(s->inverse, 0, sizeof s->inverse);
    s->inverse_all = 0;
    for (size_t r = 0; r < a->n; r++) {
        if (r != s->query.own)
            ends_of(s->slot[r], a->letters, &low[r], &high[r]);
        d_low += low[r];
        d_high += high[r];
    }
    for (size_t r = 0; r < a->n; r++) {
        double others = s->base; /* summed anew: what is left of a difference may be nothing */
        for (size_t k = 0; k < a->n; k++)
            others += k == r ? 0 : high[k];
        least[r] = r == s->query.own ? s->own / d_high : low[r] / (low[r] + others);
    }
    const double step = 0.5, begin = log(1e-7 / d_high), end = log(20 / d_low);
    for (double u = begin; u < end; u += step)
        integrate_at(s, exp(u), step);
}

/* ---- Means of one query ------------------------------------------------------------------------
 */

static void add_row(double *to, double factor, const double *row, size_t width)
{
    for (size_t c = 0; c < width; c++)
        to[c] += factor * row[c];
}

/* What key j brings on average, to attention, to its slot's part and to the row. */
static void add_key(clh_shares *s, size_t j, double share[CLH_CERTIFY_LETTERS + 1],
                    double letters[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW], double times)
{
    const clh_tables *t = s->query.tables;
    const clh_letters_asked *a = t->asked;
    const double *w = s->weight + j * CLH_LETTER_ROW, *u = t->u.data + j * t->d_vocab;
    uint32_t token;
    double mean = 0, scaled = 0;
    if (clh_query_stays(&s->query, j, &token)) {
        mean = w[0] * s->inverse_all;
        scaled = mean * u[token];
        add_row(s->row, scaled, t->row_token.data + token * t->width, t->width);
    } else
        for (size_t x = 0; x < a->letters; x++) {
            const double one = w[x] * s->inverse[a->slot[j]][x];
            mean += one;
            scaled += one * u[a->token[x]];
            letters[a->slot[j]][x] += one * u[a->token[x]];
        }
    add_row(s->row, scaled, t->row_place.data + j * t->width, t->width);
    s->attention[j] += times * mean;
    share[a->slot[j]] += mean;
}

/* How much more the letter of a slot gets than a letter does on average, when the slot holds it: what the
 * slot's keys bring to that letter, less what they bring to it whatever they hold. */
static double copied_more(const clh_shares *s, size_t slot, const double *scaled)
{
    const clh_tables *t = s->query.tables;
    const clh_letters_asked *a = t->asked;
    const double *part = s->part + slot * t->width;
    double more = 0;
    for (size_t x = 0; x < a->letters; x++) {
        const uint32_t token = a->token[x];
        if (token < t->outputs)
            more += scaled[x] * t->row_token.data[token * t->width + token] -
                    part[token] / (double)a->letters;
    }
    return more; /* `scaled` holds the chance of each letter already */
}

/* One token of the query; each counts `times`. */
static void one_token(clh_shares *s, uint32_t token, double times)
{
    const clh_tables *t = s->query.tables;
    const clh_letters_asked *a = t->asked;
    double share[CLH_CERTIFY_LETTERS + 1] = {0}, least[CLH_CERTIFY_LETTERS] = {0};
    double letters[CLH_CERTIFY_LETTERS][CLH_LETTER_ROW] = {{0}};
    clh_query_scores(&s->query, token);
    weigh(s);
    integrate(s, least);
    memset(s->part, 0, a->n * t->width * sizeof *s->part);
    memcpy(s->row, t->direct_token.data + token * t->width, t->width * sizeof *s->row);
    add_row(s->row, 1, t->direct_place.data + s->query.position * t->width, t->width);
    for (size_t j = 0; j <= s->query.position; j++)
        add_key(s, j, share, letters, times);
    for (size_t r = 0; r < a->n; r++) {
        for (size_t x = 0; x < a->letters && r != s->query.own; x++)
            add_row(s->part + r * t->width, letters[r][x],
                    t->row_token.data + a->token[x] * t->width, t->width);
        add_row(s->row, 1, s->part + r * t->width, t->width);
    }
    for (size_t r = 0; r < a->n; r++) /* of its own slot the letter is the query's */
        s->copied[r] += times * (r != s->query.own    ? copied_more(s, r, letters[r])
                                 : token < t->outputs ? s->row[token]
                                                      : 0);
    add_row(s->stream, times, s->row, t->width);
    for (size_t r = 0; r < a->n; r++) {
        s->of_slot[r] += times * share[r];
        s->least[r] = fmin(s->least[r], least[r]);
    }
}

/* Logits as the final norm and the biases make them of the mean row. */
static void logits(clh_shares *s)
{
    const clh_tables *t = s->query.tables;
    const clh_letters_asked *a = t->asked;
    double square = 0, letter = 0;
    for (size_t c = t->outputs; c < t->width; c++)
        square += s->stream[c] * s->stream[c];
    const double scale = t->normed ? sqrt(square / (double)t->d_model + t->eps) : 1;
    for (size_t o = 0; o < t->outputs; o++)
        s->logit[o] = s->stream[o] / scale + t->bias.data[o];
    for (size_t x = 0; x < a->letters; x++)
        letter += a->token[x] < t->outputs ? s->stream[a->token[x]] : 0;
    letter /= (double)a->letters;
    double bias = 0;
    for (size_t x = 0; x < a->letters; x++)
        bias += a->token[x] < t->outputs ? t->bias.data[a->token[x]] / (double)a->letters : 0;
    s->letter = letter / scale + bias;
    for (size_t r = 0; r < a->n; r++)
        s->copied[r] = (s->copied[r] + (r == s->query.own ? 0 : letter)) / scale + bias;
}

void clh_shares_place(clh_shares *s, size_t position)
{
    const clh_tables *t = s->query.tables;
    const clh_letters_asked *a = t->asked;
    clh_query_place(&s->query, position);
    memset(s->attention, 0, t->length * sizeof *s->attention);
    memset(s->stream, 0, t->width * sizeof *s->stream);
    for (size_t r = 0; r < a->n; r++) {
        s->of_slot[r] = s->copied[r] = 0;
        s->least[r] = INFINITY;
    }
    if (s->query.own == a->n)
        one_token(s, a->fixed[position], 1);
    else
        for (size_t x = 0; x < a->letters; x++)
            one_token(s, a->token[x], 1 / (double)a->letters);
    logits(s);
}
