#include "support/removal_bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "support/cmocka_all.h"
#include "support/must.h"

static const clh_real *row(const clh_model *model, const char *name, size_t i)
{
    const clh_tensor t = clh_model_view(model, name);
    assert_non_null(t.data);
    return t.data + i * t.shape[t.rank - 1];
}

/* What W_V makes of a row of the stream through the norm, but for its scale: centred, times w. */
static void value_of(const removal_bench *b, const clh_real *x, double *out)
{
    const clh_normalization norm = b->config->normalization_type;
    const bool centred = norm == CLH_NORM_LN || norm == CLH_NORM_LNPRE;
    const bool weighted = norm == CLH_NORM_LN || norm == CLH_NORM_RMS;
    const size_t d = b->config->d_model;
    double mean = 0;
    for (size_t c = 0; c < d; c++)
        mean += centred ? (double)x[c] / (double)d : 0;
    memset(out, 0, D_MOST * sizeof *out);
    for (size_t c = 0; c < d; c++) {
        const double w = weighted ? (double)row(b->model, "blocks.0.ln1.w", 0)[c] : 1;
        for (size_t k = 0; k < b->config->d_head; k++)
            out[k] += ((double)x[c] - mean) * w * (double)row(b->model, "blocks.0.attn.W_V", c)[k];
    }
}

static double u_of(const removal_bench *b, size_t i)
{
    const clh_tensor s = clh_cache_view(b->base, "blocks.0.ln1.hook_scale");
    return s.data ? 1 / (double)s.data[i] : 1;
}

static bool in_group(const removal_bench *b, size_t part, size_t i, size_t j)
{
    const clh_letters_asked *a = b->asked;
    if (part == ANSWER)
        return i + 1 < a->length && b->ids[j] == b->ids[i + 1];
    if (part == FIRST)
        return j < a->first_scored && a->slot[j] < a->n;
    return i + 1 < a->length && b->place[i + 1].slot > 0 &&
           b->place[j].slot == b->place[i + 1].slot;
}

static double score_part(const removal_bench *b, size_t k, size_t i, size_t j)
{
    double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS];
    const clh_qk_end query = {b->ids[i], i, 1 / u_of(b, i)}, key = {b->ids[j], j, 1 / u_of(b, j)};
    clh_qk_split_score(parts, &b->split, &query, &key);
    return parts[k / 2][k % 2];
}

/* sum over the group of pattern times value, of the pass that is in `base`. */
static void group_sum(const removal_bench *b, size_t part, size_t i, double *out)
{
    const size_t T = b->asked->length, n = b->config->d_head;
    const clh_real *pattern = clh_cache_view(b->base, "blocks.0.attn.hook_pattern").data + i * T;
    const clh_real *v = clh_cache_view(b->base, "blocks.0.attn.hook_v").data;
    memset(out, 0, D_MOST * sizeof *out);
    for (size_t j = 0; j <= i; j++)
        for (size_t k = 0; k < n && in_group(b, part, i, j); k++)
            out[k] += (double)pattern[j] * (double)v[j * n + k];
}

/* Queries that have no source left: nothing is attended to. */
static void take_pattern(const removal_bench *b, clh_real *pattern)
{
    const size_t T = b->asked->length;
    for (size_t i = 0; i < T; i++) {
        bool left = false;
        for (size_t j = 0; j <= i; j++)
            left = left || !in_group(b, b->part, i, j);
        for (size_t j = 0; j < T && !left; j++)
            pattern[i * T + j] = 0;
    }
}

/* Sources of the group get no attention, the others all of it: of a pattern that was made already, floats
 * may have taken the rest for 0. */
static void take_sources(const removal_bench *b, clh_real *scores)
{
    const size_t T = b->asked->length;
    for (size_t i = 0; i < T; i++)
        for (size_t j = 0; j <= i; j++)
            if (in_group(b, b->part, i, j))
                scores[i * T + j] = -(clh_real)INFINITY;
}

static void take_scores(const removal_bench *b, clh_real *scores)
{
    const size_t T = b->asked->length, k = b->part - SCORES;
    const bool mean = b->by == CLH_REMOVAL_MEAN;
    for (size_t i = 0; i < T; i++)
        for (size_t j = 0; j <= i; j++)
            scores[i * T + j] +=
                (clh_real)((mean ? b->score[k][i][j] : 0) - score_part(b, k, i, j));
}

clh_status removal_bench_hook(const clh_hook_point *point, void *user, clh_error *err)
{
    const removal_bench *b = user;
    const size_t T = b->asked->length, n = b->config->d_head, d = b->config->d_model;
    const bool mean = b->by == CLH_REMOVAL_MEAN;
    const char *name = strrchr(point->tensor.name, '.') + 1;
    clh_real *x = point->tensor.data;
    double sum[D_MOST];
    (void)err;
    if (strcmp(name, "hook_attn_scores") == 0 && b->part >= SCORES && b->part < VALUE_TOKEN)
        take_scores(b, x);
    if (strcmp(name, "hook_attn_scores") == 0 && b->part >= SLOT && !mean)
        take_sources(b, x);
    if (strcmp(name, "hook_pattern") == 0 && b->part >= SLOT && !mean)
        take_pattern(b, x);
    for (size_t i = 0; i < T && strcmp(name, "hook_v") == 0; i++)
        for (size_t k = 0; k < n; k++) {
            if (b->part == VALUE_TOKEN)
                x[i * n + k] += (clh_real)((mean ? b->token[i][k] : 0) -
                                           u_of(b, i) * b->value_token[b->ids[i]][k]);
            if (b->part == VALUE_PLACE)
                x[i * n + k] +=
                    (clh_real)((mean ? b->at[i][k] : 0) - u_of(b, i) * b->value_place[i][k]);
        }
    for (size_t i = 0; i < T && strcmp(name, "hook_z") == 0; i++) {
        if (b->part == HEAD)
            for (size_t k = 0; k < n; k++)
                x[i * n + k] = (clh_real)(mean ? b->z[i][k] : 0);
        if (b->part < SLOT || !mean)
            continue;
        group_sum(b, b->part, i, sum);
        for (size_t k = 0; k < n; k++)
            x[i * n + k] += (clh_real)(b->group[b->part - SLOT][i][k] - sum[k]);
    }
    for (size_t i = 0; i < T * d && strcmp(name, "hook_resid_post") == 0 && b->part == DIRECT; i++)
        x[i] += (clh_real)(mean ? b->embed[i / d][i % d] -
                                      (double)row(b->model, "embed.W_E", b->ids[i / d])[i % d]
                                : -(double)row(b->model, "embed.W_E", b->ids[i / d])[i % d] -
                                      (double)row(b->model, "pos_embed.W_pos", i / d)[i % d]);
    return CLH_OK;
}

void removal_bench_pass(removal_bench *b, uint64_t rank)
{
    uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
    clh_error err = {0};
    clh_letters_unrank(b->asked, rank, letters);
    clh_letters_write(b->asked, letters, b->ids);
    must(clh_forward(b->model, &(clh_tokens){b->ids, 1, b->asked->length}, b->base, NULL, &err),
         &err);
}

static void add_means(removal_bench *b, uint64_t inputs)
{
    const size_t T = b->asked->length, n = b->config->d_head;
    const double share = 1 / (double)inputs;
    const clh_real *z = clh_cache_view(b->base, "blocks.0.attn.hook_z").data;
    double sum[D_MOST];
    for (size_t i = 0; i < T; i++) {
        for (size_t c = 0; c < b->config->d_model; c++)
            b->embed[i][c] += share * (double)row(b->model, "embed.W_E", b->ids[i])[c];
        for (size_t k = 0; k < n; k++) {
            b->z[i][k] += share * (double)z[i * n + k];
            b->token[i][k] += share * u_of(b, i) * b->value_token[b->ids[i]][k];
            b->at[i][k] += share * u_of(b, i) * b->value_place[i][k];
        }
        for (size_t g = 0; g < 3; g++) {
            group_sum(b, SLOT + g, i, sum);
            for (size_t k = 0; k < n; k++)
                b->group[g][i][k] += share * sum[k];
        }
        for (size_t k = 0; k < 6; k++)
            for (size_t j = 0; j <= i; j++)
                b->score[k][i][j] += share * score_part(b, k, i, j);
    }
}

size_t removal_bench_says(const clh_cache *cache, size_t position, double *by)
{
    const clh_tensor t = clh_cache_view(cache, "logits");
    const size_t V = t.shape[2];
    const clh_real *x = t.data + position * V;
    size_t best = 0;
    *by = INFINITY;
    for (size_t o = 1; o < V; o++)
        best = x[o] > x[best] ? o : best;
    for (size_t o = 0; o < V; o++)
        *by = o == best ? *by : fmin(*by, (double)(x[best] - x[o]));
    return best;
}

removal_bench *removal_bench_open(const clh_model *model, const clh_task *task,
                                  const clh_letters_asked *a, clh_removal by)
{
    removal_bench *b = calloc(1, sizeof *b);
    clh_error err = {0};
    *b = (removal_bench){
        .model = model, .asked = a, .config = clh_model_get_config(model), .by = by};
    assert_true(a->length <= T_MOST && b->config->d_head <= D_MOST && b->config->d_model <= D_MOST);
    (void)clh_places_find(b->place, task, a->length);
    must(clh_qk_split_open(&b->split, model, 0, 0, &err), &err);
    must(clh_cache_open(&b->base, b->config, CLH_KEEP_ALL, &err), &err);
    must(clh_cache_open(&b->other, b->config, CLH_KEEP_ALL, &err), &err);
    for (size_t t = 0; t < b->config->d_vocab; t++)
        value_of(b, row(model, "embed.W_E", t), b->value_token[t]);
    for (size_t i = 0; i < a->length; i++)
        value_of(b, row(model, "pos_embed.W_pos", i), b->value_place[i]);
    for (uint64_t rank = 0; by == CLH_REMOVAL_MEAN && rank < clh_letters_inputs(a); rank++) {
        removal_bench_pass(b, rank);
        add_means(b, clh_letters_inputs(a));
    }
    return b;
}

void removal_bench_close(removal_bench *b)
{
    clh_qk_split_deinit(&b->split);
    clh_cache_close(b->base);
    clh_cache_close(b->other);
    free(b);
}
