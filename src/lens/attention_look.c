/* One pass over a sample collects sums; the shares follow from them. With x the scores (or pattern)
 * of a destination's row less the row's mean, B sequences, and xbar_ij the mean over them:
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
 * so no second pass is needed. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "lens/cue.h"

enum { KINDS = 2, SCORES = 0, PATTERN, VERSIONS = CLH_CUE_SHUFFLES + 1 };

/* Sums are kept by token and by rank; a level of the other features is a set of tokens. */
enum { BY_TOKEN, BY_RANK, BYS };
static const clh_cue_feature feature_of[BYS] = {CLH_CUE_TOKEN, CLH_CUE_RANK};

typedef struct sums {
    double *mean[KINDS];           /* [rows, T]: sum over sequences of x, then xbar */
    double *total[KINDS];          /* [rows] */
    double *level[BYS][VERSIONS];  /* [rows, levels]: sums of x; version 0 is the truth */
    double *number[BYS][VERSIONS]; /* [T, levels]: n_jl */
} sums;

typedef struct look {
    const clh_model *model;
    const clh_sample *sample;
    clh_attention_report *out;
    clh_cue_levels levels;
    clh_cache *cache;
    size_t T, heads;
    uint64_t seed;
    sums s;
    double *memory, *x;  /* x [T]: a row in hand */
    uint32_t *strongest; /* [sequences, rows] */
    uint32_t *at;        /* [BYS, VERSIONS, T]: levels of the sequence in hand */
    uint32_t *ranks;     /* [d_vocab] room */
    size_t *gaps;        /* [T] how often each distance occurred */
} look;

/* ---- Room
 * ------------------------------------------------------------------------------------------ */

static double *cut(double *memory, size_t *used, size_t count)
{
    double *at = memory ? memory + *used : NULL;
    *used += count;
    return at;
}

static size_t levels_by(const look *k, int by)
{
    return k->levels.count[feature_of[by]];
}

static size_t lay_out(look *k, double *memory)
{
    size_t used = 0;
    const size_t rows = k->out->rows;
    for (int kind = 0; kind < KINDS; kind++) {
        k->s.mean[kind] = cut(memory, &used, rows * k->T);
        k->s.total[kind] = cut(memory, &used, rows);
    }
    for (int by = 0; by < BYS; by++)
        for (int v = 0; v < VERSIONS; v++) {
            k->s.level[by][v] = cut(memory, &used, rows * levels_by(k, by));
            k->s.number[by][v] = cut(memory, &used, k->T * levels_by(k, by));
        }
    k->x = cut(memory, &used, k->T);
    return used;
}

static clh_status make_room(look *k, clh_error *err)
{
    clh_attention_report *out = k->out;
    const clh_model_config *c = clh_model_get_config(k->model);
    clh_status status = clh_cue_levels_init(&k->levels, k->sample->task, c->d_vocab, err);
    if (!status)
        status = clh_memory_check(lay_out(k, NULL) * sizeof *k->memory,
                                  "sums over pairs of positions", err);
    if (status)
        return status;
    k->memory = clh_alloc_zeroed(lay_out(k, NULL), sizeof *k->memory, err);
    k->strongest = clh_alloc_zeroed(out->sequences * out->rows, sizeof *k->strongest, err);
    k->at = clh_alloc_zeroed((size_t)BYS * VERSIONS * k->T, sizeof *k->at, err);
    k->ranks = clh_alloc_zeroed(c->d_vocab, sizeof *k->ranks, err);
    k->gaps = clh_alloc_zeroed(k->T, sizeof *k->gaps, err);
    out->memory = clh_alloc_zeroed((2 + CLH_CUES) * out->rows, sizeof *out->memory, err);
    if (!k->memory || !k->strongest || !k->at || !k->ranks || !k->gaps || !out->memory)
        return CLH_ENOMEM;
    (void)lay_out(k, k->memory);
    out->row_position = out->memory;
    out->row_answer = out->memory + out->rows;
    for (int f = 0; f < CLH_CUES; f++)
        out->cue[f].row = out->memory + (size_t)(2 + f) * out->rows;
    return clh_cache_open(&k->cache, c, CLH_KEEP_ALL, err);
}

/* ---- The pass over the sample
 * ---------------------------------------------------------------------- */

/* Levels of sequence b, and of the sequences whose tokens stand in for its in the shuffles. */
static void read_levels(look *k, size_t b)
{
    for (int v = 0; v < VERSIONS; v++) {
        /* any sequence but b itself */
        const uint64_t step = clh_random_word(k->seed, CLH_STREAM_CUE, b * VERSIONS + (size_t)v);
        const size_t other =
            v == 0 ? b : (b + 1 + step % (k->sample->count - 1)) % k->sample->count;
        const clh_tokens tokens = clh_sample_tokens(k->sample, other);
        for (int by = 0; by < BYS; by++) {
            uint32_t *at = k->at + ((size_t)by * VERSIONS + (size_t)v) * k->T;
            clh_cue_levels_of(&k->levels, feature_of[by], &tokens, k->ranks, at);
            for (size_t j = 0; j < k->T; j++)
                k->s.number[by][v][j * levels_by(k, by) + at[j]]++;
        }
    }
}

/* x = row less its mean, over the sources a destination may see; adds it to the sums of `kind`. */
static void add_row(look *k, int kind, size_t r, const clh_real *row)
{
    const size_t sources = k->out->first + r + 1;
    double mean = 0, *sum = k->s.mean[kind] + r * k->T;
    for (size_t j = 0; j < sources; j++)
        mean += (double)row[j];
    mean /= (double)sources;
    for (size_t j = 0; j < sources; j++) {
        const double x = (double)row[j] - mean;
        k->x[j] = x;
        sum[j] += x;
        k->s.total[kind][r] += x * x;
    }
}

static void add_levels(look *k, size_t r)
{
    const size_t sources = k->out->first + r + 1;
    for (int by = 0; by < BYS; by++)
        for (int v = 0; v < VERSIONS; v++) {
            const uint32_t *at = k->at + ((size_t)by * VERSIONS + (size_t)v) * k->T;
            double *level = k->s.level[by][v] + r * levels_by(k, by);
            for (size_t j = 0; j < sources; j++)
                level[at[j]] += k->x[j];
        }
}

/* What one row of the pattern says of sources; sums, divided at the end. */
static void add_sources(look *k, size_t b, size_t r, const clh_tokens *tokens, const clh_real *row)
{
    clh_attention_report *out = k->out;
    const size_t i = out->first + r;
    const uint32_t answer = tokens->ids[i + 1];
    double entropy = 0, mass = 0, prompt = 0;
    size_t top = 0, holders = 0, earliest = 0, latest = 0;
    for (size_t j = 0; j <= i; j++) {
        const double p = (double)row[j];
        const bool holds = tokens->ids[j] == answer;
        entropy -= p > 0 ? p * log(p) : 0;
        mass += holds ? p : 0;
        prompt += j <= out->first ? p : 0;
        if (holds) {
            earliest = holders++ ? earliest : j;
            latest = j;
        }
        top = row[j] > row[top] ? j : top;
    }
    k->strongest[b * out->rows + r] = (uint32_t)top;
    out->effective_sources += exp(entropy);
    out->answer_mass += mass;
    out->row_answer[r] += mass;
    out->prompt_mass += prompt;
    out->top_prompt += top <= out->first;
    out->answer_possible += holders > 0;
    if (tokens->ids[top] == answer) {
        out->answer_top++;
        out->top_earliest += top == earliest;
        out->top_latest += top == latest;
    }
}

static size_t distinct(const uint32_t *strongest, size_t rows)
{
    size_t found = 0;
    for (size_t r = 0; r < rows; r++) {
        bool before = false;
        for (size_t q = 0; q < r && !before; q++)
            before = strongest[q] == strongest[r];
        found += !before;
    }
    return found;
}

/* Distances from each destination to the next with the same strongest source. */
static void count_gaps(look *k, const uint32_t *strongest)
{
    const size_t rows = k->out->rows;
    for (size_t r = 0; r < rows; r++)
        for (size_t q = r + 1; q < rows; q++)
            if (strongest[q] == strongest[r]) {
                k->gaps[q - r]++;
                break;
            }
}

static clh_status add_sequence(look *k, size_t b, clh_error *err)
{
    clh_attention_report *out = k->out;
    const clh_tokens tokens = clh_sample_tokens(k->sample, b);
    char name[64];
    clh_status status = clh_forward(k->model, &tokens, k->cache, NULL, err);
    if (status)
        return status;
    (void)snprintf(name, sizeof name, "blocks.%zu.attn.hook_attn_scores", out->layer);
    const clh_tensor scores = clh_cache_view(k->cache, name);
    (void)snprintf(name, sizeof name, "blocks.%zu.attn.hook_pattern", out->layer);
    const clh_tensor pattern = clh_cache_view(k->cache, name);
    read_levels(k, b);
    for (size_t r = 0; r < out->rows; r++) {
        const size_t at = clh_tensor_at(&scores, 0, out->head, out->first + r, 0);
        add_row(k, PATTERN, r, pattern.data + at);
        add_row(k, SCORES, r, scores.data + at);
        if (!isfinite(k->s.total[SCORES][r]))
            return clh_fail(err, CLH_ENUMERIC,
                            "blocks.%zu.attn.hook_attn_scores is not finite at destination %zu of "
                            "sequence %zu",
                            out->layer, out->first + r, b);
        add_levels(k, r);
        add_sources(k, b, r, &tokens, pattern.data + at);
    }
    out->distinct_sources += (double)distinct(k->strongest + b * out->rows, out->rows);
    count_gaps(k, k->strongest + b * out->rows);
    return CLH_OK;
}

/* ---- Shares
 * ---------------------------------------------------------------------------------------- */

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

/* Makes means of the sums of `kind`; shares, and those of each destination where `rows` is given.
 */
static clh_variance_split split(look *k, int kind, double *rows)
{
    const clh_attention_report *out = k->out;
    const double B = (double)out->sequences;
    double total = 0, position = 0, entries = 0;
    for (size_t r = 0; r < out->rows; r++) {
        double *mean = k->s.mean[kind] + r * k->T, of_row = 0;
        for (size_t j = 0; j <= out->first + r; j++) {
            mean[j] /= B;
            of_row += B * mean[j] * mean[j];
        }
        total += k->s.total[kind][r];
        position += of_row;
        entries += B * (double)(out->first + r + 1);
        if (rows)
            rows[r] = ratio(of_row, k->s.total[kind][r]);
    }
    const double share = ratio(position, total);
    return (clh_variance_split){total / entries, share, 1 - share};
}

/* Levels of one destination: S_il and N_il. */
typedef struct groups {
    double *sum, *number; /* [levels] */
} groups;

/* S_il and N_il by token or by rank. The sums of x in `level` are not changed. */
static void gather(const look *k, int by, int v, size_t r, const groups *out)
{
    const size_t levels = levels_by(k, by), i = k->out->first + r;
    const double *mean = k->s.mean[SCORES] + r * k->T, *n = k->s.number[by][v];
    memcpy(out->sum, k->s.level[by][v] + r * levels, levels * sizeof *out->sum);
    memset(out->number, 0, levels * sizeof *out->number);
    for (size_t j = 0; j <= i; j++)
        for (size_t l = 0; l < levels; l++) {
            out->sum[l] -= mean[j] * n[j * levels + l];
            out->number[l] += n[j * levels + l];
        }
}

/* The same for a feature whose levels are sets of tokens. */
static void merge(const look *k, clh_cue_feature f, const groups *tokens, const groups *out)
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

/* What lies between levels at destination r, of every feature. */
static void parts_of(const look *k, int v, size_t r, const groups *base, const groups *merged,
                     double part[CLH_CUES])
{
    gather(k, BY_RANK, v, r, base);
    part[CLH_CUE_RANK] = between(base, k->levels.count[CLH_CUE_RANK]);
    gather(k, BY_TOKEN, v, r, base);
    for (int f = 0; f < CLH_CUE_RANK; f++) {
        merge(k, (clh_cue_feature)f, base, merged);
        part[f] = between(merged, k->levels.count[f]);
    }
}

/* Effect of the truth, mean and deviation of the shuffles. */
static void summarize(clh_cue *cue, const double all[VERSIONS], double left)
{
    double sum = 0, square = 0;
    cue->effect = ratio(all[0], left);
    for (int v = 1; v < VERSIONS; v++) {
        const double effect = ratio(all[v], left);
        sum += effect;
        square += effect * effect;
    }
    const double mean = sum / CLH_CUE_SHUFFLES;
    const double variance = (square - sum * mean) / (CLH_CUE_SHUFFLES - 1);
    cue->shuffled = mean;
    cue->deviation = variance > 0 ? sqrt(variance) : 0;
}

static void find_cues(look *k, const groups *base, const groups *merged)
{
    clh_attention_report *out = k->out;
    double left = 0, all[CLH_CUES][VERSIONS] = {{0}};
    for (size_t r = 0; r < out->rows; r++) {
        const double left_here = k->s.total[SCORES][r] * (1 - out->row_position[r]);
        left += left_here;
        for (int v = 0; v < VERSIONS; v++) {
            double part[CLH_CUES];
            parts_of(k, v, r, base, merged, part);
            for (int f = 0; f < CLH_CUES; f++)
                all[f][v] += part[f];
            for (int f = 0; f < CLH_CUES && v == 0; f++)
                out->cue[f].row[r] = ratio(part[f], left_here);
        }
    }
    for (int f = 0; f < CLH_CUES; f++)
        summarize(&out->cue[f], all[f], left);
}

static void finish_gaps(const look *k)
{
    clh_attention_report *out = k->out;
    size_t all = 0;
    for (size_t g = 1; g < k->T; g++) {
        all += k->gaps[g];
        out->gap = k->gaps[g] > (out->gap ? k->gaps[out->gap] : 0) ? g : out->gap;
    }
    out->gap_share = all ? (double)k->gaps[out->gap] / (double)all : 0;
}

static void finish(look *k)
{
    clh_attention_report *out = k->out;
    const double B = (double)out->sequences, all = B * (double)out->rows;
    size_t agree = 0;
    out->pattern = split(k, PATTERN, NULL);
    out->scores = split(k, SCORES, out->row_position);
    for (size_t r = 0; r < out->rows; r++) {
        const double *mean = k->s.mean[SCORES] + r * k->T;
        size_t top = 0;
        for (size_t j = 1; j <= out->first + r; j++)
            top = mean[j] > mean[top] ? j : top;
        for (size_t b = 0; b < out->sequences; b++)
            agree += k->strongest[b * out->rows + r] == top;
        out->row_answer[r] /= B;
    }
    out->top_agrees = (double)agree / all;
    out->top_earliest = ratio(out->top_earliest, out->answer_top);
    out->top_latest = ratio(out->top_latest, out->answer_top);
    out->prompt_mass /= all;
    out->top_prompt /= all;
    finish_gaps(k);
    out->answer_mass /= all;
    out->answer_top /= all;
    out->answer_possible /= all;
    out->effective_sources /= all;
    out->distinct_sources /= B;
}

/* ---- In and out
 * ------------------------------------------------------------------------------------ */

static clh_status check(look *k, size_t layer, size_t head, clh_error *err)
{
    const clh_model_config *c = clh_model_get_config(k->model);
    const clh_sample *s = k->sample;
    if (layer >= c->n_layers || head >= c->n_heads)
        return clh_fail(
            err, CLH_ERANGE,
            "layer %zu, head %zu: the model has %zu layers of %zu heads, counted from 0", layer,
            head, c->n_layers, c->n_heads);
    if (s->count < 2)
        return clh_fail(err, CLH_EINPUT,
                        "%zu sequence, want at least 2 to tell position from token", s->count);
    for (size_t b = 1; b < s->count; b++)
        if (s->length[b] != s->length[0] || s->first_scored[b] != s->first_scored[0])
            return clh_fail(err, CLH_EINPUT,
                            "sequence %zu has %zu tokens and sequence 0 has %zu, want one length: "
                            "choose an n of the mixture",
                            b, s->length[b], s->length[0]);
    if (s->first_scored[0] == 0 || s->first_scored[0] >= s->length[0])
        return clh_fail(err, CLH_EINPUT,
                        "predictions count from token %zu (first_scored), want it in [1, %zu)",
                        s->first_scored[0], s->length[0]);
    k->T = s->length[0];
    *k->out = (clh_attention_report){.layer = layer,
                                     .head = head,
                                     .sequences = s->count,
                                     .first = s->first_scored[0] - 1,
                                     .rows = s->length[0] - s->first_scored[0]};
    return CLH_OK;
}

static size_t most_levels(const clh_cue_levels *levels)
{
    size_t most = 0;
    for (int f = 0; f < CLH_CUES; f++)
        most = levels->count[f] > most ? levels->count[f] : most;
    return most;
}

clh_status clh_attention_look(clh_attention_report *out, const clh_model *model,
                              const clh_sample *sample, size_t layer, size_t head, uint64_t seed,
                              const clh_watch *watch, clh_error *err)
{
    assert(out && model && sample);
    clh_attention_report report = {0};
    look k = {.model = model, .sample = sample, .out = &report, .seed = seed};
    double *room = NULL;
    clh_status status = check(&k, layer, head, err);
    if (!status)
        status = make_room(&k, err);
    const size_t most = status ? 0 : most_levels(&k.levels);
    if (!status) {
        room = clh_alloc_array(most, 4 * sizeof *room, err);
        status = room ? CLH_OK : CLH_ENOMEM;
    }
    for (size_t b = 0; b < sample->count && !status; b++) {
        clh_watch_call(watch, b, sample->count);
        status = add_sequence(&k, b, err);
    }
    if (!status) {
        finish(&k);
        find_cues(&k, &(groups){room, room + most}, &(groups){room + 2 * most, room + 3 * most});
    }
    clh_free(room);
    clh_cache_close(k.cache);
    clh_free(k.gaps);
    clh_free(k.ranks);
    clh_free(k.at);
    clh_free(k.strongest);
    clh_free(k.memory);
    clh_cue_levels_deinit(&k.levels);
    if (status)
        clh_attention_deinit(&report);
    else
        *out = report;
    return status;
}

void clh_attention_deinit(clh_attention_report *report)
{
    clh_free(report->memory);
    *report = (clh_attention_report){0};
}
