/** The fused path's attention of a block of queries, and its way back, for one instruction set:
 *  part of kernels_simd.c, included there only. The contract is fused_rows.h, the definition
 *  kernels_plain.c.
 */
#ifndef CLH_SIMD_ATTEND_H
#define CLH_SIMD_ATTEND_H

#include "math/simd/simd_along.h"

typedef struct query_row {
    const clh_real *position, *token, *kind;
    clh_real *scores;
    vec scale, kinds[PARTS];
    largest most;
} query_row;

INLINE query_row query_row_at(const clh_queries *q, size_t r, const int few)
{
    query_row row = {.position = q->position + r * q->position_row,
                     .token = row_of_token(&q->token, r),
                     .kind = q->kind + r * q->kind_row,
                     .scores = q->scores + r * q->row,
                     .scale = vec_set(q->scale[r]),
                     .most = largest_of_none()};
    if (few)
        memcpy(row.kinds, row.kind, sizeof row.kinds);
    return row;
}

INLINE void score_step(place w, const clh_queries *q, const int few, const size_t rows,
                       query_row row[GROUP])
{
    const vec inverse = get(q->inverse, w), bias = get(q->bias, w);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        vec of_kind = few ? vec_pick(row[i].kinds, q->of + w.at, w.count)
                          : vec_gather(row[i].kind, q->of + w.at, w.count);
        vec parts = get(row[i].position, w) + get(row[i].token, w) + of_kind;
        vec score = vec_fma(parts, row[i].scale * inverse, bias);
        put(row[i].scores, w, score);
        row[i].most.lane[w.part] = vec_max(row[i].most.lane[w.part], or_least(score, w));
    }
}

/* Whole blocks of lanes that every row of the group has, then what each has more. */
INLINE void group_scores(size_t r, const size_t rows, const clh_queries *q, const int few,
                         clh_real *most)
{
    query_row row[GROUP];
    UNROLL
    for (size_t i = 0; i < rows; i++)
        row[i] = query_row_at(q, r + i, few);
    const size_t whole = (q->keys + r) / CLH_LANES * CLH_LANES;
    for (size_t at = 0; at < whole; at += CLH_LANES)
        for (size_t part = 0; part < PARTS; part++)
            score_step((place){at + part * LANE, part, LANE}, q, few, rows, row);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        FROM(whole, q->keys + r + i, score_step, q, few, 1, &row[i]);
        most[r + i] = lanes_max(row[i].most.lane);
    }
}

/* Scores less their largest become exponentials; returns their sum. */
INLINE clh_real row_exponentials(const clh_queries *q, size_t r, clh_real most)
{
    const size_t keys = q->keys + r;
    const clh_real *scores = q->scores + r * q->row;
    clh_real *pattern = q->pattern + r * q->row;
    vec sum[PARTS] = {{0}};
    ALONG(keys, exp_step, scores, vec_set(most), pattern, sum);
    ALONG(q->end - keys, zero_step, pattern + keys);
    return lanes_sum(sum);
}

INLINE clh_queries queries_from(const clh_queries *all, size_t done)
{
    clh_queries q = *all;
    q.rows = rows_now(all->rows, done);
    q.keys += done;
    q.position += done * q.position_row;
    q.token.number += done;
    q.kind += done * q.kind_row;
    q.scale += done;
    q.scores += done * q.row;
    q.pattern += done * q.row;
    return q;
}

static void simd_attend(const clh_queries *all)
{
    clh_real most[CLH_ROWS_TOGETHER], total[CLH_ROWS_TOGETHER];
    for (size_t done = 0; done < all->rows; done += CLH_ROWS_TOGETHER) {
        const clh_queries q = queries_from(all, done);
        if (q.kinds <= CLH_LANES)
            IN_GROUPS(q.rows, group_scores, &q, 1, most);
        else
            IN_GROUPS(q.rows, group_scores, &q, 0, most);
        for (size_t r = 0; r < q.rows; r++)
            total[r] = row_exponentials(&q, r, most[r]);
        for (size_t r = 0; r < q.rows; r++)
            ALONG(q.keys + r, scale_step, vec_set(1 / total[r]), q.pattern + r * q.row);
    }
}

typedef struct back_row {
    const clh_real *scores, *pattern;
    clh_real *g, *g_position, *g_token;
    vec mean, scale, along[PARTS];
} back_row;

INLINE back_row back_row_at(const clh_queries_back *q, size_t r)
{
    return (back_row){
        .scores = q->scores + r * q->row,
        .pattern = q->pattern + r * q->row,
        .g = q->g + r * q->row,
        .g_position = q->g_position + r * q->position_row,
        .g_token = q->g_token + q->number[r] * q->token_row,
        .mean = vec_set(simd_dot(q->keys + r, q->pattern + r * q->row, q->g + r * q->row)),
        .scale = vec_set(q->scale[r])};
}

INLINE void back_step(place w, const clh_queries_back *q, const int fresh, const size_t rows,
                      back_row row[GROUP])
{
    const vec inverse = get(q->inverse, w), bias = get(q->bias, w);
    vec sum = get(q->sum, w), along = get(q->along, w);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        vec score = get(row[i].scores, w);
        vec g_score = get(row[i].pattern, w) * (get(row[i].g, w) - row[i].mean);
        vec g = g_score * (row[i].scale * inverse);
        sum += g_score;
        along = vec_fma(g_score, score, along);
        row[i].along[w.part] = vec_fma(g_score, score - bias, row[i].along[w.part]);
        put(row[i].g, w, g);
        put(row[i].g_position, w, fresh ? g : get(row[i].g_position, w) + g);
        add(row[i].g_token, w, g);
    }
    put(q->sum, w, sum);
    put(q->along, w, along);
}

INLINE void group_back(size_t r, const size_t rows, const clh_queries_back *q, const int fresh)
{
    back_row row[GROUP];
    UNROLL
    for (size_t i = 0; i < rows; i++)
        row[i] = back_row_at(q, r + i);
    const size_t whole = (q->keys + r) / CLH_LANES * CLH_LANES;
    for (size_t at = 0; at < whole; at += CLH_LANES)
        for (size_t part = 0; part < PARTS; part++)
            back_step((place){at + part * LANE, part, LANE}, q, fresh, rows, row);
    UNROLL
    for (size_t i = 0; i < rows; i++) {
        const size_t keys = q->keys + r + i;
        FROM(whole, keys, back_step, q, fresh, 1, &row[i]);
        q->along_query[r + i] += lanes_sum(row[i].along);
        ALONG(q->end - keys, zero_step, row[i].g + keys);
        if (fresh)
            ALONG(q->end - keys, zero_step, row[i].g_position + keys);
    }
}

static void simd_attend_back(const clh_queries_back *queries)
{
    const clh_queries_back q = *queries;
    if (q.fresh)
        IN_GROUPS(q.rows, group_back, &q, 1);
    else
        IN_GROUPS(q.rows, group_back, &q, 0);
}

#endif
