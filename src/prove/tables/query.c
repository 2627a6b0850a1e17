#include "prove/tables/query.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

clh_status clh_query_open(clh_query *q, const clh_tables *t, clh_error *err)
{
    const size_t n = t->asked->n, columns = t->columns;
    *q = (clh_query){.tables = t, .kernel = clh_kernels_best()};
    size_t keys = 0, parts = 0;
    for (size_t s = 0; s < n; s++) {
        keys = t->slots[s].count > keys ? t->slots[s].count : keys;
        parts = t->slots[s].parts->count > parts ? t->slots[s].parts->count : parts;
    }
    q->keys_most = keys;
    q->parts_most = parts;
    bool all = true;
    const struct {
        clh_real **at;
        size_t count;
    } reals[] = {{&q->base, columns},
                 {&q->direct, columns},
                 {&q->weight, t->reach.data ? keys * CLH_LETTER_ROW : 0},
                 {&q->part, n * parts * CLH_LETTER_ROW},
                 {&q->float_key, keys},
                 {&q->along_letter, CLH_LETTER_ROW},
                 {&q->along_part, (n + 1) * parts},
                 {&q->direct_letter, CLH_LETTER_ROW},
                 {&q->direct_part, (n + 1) * parts},
                 {&q->direct_stream, t->d_model},
                 {&q->product, parts * CLH_LETTER_ROW},
                 {&q->stream, n * CLH_LETTER_ROW * t->d_model},
                 {&q->pairs, n * n * CLH_LETTER_ROW * CLH_LETTER_ROW},
                 {&q->squares, n * CLH_LETTER_ROW},
                 {&q->towards_stream, t->d_model},
                 {&q->float_letter, n * CLH_LETTER_ROW},
                 {&q->sum, n * CLH_LETTER_ROW},
                 {&q->scaled, n * CLH_LETTER_ROW},
                 {&q->length, CLH_LETTER_ROW},
                 {&q->along, CLH_LETTER_ROW}};
    for (size_t i = 0; i < CLH_COUNT(reals); i++)
        all = (*reals[i].at = clh_alloc_zeroed(reals[i].count, sizeof(clh_real), err)) && all;
    for (size_t s = 0; s < n && all; s++) {
        q->row[s] = clh_alloc_zeroed(CLH_LETTER_ROW * columns, sizeof *q->row[s], err);
        q->turned[s] = clh_alloc_zeroed(CLH_LETTER_ROW * columns, sizeof *q->turned[s], err);
        all = q->row[s] && q->turned[s];
    }
    for (size_t s = 0; s < n + 2 && all; s++)
        all = (q->exact[s] = clh_alloc_array(CLH_LETTER_ROW * (t->width + 1), sizeof(double), err));
    for (size_t s = 0; s <= n && all; s++)
        all = (q->total[s] = clh_alloc_array(t->width + 1, sizeof *q->total[s], err));
    const struct {
        double **at;
        size_t count;
    } doubles[] = {{&q->place, t->length},
                   {&q->key, t->length},
                   {&q->letter, t->d_vocab},
                   {&q->basis_along, parts},
                   {&q->basis_direct, parts}};
    for (size_t i = 0; i < CLH_COUNT(doubles) && all; i++)
        all = (*doubles[i].at = clh_alloc_array(doubles[i].count, sizeof(double), err));
    if (all)
        return CLH_OK;
    clh_query_deinit(q);
    return CLH_ENOMEM;
}

void clh_query_deinit(clh_query *q)
{
    if (!q)
        return;
    clh_real *reals[] = {
        q->base,  q->direct,       q->weight,        q->float_key,   q->float_letter,
        q->sum,   q->scaled,       q->length,        q->along_part,  q->towards_stream,
        q->along, q->along_letter, q->direct_letter, q->direct_part, q->direct_stream,
        q->part,  q->product,      q->stream,        q->pairs,       q->squares};
    for (size_t i = 0; i < CLH_COUNT(reals); i++)
        clh_free(reals[i]);
    for (size_t s = 0; s < CLH_CERTIFY_LETTERS; s++) {
        clh_free(q->row[s]);
        clh_free(q->turned[s]);
    }
    for (size_t s = 0; s < CLH_CERTIFY_LETTERS + 2; s++)
        clh_free(q->exact[s]);
    for (size_t s = 0; s <= CLH_CERTIFY_LETTERS; s++)
        clh_free(q->total[s]);
    clh_free(q->place);
    clh_free(q->key);
    clh_free(q->letter);
    clh_free(q->basis_along);
    clh_free(q->basis_direct);
    *q = (clh_query){0};
}

/* ---- Scores ------------------------------------------------------------------------------------
 */

void clh_query_place(clh_query *q, size_t position)
{
    const clh_tables *t = q->tables;
    const size_t n = t->q_place.cols;
    const double *of = t->q_place.data + position * n;
    q->position = position;
    q->own = t->asked->slot[position];
    for (size_t j = 0; j <= position; j++) {
        q->place[j] = 0;
        for (size_t k = 0; k < n; k++)
            q->place[j] += of[k] * t->k_place.data[j * n + k];
    }
    for (size_t s = 0; s < t->asked->n; s++) {
        q->keys[s] = 0;
        while (q->keys[s] < t->slots[s].count && t->slots[s].position[q->keys[s]] <= position)
            q->keys[s]++;
    }
}

/* Halves of scores: score of key j with token x = (letter_x + key_j) u_xj, all less what they share. */
static void halves(clh_query *q)
{
    const clh_tables *t = q->tables;
    const size_t n = t->q_place.cols, V = t->d_vocab;
    const double u = t->u.data[q->position * V + q->token];
    const double *of = t->q_place.data + q->position * n;
    for (size_t x = 0; x < V; x++) {
        double place = 0;
        for (size_t k = 0; k < n; k++)
            place += of[k] * t->k_token.data[x * n + k];
        q->letter[x] = (t->token_token.data[q->token * V + x] + place) * u + t->zero_token.data[x];
    }
    for (size_t j = 0; j <= q->position; j++)
        q->key[j] = (t->token_place.data[q->token * t->length + j] + q->place[j]) * u +
                    t->zero_place.data[j];
}

void clh_query_scores(clh_query *q, uint32_t token)
{
    q->token = token;
    halves(q);
}

double clh_query_score(const clh_query *q, size_t key, uint32_t token)
{
    return (q->letter[token] + q->key[key]) * q->tables->u.data[key * q->tables->d_vocab + token];
}

/* The token of a key that does not depend on the letters of other slots. */
bool clh_query_stays(const clh_query *q, size_t key, uint32_t *token)
{
    const clh_letters_asked *a = q->tables->asked;
    *token = a->slot[key] == a->n ? a->fixed[key] : q->token;
    return a->slot[key] == a->n || a->slot[key] == q->own;
}

/* ---- Exact rows --------------------------------------------------------------------------------
 */

static void exact_key(const clh_query *q, size_t key, uint32_t token, double most, double *row,
                      double *scaled)
{
    const clh_tables *t = q->tables;
    const double *place = t->row_place.data + key * t->width;
    const double e = exp(clh_query_score(q, key, token) - most);
    const double weight = e * t->u.data[key * t->d_vocab + token];
    q->kernel->exact_axpy(t->width, weight, place, row);
    row[t->width] += e;
    *scaled += weight;
}

/* What a token brings to every key that has it, and the query itself. */
static void exact_token(const clh_query *q, uint32_t token, double *row, double scaled)
{
    const double *of = q->tables->row_token.data + token * q->tables->width;
    q->kernel->exact_axpy(q->tables->width, scaled, of, row);
}

static void exact_direct(const clh_query *q, double *row)
{
    const clh_tables *t = q->tables;
    const double weight = row[t->width];
    q->kernel->exact_axpy(t->width, weight, t->direct_token.data + q->token * t->width, row);
    q->kernel->exact_axpy(t->width, weight, t->direct_place.data + q->position * t->width, row);
}

/* The row of keys that never change, at exact[n]. */
static void exact_base(clh_query *q)
{
    const clh_tables *t = q->tables;
    double *row = q->exact[t->asked->n];
    memset(row, 0, (t->width + 1) * sizeof *row);
    for (size_t j = 0; j <= q->position; j++) {
        uint32_t token;
        double scaled = 0;
        if (!clh_query_stays(q, j, &token))
            continue;
        exact_key(q, j, token, q->most, row, &scaled);
        exact_token(q, token, row, scaled);
    }
    exact_direct(q, row);
}

static const double *exact_row(clh_query *q, size_t slot, uint8_t letter)
{
    const clh_tables *t = q->tables;
    double *row = q->exact[slot] + letter * (t->width + 1), scaled = 0;
    if (q->known[slot] >> letter & 1)
        return row;
    const uint32_t token = t->asked->token[letter];
    memset(row, 0, (t->width + 1) * sizeof *row);
    for (size_t k = 0; k < q->keys[slot]; k++)
        exact_key(q, t->slots[slot].position[k], token, q->most, row, &scaled);
    exact_token(q, token, row, scaled);
    exact_direct(q, row);
    q->known[slot] |= (uint64_t)1 << letter;
    return row;
}

/* The whole sum of one choice of letters, shifted by its own largest score: into exact[n + 1]. */
static const double *exact_sum(clh_query *q, const uint8_t *letters)
{
    const clh_tables *t = q->tables;
    const clh_letters_asked *a = t->asked;
    double *row = q->exact[a->n + 1], most = -INFINITY;
    memset(row, 0, (t->width + 1) * sizeof *row);
    for (int sums = 0; sums < 2; sums++)
        for (size_t j = 0; j <= q->position; j++) {
            double scaled = 0;
            const uint32_t token = a->slot[j] == a->n     ? a->fixed[j]
                                   : a->slot[j] == q->own ? q->token
                                                          : a->token[letters[a->slot[j]]];
            if (!sums) {
                most = fmax(most, clh_query_score(q, j, token));
                continue;
            }
            exact_key(q, j, token, most, row, &scaled);
            exact_token(q, token, row, scaled);
        }
    exact_direct(q, row);
    return row;
}

/* The same from the rows of slots, those that are as they were not added again; NULL where the weight is so
 * small that it was rounded away. */
static const double *add_rows(clh_query *q, const uint8_t *letters)
{
    const clh_tables *t = q->tables;
    size_t same = 0;
    while (same < q->totals && q->total_letter[same] == letters[q->order[same]])
        same++;
    for (size_t l = same; l < q->slots; l++) {
        const double *row = exact_row(q, q->order[l], letters[q->order[l]]);
        q->kernel->exact_add(t->width + 1, q->total[l], row, q->total[l + 1]);
        q->total_letter[l] = letters[q->order[l]];
    }
    const double *sum = q->total[q->slots];
    if (same < q->slots || q->totals < q->slots || q->slots == 0)
        q->total_square = q->kernel->exact_square(t->d_model, sum + t->outputs);
    q->totals = q->slots;
    return sum[t->width] > 0x1p-500 ? sum : NULL;
}

double clh_query_margin(clh_query *q, const uint8_t *letters, uint32_t target, double *scale)
{
    const clh_tables *t = q->tables;
    const double *sum = add_rows(q, letters), *bias = t->bias.data;
    double square = q->total_square;
    if (!sum) {
        sum = exact_sum(q, letters);
        square = q->kernel->exact_square(t->d_model, sum + t->outputs);
    }
    const double weight = sum[t->width];
    *scale = t->normed ? sqrt(square / weight / weight / (double)t->d_model + t->eps) : 1;
    const double times = 1 / (weight * *scale), base = sum[target] * times + bias[target];
    const size_t next = target + 1;
    const double before = q->kernel->exact_lead(target, base, times, sum, bias);
    const double behind =
        q->kernel->exact_lead(t->outputs - next, base, times, sum + next, bias + next);
    return before < behind ? before : behind;
}

double clh_query_exact_error(const clh_query *q, double margin, double scale)
{
    const clh_table_bounds *b = &q->tables->bound;
    const double share = expm1(2 * b->table_score + 200 * 0x1p-53) +
                         clh_gamma(1000 + (double)q->tables->length, 0x1p-53);
    return 4 * ((share * (b->value + b->direct) + b->table_value) / scale +
                share * (fabs(margin) + b->bias));
}

/* The letters that each slot may hold beside the query's own. */
static void set_letters(clh_query *q)
{
    const clh_letters_asked *a = q->tables->asked;
    uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
    for (size_t x = 0; x < a->letters && q->own < a->n; x++)
        letters[q->own] = a->token[x] == q->token ? (uint8_t)x : letters[q->own];
    for (size_t s = 0; s < a->n; s++) {
        clh_real *out = q->float_letter + s * CLH_LETTER_ROW;
        if (s == q->own)
            continue;
        clh_letters_range(a, letters, q->own < a->n ? 1u << q->own : 0, s, &q->begin[s],
                          &q->end[s]);
        for (size_t x = 0; x < CLH_LETTER_ROW; x++)
            out[x] = x >= q->begin[s] && x < q->end[s] ? (clh_real)q->letter[a->token[x]]
                                                       : -(clh_real)INFINITY;
    }
}

void clh_query_token(clh_query *q, uint32_t token, const size_t *order, size_t slots)
{
    const clh_tables *t = q->tables;
    const clh_letters_asked *a = t->asked;
    q->token = token;
    q->order = order;
    q->slots = slots;
    q->totals = 0;
    q->sizes = false;
    memset(q->known, 0, sizeof q->known);
    halves(q);
    set_letters(q);
    q->most = -INFINITY;
    for (size_t j = 0; j <= q->position; j++) {
        uint32_t same;
        if (clh_query_stays(q, j, &same))
            q->most = fmax(q->most, clh_query_score(q, j, same));
    }
    for (size_t s = 0; s < a->n; s++)
        if (s != q->own && q->keys[s] > 0) {
            const clh_letter_weights w = clh_query_slot(q, s);
            q->most = fmax(q->most, (double)q->kernel->letter_scores(&w));
        }
    exact_base(q);
    memcpy(q->total[0], q->exact[a->n], (t->width + 1) * sizeof *q->total[0]);
    clh_query_rows(q);
}
