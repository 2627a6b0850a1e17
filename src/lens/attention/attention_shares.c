/* What the sums of a sample say. With x the scores (or pattern) of a destination's row less the
 * row's mean, B sequences, and xbar_ij the mean over them:
 *
 *    total_i    = sum_bj x_bij^2          position_i = B sum_j xbar_ij^2
 *
 * A feature has level l_bj at source j of sequence b. What position does not explain, r = x - xbar,
 * has sums by level
 *
 *    S_il = sum_{b,j: l_bj = l} r_bij = sum_{b,j: l_bj = l} x_bij - sum_j xbar_ij n_jl
 *    N_il = sum_{j<=i} n_jl               n_jl = sequences with level l at source j
 *    effect_i = sum_l S_il^2 / N_il / (total_i - position_i)
 *
 * so no second pass is needed. The slot of a source is part of its position, and has the same with
 * xbar in r's place, over total_i; its shuffles deal the sources' slots out anew. */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "lens/attention/attention_parts.h"

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* Makes means of the sums of `kind`; shares, and those of each destination where `rows` is given.
 */
static clh_variance_split split(const clh_look *k, int kind, double *rows)
{
    const clh_attention_report *out = k->out;
    const double B = (double)out->sequences;
    double total = 0, position = 0, entries = 0;
    for (size_t r = 0; r < out->rows; r++) {
        double *mean = k->mean[kind] + r * k->T, of_row = 0;
        for (size_t j = 0; j <= out->first + r; j++) {
            mean[j] /= B;
            of_row += B * mean[j] * mean[j];
        }
        total += k->total[kind][r];
        position += of_row;
        entries += B * (double)(out->first + r + 1);
        if (rows)
            rows[r] = ratio(of_row, k->total[kind][r]);
    }
    const double share = ratio(position, total);
    return (clh_variance_split){total / entries, share, 1 - share};
}

/* ---- Cues --------------------------------------------------------------------------------------
 */

/* Levels of one destination: S_il and N_il. */
typedef struct groups {
    double *sum, *number; /* [levels] */
} groups;

/* S_il and N_il by token or by rank. */
static void gather(const clh_look *k, int by, int v, size_t r, const groups *out)
{
    const size_t levels = clh_look_levels(k, by), i = k->out->first + r;
    const double *mean = k->mean[CLH_LOOK_SCORES] + r * k->T, *n = k->number[by][v];
    memcpy(out->sum, k->level[by][v] + r * levels, levels * sizeof *out->sum);
    memset(out->number, 0, levels * sizeof *out->number);
    for (size_t j = 0; j <= i; j++)
        for (size_t l = 0; l < levels; l++) {
            out->sum[l] -= mean[j] * n[j * levels + l];
            out->number[l] += n[j * levels + l];
        }
}

/* The same for a feature whose levels are sets of tokens. */
static void merge(const clh_look *k, clh_cue_feature f, const groups *tokens, const groups *out)
{
    memset(out->sum, 0, k->levels.count[f] * sizeof *out->sum);
    memset(out->number, 0, k->levels.count[f] * sizeof *out->number);
    for (size_t t = 0; t < k->levels.d_vocab; t++) {
        out->sum[k->levels.level[f][t]] += tokens->sum[t];
        out->number[k->levels.level[f][t]] += tokens->number[t];
    }
}

/* sum_l S_il^2 / N_il */
static double between(const groups *g, size_t levels)
{
    double square = 0;
    for (size_t l = 0; l < levels; l++)
        square += g->number[l] > 0 ? g->sum[l] * g->sum[l] / g->number[l] : 0;
    return square;
}

/* Another dealing of the sources' slots, the same for every row. */
static void shuffle_slots(const clh_look *k, int v, uint32_t *level)
{
    for (size_t j = k->T - 1; j > 0; j--) { /* Fisher and Yates */
        const uint64_t word =
            clh_random_word(k->seed, CLH_STREAM_CUE, (1ULL << 40) + (uint64_t)v * k->T + j);
        const size_t with = (size_t)(word % (j + 1));
        const uint32_t held = level[j];
        level[j] = level[with];
        level[with] = held;
    }
}

/* B times the squares of xbar between slots, of row r. */
static double between_slots(const clh_look *k, size_t r, const uint32_t *level)
{
    const double B = (double)k->out->sequences, *mean = k->mean[CLH_LOOK_SCORES] + r * k->T;
    double sum[CLH_KEY_SLOTS] = {0}, number[CLH_KEY_SLOTS] = {0}, square = 0;
    for (size_t j = 0; j <= k->out->first + r; j++) {
        sum[level[j]] += mean[j];
        number[level[j]]++;
    }
    for (size_t l = 0; l < CLH_KEY_SLOTS; l++)
        square += number[l] > 0 ? B * sum[l] * sum[l] / number[l] : 0;
    return square;
}

static double *part_at(const clh_look *k, size_t r, int f, int v)
{
    return k->part + (r * CLH_CUES + (size_t)f) * CLH_LOOK_VERSIONS + (size_t)v;
}

/* What lies between levels at destination r, of every feature but the slot; a task of the pool. */
static void find_parts(void *context, size_t r, size_t worker)
{
    const clh_look *k = context;
    double *room = k->work + worker * k->work_each;
    const size_t most = k->most_levels;
    const groups base = {room, room + most}, merged = {room + 2 * most, room + 3 * most};
    for (int v = 0; v < CLH_LOOK_VERSIONS; v++) {
        gather(k, CLH_BY_RANK, v, r, &base);
        *part_at(k, r, CLH_CUE_RANK, v) = between(&base, k->levels.count[CLH_CUE_RANK]);
        gather(k, CLH_BY_TOKEN, v, r, &base);
        for (int f = 0; f < CLH_CUE_RANK; f++) {
            merge(k, (clh_cue_feature)f, &base, &merged);
            *part_at(k, r, f, v) = between(&merged, k->levels.count[f]);
        }
    }
}

/* Of the slot. */
static void find_slot_parts(const clh_look *k)
{
    for (int v = 0; v < CLH_LOOK_VERSIONS; v++) {
        if (v > 0)
            shuffle_slots(k, v, k->key_slot);
        for (size_t r = 0; r < k->out->rows; r++)
            *part_at(k, r, CLH_CUE_SLOT, v) = between_slots(k, r, k->key_slot);
    }
}

/* Effect of the truth, mean and deviation of the shuffles. */
static clh_cue_effect summarize(const double all[CLH_LOOK_VERSIONS], double whole)
{
    double sum = 0, square = 0;
    for (int v = 1; v < CLH_LOOK_VERSIONS; v++) {
        const double effect = ratio(all[v], whole);
        sum += effect;
        square += effect * effect;
    }
    const double mean = sum / (double)CLH_CUE_SHUFFLES;
    const double variance = (square - sum * mean) / (double)(CLH_CUE_SHUFFLES - 1);
    return (clh_cue_effect){ratio(all[0], whole), mean, variance > 0 ? sqrt(variance) : 0};
}

/* What the effect of feature f is a share of, at destination r. */
static double whole_of(const clh_look *k, int f, size_t r)
{
    const double total = k->total[CLH_LOOK_SCORES][r];
    return f == CLH_CUE_SLOT ? total : total * (1 - k->out->row_position[r]);
}

/* The effect over the destinations of a slot; of all for CLH_SLOTS_MAX. */
static clh_cue_effect effect_over(const clh_look *k, int f, size_t slot)
{
    double all[CLH_LOOK_VERSIONS] = {0}, whole = 0;
    for (size_t r = 0; r < k->out->rows; r++) {
        if (slot != CLH_SLOTS_MAX && k->slot_of[k->out->first + r + 1] != slot)
            continue;
        whole += whole_of(k, f, r);
        for (int v = 0; v < CLH_LOOK_VERSIONS; v++)
            all[v] += *part_at(k, r, f, v);
    }
    return summarize(all, whole);
}

static double position_over(const clh_look *k, size_t slot)
{
    double position = 0, total = 0;
    for (size_t r = 0; r < k->out->rows; r++) {
        if (k->slot_of[k->out->first + r + 1] != slot)
            continue;
        total += k->total[CLH_LOOK_SCORES][r];
        position += k->total[CLH_LOOK_SCORES][r] * k->out->row_position[r];
    }
    return ratio(position, total);
}

static void find_cues(const clh_look *k, clh_pool *pool, clh_stop *stop)
{
    clh_attention_report *out = k->out;
    clh_pool_run_watched(pool, out->rows, find_parts, (void *)k, stop);
    if (!clh_stop_ask(stop))
        find_slot_parts(k);
    for (int f = 0; f < CLH_CUES; f++) {
        const clh_cue_effect all = effect_over(k, f, CLH_SLOTS_MAX);
        out->cue[f].effect = all.effect;
        out->cue[f].shuffled = all.shuffled;
        out->cue[f].deviation = all.deviation;
        for (size_t r = 0; r < out->rows; r++)
            out->cue[f].row[r] = ratio(*part_at(k, r, f, 0), whole_of(k, f, r));
        for (size_t s = 0; s < out->slots.count; s++)
            out->slot[s].cue[f] = effect_over(k, f, s);
    }
    for (size_t s = 0; s < out->slots.count; s++)
        out->slot[s].position = position_over(k, s);
}

/* ---- Sources -----------------------------------------------------------------------------------
 */

/* Different strongest sources of a sequence, and its distances from each destination to the next
 * with the same one; `last` [T] is room, gaps [T] is added to. */
static size_t follow(const clh_look *k, const uint32_t *strongest, size_t *last, size_t *gaps)
{
    size_t found = 0;
    memset(last, 0, k->T * sizeof *last);
    for (size_t r = 0; r < k->out->rows; r++) {
        size_t *before = &last[strongest[r]]; /* r + 1 of the row before it; 0 for none */
        found += *before == 0;
        if (*before)
            gaps[r + 1 - *before]++;
        *before = r + 1;
    }
    return found;
}

static void finish_gaps(const clh_look *k)
{
    clh_attention_report *out = k->out;
    size_t all = 0, found = 0, *last = k->counts, *gaps = last + k->T;
    for (size_t b = 0; b < out->sequences; b++)
        found += follow(k, k->strongest + b * out->rows, last, gaps);
    out->distinct_sources = (double)found / (double)out->sequences;
    for (size_t g = 1; g < k->T; g++) {
        all += gaps[g];
        out->gap = gaps[g] > (out->gap ? gaps[out->gap] : 0) ? g : out->gap;
    }
    out->gap_share = all ? (double)gaps[out->gap] / (double)all : 0;
}

static size_t agreeing(const clh_look *k, size_t r)
{
    const double *mean = k->mean[CLH_LOOK_SCORES] + r * k->T;
    size_t top = 0, agree = 0;
    for (size_t j = 1; j <= k->out->first + r; j++)
        top = mean[j] > mean[top] ? j : top;
    for (size_t b = 0; b < k->out->sequences; b++)
        agree += k->strongest[b * k->out->rows + r] == top;
    return agree;
}

static void finish_sources(const clh_look *k)
{
    clh_attention_report *out = k->out;
    const double B = (double)out->sequences, all = B * (double)out->rows;
    clh_look_row sum = {0};
    for (size_t r = 0; r < out->rows; r++) {
        const clh_look_row *row = &k->row[r];
        sum.effective += row->effective;
        sum.mass += row->mass;
        sum.prompt += row->prompt;
        sum.prompt_tops += row->prompt_tops;
        sum.possible += row->possible;
        sum.tops += row->tops;
        sum.earliest += row->earliest;
        sum.latest += row->latest;
        sum.agree += agreeing(k, r);
        out->row_answer[r] = row->mass / B;
    }
    out->top_agrees = (double)sum.agree / all;
    out->top_earliest = ratio((double)sum.earliest, (double)sum.tops);
    out->top_latest = ratio((double)sum.latest, (double)sum.tops);
    out->prompt_mass = sum.prompt / all;
    out->top_prompt = (double)sum.prompt_tops / all;
    out->answer_mass = sum.mass / all;
    out->answer_top = (double)sum.tops / all;
    out->answer_possible = (double)sum.possible / all;
    out->answer_found = ratio((double)sum.tops, (double)sum.possible);
    for (size_t b = 0; b < out->sequences; b++)
        out->answer_sequences += !memchr(k->answer + b * out->rows, CLH_LOOK_HELD, out->rows);
    out->effective_sources = sum.effective / all;
}

void clh_look_finish(clh_look *k, clh_pool *pool, clh_stop *stop)
{
    k->out->pattern = split(k, CLH_LOOK_PATTERN, NULL);
    k->out->scores = split(k, CLH_LOOK_SCORES, k->out->row_position);
    finish_sources(k);
    finish_gaps(k);
    find_cues(k, pool, stop);
}
