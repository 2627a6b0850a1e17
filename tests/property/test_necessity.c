/* Necessity, against forward passes with hooks that take the part away, of every input. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "clearhead/circuit.h"
#include "clearhead/necessity.h"
#include "clearhead/run.h"
#include "measure/place.h"
#include "prove/necessity_walk.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "support/planted.h"
#include "support/run_case.h"
#include "support/task_of.h"

enum { T_MOST = 40, V_MOST = 80, D_MOST = 128 };

/* Parts in the order of the result. */
enum { HEAD, SCORES, VALUE_TOKEN = SCORES + 6, VALUE_PLACE, DIRECT, SLOT, FIRST, ANSWER };

/* ---- The slow way ------------------------------------------------------------------------------
 */

typedef struct brute {
    const clh_model *model;
    const clh_letters_asked *asked;
    const clh_model_config *config;
    clh_removal by;
    size_t part;
    clh_cache *base, *other;
    clh_qk_split split;
    clh_place place[T_MOST];
    uint32_t ids[T_MOST];
    double value_token[V_MOST][D_MOST], value_place[T_MOST][D_MOST]; /* times u */
    /* Means over the domain. */
    double z[T_MOST][D_MOST], score[6][T_MOST][T_MOST], token[T_MOST][D_MOST], at[T_MOST][D_MOST],
        group[3][T_MOST][D_MOST], embed[T_MOST][D_MOST];
    uint64_t sure, most, first;
} brute;

static const clh_real *row(const clh_model *model, const char *name, size_t i)
{
    const clh_tensor t = clh_model_view(model, name);
    assert_non_null(t.data);
    return t.data + i * t.shape[t.rank - 1];
}

/* What W_V makes of a row of the stream through the norm, but for its scale: centred, times w. */
static void value_of(const brute *b, const clh_real *x, double *out)
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

static double u_of(const brute *b, size_t i)
{
    const clh_tensor s = clh_cache_view(b->base, "blocks.0.ln1.hook_scale");
    return s.data ? 1 / (double)s.data[i] : 1;
}

static bool in_group(const brute *b, size_t part, size_t i, size_t j)
{
    const clh_letters_asked *a = b->asked;
    if (part == ANSWER)
        return i + 1 < a->length && b->ids[j] == b->ids[i + 1];
    if (part == FIRST)
        return j < a->first_scored && a->slot[j] < a->n;
    return i + 1 < a->length && b->place[i + 1].slot > 0 &&
           b->place[j].slot == b->place[i + 1].slot;
}

static double score_part(const brute *b, size_t k, size_t i, size_t j)
{
    double parts[CLH_SPLIT_PARTS][CLH_SPLIT_PARTS];
    const clh_qk_end query = {b->ids[i], i, 1 / u_of(b, i)}, key = {b->ids[j], j, 1 / u_of(b, j)};
    clh_qk_split_score(parts, &b->split, &query, &key);
    return parts[k / 2][k % 2];
}

/* sum over the group of pattern times value, of the pass that is in `base`. */
static void group_sum(const brute *b, size_t part, size_t i, double *out)
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
static void take_pattern(const brute *b, clh_real *pattern)
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
static void take_sources(const brute *b, clh_real *scores)
{
    const size_t T = b->asked->length;
    for (size_t i = 0; i < T; i++)
        for (size_t j = 0; j <= i; j++)
            if (in_group(b, b->part, i, j))
                scores[i * T + j] = -(clh_real)INFINITY;
}

static void take_scores(const brute *b, clh_real *scores)
{
    const size_t T = b->asked->length, k = b->part - SCORES;
    const bool mean = b->by == CLH_REMOVAL_MEAN;
    for (size_t i = 0; i < T; i++)
        for (size_t j = 0; j <= i; j++)
            scores[i * T + j] +=
                (clh_real)((mean ? b->score[k][i][j] : 0) - score_part(b, k, i, j));
}

/* The part of this pass, by activation. */
static clh_status take(const clh_hook_point *point, void *user, clh_error *err)
{
    const brute *b = user;
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

static void pass(brute *b, uint64_t rank)
{
    uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
    clh_error err = {0};
    clh_letters_unrank(b->asked, rank, letters);
    clh_letters_write(b->asked, letters, b->ids);
    must(clh_forward(b->model, &(clh_tokens){b->ids, 1, b->asked->length}, b->base, NULL, &err),
         &err);
}

static void add_means(brute *b, uint64_t inputs)
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

/* Largest logit, and by how much. */
static size_t says(const clh_cache *cache, size_t i, double *by)
{
    const clh_tensor t = clh_cache_view(cache, "logits");
    const size_t V = t.shape[2];
    const clh_real *x = t.data + i * V;
    size_t best = 0;
    *by = INFINITY;
    for (size_t o = 1; o < V; o++)
        best = x[o] > x[best] ? o : best;
    for (size_t o = 0; o < V; o++)
        *by = o == best ? *by : fmin(*by, (double)(x[best] - x[o]));
    return best;
}

/* Whether the input that is in `base` changes: for certain, or as far as floats tell. */
static void look(const brute *b, bool *sure, bool *may)
{
    *sure = *may = false;
    for (size_t i = b->asked->first_scored - 1; i + 1 < b->asked->length; i++) {
        double by, other_by;
        const bool same = says(b->base, i, &by) == says(b->other, i, &other_by);
        const bool clear = by > 1e-3 && other_by > 1e-3;
        *sure = *sure || (!same && clear);
        *may = *may || !same || !clear;
    }
}

static brute *brute_open(const clh_model *model, const clh_task *task, const clh_letters_asked *a,
                         clh_removal by)
{
    brute *b = calloc(1, sizeof *b);
    clh_error err = {0};
    *b = (brute){.model = model, .asked = a, .config = clh_model_get_config(model), .by = by};
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
        pass(b, rank);
        add_means(b, clh_letters_inputs(a));
    }
    return b;
}

static void brute_close(brute *b)
{
    clh_qk_split_deinit(&b->split);
    clh_cache_close(b->base);
    clh_cache_close(b->other);
    free(b);
}

/* Counts of a part, over all inputs whose rank `every` divides. */
static void count(brute *b, size_t part)
{
    const clh_hook hook = {"blocks.0.*", take, b};
    clh_error err = {0};
    b->part = part;
    b->sure = b->most = 0;
    b->first = UINT64_MAX;
    for (uint64_t rank = 0; rank < clh_letters_inputs(b->asked); rank++) {
        bool sure, may;
        pass(b, rank);
        must(clh_forward(b->model, &(clh_tokens){b->ids, 1, b->asked->length}, b->other,
                         &(clh_hooks){.items = &hook, .count = 1}, &err),
             &err);
        look(b, &sure, &may);
        b->first = sure && b->first == UINT64_MAX ? rank : b->first;
        b->sure += sure;
        b->most += may;
    }
}

typedef struct tally {
    size_t none, some, all, close;
} tally;

/* Every part, both ways; how many parts are needed by no input, some, all, and how many counts are known to
 * the input from floats. */
static void both_ways(const clh_model *model, const clh_task *task, clh_domain_kind domain,
                      clh_removal by, tally *seen)
{
    clh_error err = {0};
    clh_letters_asked asked = {0};
    clh_necessity fast, two;
    const clh_necessity_options options = {domain, by};
    must(clh_necessity_find(&fast, model, task, &options, NULL, &err), &err);
    must(clh_necessity_find(&two, model, task, &options, &(clh_how){.threads = 2}, &err), &err);
    must(clh_letters_asked_open(&asked, task, domain, &err), &err);
    assert_memory_equal(&fast, &two, sizeof fast);
    brute *b = brute_open(model, task, &asked, by);
    assert_int_equal(fast.inputs, clh_letters_inputs(&asked));
    for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
        const clh_necessity_row *is = &fast.row[k];
        count(b, k);
        if (is->changed < b->sure || is->changed > b->most || is->changed - is->undecided > b->most)
            fail_msg("domain %d by %d %s: %zu (%zu undecided), by hooks %zu to %zu", domain, by,
                     is->name, (size_t)is->changed, (size_t)is->undecided, (size_t)b->sure,
                     (size_t)b->most);
        if (is->changed)
            assert_true(is->first.rank <= b->first);
        seen->none += is->changed == 0;
        seen->all += is->changed == fast.inputs;
        seen->some += is->changed > 0 && is->changed < fast.inputs;
        seen->close += b->most - b->sure <= fast.inputs / 50;
    }
    brute_close(b);
    clh_letters_asked_deinit(&asked);
}

static void counts_are_those_of_hooks(void **state)
{
    (void)state;
    static const planted cases[] = {{CLH_NORM_LN, 0.05, 1, 1},   {CLH_NORM_RMS, 0.1, 1, 2},
                                    {CLH_NORM_LNPRE, 0.2, 1, 3}, {CLH_NORM_NONE, 0.1, 1, 4},
                                    {CLH_NORM_LN, 0.3, 1, 5},    {CLH_NORM_RMSPRE, 0.15, 1, 6}};
    clh_task *task = task_of("n=2 letters=tuples");
    tally seen = {0};
    for (size_t i = 0; i < CLH_COUNT(cases); i++) {
        clh_model *model = planted_open(task, &cases[i]);
        both_ways(model, task, (clh_domain_kind)(i % 3), (clh_removal)(i % 2), &seen);
        clh_model_close(model);
    }
    /* Predictions of letters that no source holds yet: a query does not see every slot. */
    clh_task *early = task_of("n=2 letters=tuples first_scored=1");
    clh_model *model = planted_open(early, &cases[1]);
    both_ways(model, early, CLH_DOMAIN_TUPLES, CLH_REMOVAL_MEAN, &seen);
    both_ways(model, early, CLH_DOMAIN_SORTED, CLH_REMOVAL_ZERO, &seen);
    clh_model_close(model);
    clh_task_close(early);
    print_message("# parts: %zu needed nowhere, %zu by some, %zu by all; %zu known to 2 %%\n",
                  seen.none, seen.some, seen.all, seen.close);
    assert_true(seen.none > 2 && seen.some > 20 && seen.all > 2 && seen.close > 70);
    clh_task_close(task);
}

/* Three letters, a few inputs of each domain: the sets that the counts are made of. */
static void inputs_are_those_of_hooks(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0.2, 1, 9};
    clh_task *task = task_of("n=3 letters=tuples");
    clh_model *model = planted_open(task, &p);
    size_t sure[2] = {0};
    for (size_t i = 0; i < 4; i++) {
        clh_error err = {0};
        clh_letters_asked a = {0};
        clh_tables tables = {0};
        clh_failures changed[CLH_NECESSITY_PARTS], doubtful[CLH_NECESSITY_PARTS];
        clh_necessity_walk walk = {.changed = changed, .doubtful = doubtful};
        clh_stop stop;
        must(clh_letters_asked_open(&a, task, i < 2 ? CLH_DOMAIN_TUPLES : CLH_DOMAIN_SORTED, &err),
             &err);
        must(clh_tables_open(&tables, model, &a, NULL, &err), &err);
        must(clh_removed_walk_open(&walk.models, &tables, task, CLH_REMOVAL_ZERO, CLH_MODELS, &err),
             &err);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            must(clh_failures_open(&changed[k], &a, &err), &err);
            must(clh_failures_open(&doubtful[k], &a, &err), &err);
        }
        clh_stop_init(&stop, NULL, 1, "queries");
        const size_t query = a.first_scored - 1 + 5 * i; /* one query, so that sets stay small */
        clh_necessity_walk_position(&walk, query, &stop, 0);
        brute *b = brute_open(model, task, &a, CLH_REMOVAL_ZERO);
        const clh_hook hook = {"blocks.0.*", take, b};
        for (uint64_t rank = 7 * i; rank < clh_letters_inputs(&a);
             rank += clh_letters_inputs(&a) / 150) {
            uint8_t letters[CLH_CERTIFY_LETTERS] = {0};
            clh_letters_unrank(&a, rank, letters);
            pass(b, rank);
            for (b->part = 0; b->part < CLH_NECESSITY_PARTS; b->part++) {
                double by, other_by;
                bool in = false;
                must(clh_forward(model, &(clh_tokens){b->ids, 1, a.length}, b->other,
                                 &(clh_hooks){.items = &hook, .count = 1}, &err),
                     &err);
                const bool same = says(b->base, query, &by) == says(b->other, query, &other_by);
                for (unsigned mask = 0; mask < 1u << a.n; mask++)
                    in = in || clh_failures_has(&changed[b->part], letters, mask);
                if (by < 1e-3 || other_by < 1e-3)
                    continue;
                assert_true(in != same);
                sure[same]++;
            }
        }
        brute_close(b);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            clh_failures_deinit(&changed[k]);
            clh_failures_deinit(&doubtful[k]);
        }
        clh_removed_walk_deinit(&walk.models);
        clh_tables_deinit(&tables);
        clh_letters_asked_deinit(&a);
    }
    assert_true(sure[0] > 500 && sure[1] > 500);
    clh_model_close(model);
    clh_task_close(task);
}

/* Attention by position alone, values that know the token alone: what else there is, nothing needs. */
static void a_copier_needs_what_copies(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0, 1, 0};
    clh_task *task = task_of("n=2 letters=tuples");
    clh_model *model = planted_open(task, &p);
    clh_error err = {0};
    static const bool all[CLH_NECESSITY_PARTS] = {[HEAD] = true,
                                                  [SCORES + 3] = true, /* position x position */
                                                  [VALUE_TOKEN] = true,
                                                  [ANSWER] = true};
    for (size_t q = 0; q < clh_task_length_max(task); q++) /* what has no source looks at 0 */
        *planted_at(model, "blocks.0.attn.W_Q", clh_task_d_vocab(task) + q, 0) += 1;
    for (clh_domain_kind d = CLH_DOMAIN_SORTED; d < CLH_DOMAIN_TASK; d++) {
        clh_necessity n;
        const clh_necessity_options options = {.domain = d};
        must(clh_necessity_find(&n, model, task, &options, NULL, &err), &err);
        for (size_t k = 0; k < CLH_NECESSITY_PARTS; k++) {
            if (k == DIRECT || k == SLOT || k == FIRST)
                continue; /* as the task's terms have it */
            assert_int_equal(n.row[k].changed, all[k] ? n.inputs : 0);
            assert_true(all[k] || n.row[k].undecided == 0);
        }
    }
    clh_model_close(model);
    clh_task_close(task);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    const planted p = {CLH_NORM_LN, 0.1, 1, 1};
    clh_task *task = task_of("n=2 letters=tuples"), *mixture = task_of("n=2,3 letters=sorted");
    clh_task *sums = task_of("task=modular_addition p=5"), *three = task_of("n=3 letters=sorted");
    clh_model *model = planted_open(task, &p), *heads = NULL, *steep = NULL;
    clh_error err = {0};
    clh_necessity n;
    clh_necessity_options options = {.domain = CLH_DOMAIN_TUPLES};
    assert_int_equal(clh_necessity_find(&n, model, mixture, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "mixes 2 lengths"));
    assert_int_equal(clh_necessity_find(&n, model, sums, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "has no letters"));
    assert_int_equal(clh_necessity_find(&n, model, three, NULL, NULL, &err), CLH_ESHAPE);
    assert_non_null(strstr(err.message, "n_ctx"));
    clh_model_config config = *clh_model_get_config(model);
    config.n_heads = 2;
    must(clh_model_open(&heads, &config, &err), &err);
    assert_int_equal(clh_necessity_find(&n, heads, task, NULL, NULL, &err), CLH_ESUPPORT);
    assert_non_null(strstr(err.message, "one layer of one head"));
    /* Scores so far apart that the mean of a pattern has no digits in double: by mean alone. */
    steep = planted_open(task, &(planted){CLH_NORM_LN, 0.5, 30, 1});
    must(clh_necessity_find(&n, steep, task, &options, NULL, &err), &err);
    options.by = CLH_REMOVAL_MEAN;
    assert_int_equal(clh_necessity_find(&n, steep, task, &options, NULL, &err), CLH_ENUMERIC);
    assert_non_null(strstr(err.message, "apart"));
    *planted_at(model, "unembed.W_U", 3, 3) = (clh_real)NAN;
    assert_int_equal(clh_necessity_find(&n, model, task, NULL, NULL, &err), CLH_ENUMERIC);
    clh_model_close(steep);
    clh_model_close(heads);
    clh_model_close(model);
    clh_task_close(three);
    clh_task_close(sums);
    clh_task_close(mixture);
    clh_task_close(task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copier_needs_what_copies),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(inputs_are_those_of_hooks),
        cmocka_unit_test(counts_are_those_of_hooks),
    };
    return cmocka_run_group_tests_name("necessity", tests, NULL, NULL);
}
