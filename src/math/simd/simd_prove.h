/** Rows of a certificate for one instruction set: part of kernels_simd.c, included there only. The
 *  contract is prove_rows.h, the definition kernels_plain.c.
 */
#ifndef CLH_SIMD_PROVE_H
#define CLH_SIMD_PROVE_H

#include "math/simd/simd_along.h"

enum { LETTER_PARTS = CLH_LETTER_ROW / LANE };

/* Scores of key j, whose letters go from l vectors on. */
INLINE vec letter_score(const clh_letter_weights *w, size_t j, size_t l)
{
    return (vec_load(w->letter + l * LANE) + vec_set(w->key[j])) *
           vec_load(w->scale + j * CLH_LETTER_ROW + l * LANE);
}

static clh_real simd_letter_scores(const clh_letter_weights *w)
{
    clh_real max = -(clh_real)INFINITY;
    vec even = vec_set(max), odd = even;
    for (size_t l = w->begin / LANE; l < w->end / LANE; l++) {
        size_t j = 0;
        for (; j + 2 <= w->keys; j += 2) {
            even = vec_max(letter_score(w, j, l), even);
            odd = vec_max(letter_score(w, j + 1, l), odd);
        }
        if (j < w->keys)
            even = vec_max(letter_score(w, j, l), even);
    }
    even = vec_max(even, odd);
    for (size_t i = 0; i < LANE; i++)
        max = even[i] > max ? even[i] : max;
    return max;
}

static void simd_letter_weights(const clh_letter_weights *w, clh_real most)
{
    const vec shift = vec_set(most);
    for (size_t l = w->begin / LANE; l < w->end / LANE; l++) {
        vec sum = {0}, scaled = {0};
        for (size_t j = 0; j < w->keys; j++) {
            const size_t at = j * CLH_LETTER_ROW + l * LANE;
            const vec e = vec_exp(letter_score(w, j, l) - shift);
            const vec weight = e * vec_load(w->scale + at);
            sum += e;
            scaled += weight;
            vec_store(w->weight + at, weight);
        }
        vec_store(w->sum + l * LANE, sum);
        vec_store(w->scaled + l * LANE, scaled);
    }
}

static void simd_column_ends(size_t n, size_t rows, const clh_real *x, size_t row,
                             const clh_real *shift, clh_real *least, clh_real *most)
{
    for (size_t at = 0; at < n; at += LANE) {
        vec low = vec_set((clh_real)INFINITY), high = -low;
        for (size_t r = 0; r < rows; r++) {
            const vec v = vec_load(x + r * row + at), by = vec_set(shift ? shift[r] : 0);
            low = -vec_max(by - v, -low);
            high = vec_max(v + by, high);
        }
        vec_store(least + at, low);
        vec_store(most + at, high);
    }
}

static void letter_tops(const clh_letter_limits *of, vec *most)
{
    for (size_t l = 0; l < LETTER_PARTS; l++)
        most[l] = vec_set(-(clh_real)INFINITY);
    for (size_t i = 0; i < of->n; i++) {
        const vec base = vec_set(of->base[i]);
        const clh_real *row = of->row + (size_t)of->which[i] * CLH_LETTER_ROW;
        for (size_t l = 0; l < LETTER_PARTS; l++)
            most[l] = vec_max(base + vec_load(row + l * LANE), most[l]);
    }
}

static uint64_t simd_letters_below(const clh_letter_limits *of, uint64_t *reach)
{
    vec top[LETTER_PARTS];
    const vec limit = vec_set(of->limit), upper = vec_set(of->upper);
    uint64_t below = *reach = 0;
    letter_tops(of, top);
    for (size_t l = 0; l < LETTER_PARTS; l++) {
        const vec target = vec_load(of->target + l * LANE), slack = vec_load(of->slack + l * LANE);
        below |= (uint64_t)vec_at_least(limit + target - slack, top[l]) << l * LANE;
        *reach |= (uint64_t)vec_at_least(top[l], upper + target + slack) << l * LANE;
    }
    return below;
}

static void simd_sum_reaches(size_t n, const clh_real *x, const clh_real *y, clh_real limit,
                             uint64_t *which)
{
    const vec least = vec_set(limit);
    for (size_t at = 0; at < n; at += LANE) {
        const uint64_t bits = vec_at_least(vec_load(x + at) + vec_load(y + at), least);
        which[at / 64] = (at % 64 ? which[at / 64] : 0) | bits << at % 64;
    }
}

/* ---- In double ---------------------------------------------------------------------------------
 * Eight numbers at a time, which the compiler puts into the registers there are. */

enum { EXACT = 8 };

static void simd_exact_add(size_t n, const double *x, const double *y, double *sum)
{
    size_t at = 0;
    for (; at + EXACT <= n; at += EXACT)
        for (size_t i = 0; i < EXACT; i++)
            sum[at + i] = x[at + i] + y[at + i];
    for (; at < n; at++)
        sum[at] = x[at] + y[at];
}

static void simd_exact_axpy(size_t n, double a, const double *x, double *y)
{
    size_t at = 0;
    for (; at + EXACT <= n; at += EXACT)
        for (size_t i = 0; i < EXACT; i++)
            y[at + i] += a * x[at + i];
    for (; at < n; at++)
        y[at] += a * x[at];
}

static double simd_exact_square(size_t n, const double *x)
{
    double part[EXACT] = {0}, square = 0;
    size_t at = 0;
    for (; at + EXACT <= n; at += EXACT)
        for (size_t i = 0; i < EXACT; i++)
            part[i] += x[at + i] * x[at + i];
    for (; at < n; at++)
        part[at % EXACT] += x[at] * x[at];
    for (size_t i = 0; i < EXACT; i++)
        square += part[i];
    return square;
}

static double simd_exact_lead(size_t n, double base, double times, const double *x,
                              const double *bias)
{
    double part[EXACT], least = INFINITY;
    size_t at = 0;
    for (size_t i = 0; i < EXACT; i++)
        part[i] = INFINITY;
    for (; at + EXACT <= n; at += EXACT)
        for (size_t i = 0; i < EXACT; i++) {
            const double lead = base - (x[at + i] * times + bias[at + i]);
            part[i] = lead < part[i] ? lead : part[i];
        }
    for (size_t i = 0; i < EXACT; i++)
        least = part[i] < least ? part[i] : least;
    for (; at < n; at++) {
        const double lead = base - (x[at] * times + bias[at]);
        least = lead < least ? lead : least;
    }
    return least;
}

#endif
