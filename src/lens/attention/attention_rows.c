/* One row of the pattern after the other, of the sequences in hand. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "lens/attention/attention_parts.h"
#include "model/memory/tensors.h"

static const clh_cue_feature feature_of[CLH_BYS] = {CLH_CUE_TOKEN, CLH_CUE_RANK};

size_t clh_look_levels(const clh_look *k, int by)
{
    return k->levels.count[feature_of[by]];
}

static uint32_t *levels_of(const clh_look *k, const clh_look_sequence *s, int by, int version)
{
    return s->at + ((size_t)by * CLH_LOOK_VERSIONS + (size_t)version) * k->T;
}

/* ---- A sequence --------------------------------------------------------------------------------
 */

static bool same_everywhere(const clh_look *k, const clh_look_sequence *s, size_t a, size_t b)
{
    for (size_t at = 0; at < (size_t)CLH_BYS * CLH_LOOK_VERSIONS * k->T; at += k->T)
        if (s->at[at + a] != s->at[at + b])
            return false;
    return true;
}

static void find_classes(const clh_look *k, clh_look_sequence *s)
{
    s->classes = 0;
    for (size_t j = 0; j < k->T; j++) {
        uint32_t c = 0;
        while (c < s->classes && !same_everywhere(k, s, s->one[c], j))
            c++;
        if (c == s->classes)
            s->one[s->classes++] = (uint32_t)j;
        s->class_of[j] = c;
    }
}

void clh_look_read(clh_look *k, clh_look_sequence *s)
{
    assert(k && s);
    uint32_t *room = s->class_of; /* d_vocab of it; filled below */
    for (int v = 0; v < CLH_LOOK_VERSIONS; v++) {
        /* any sequence but itself */
        const size_t b = s->index;
        const uint64_t step =
            clh_random_word(k->seed, CLH_STREAM_CUE, b * CLH_LOOK_VERSIONS + (size_t)v);
        const size_t other =
            v == 0 ? b : (b + 1 + step % (k->sample->count - 1)) % k->sample->count;
        const clh_tokens tokens = clh_sample_tokens(k->sample, other);
        for (int by = 0; by < CLH_BYS; by++) {
            uint32_t *at = levels_of(k, s, by, v);
            clh_cue_levels_of(&k->levels, feature_of[by], &tokens, room, at);
            for (size_t j = 0; j < k->T; j++)
                k->number[by][v][j * clh_look_levels(k, by) + at[j]]++;
        }
    }
    find_classes(k, s);
}

/* ---- A row of it -------------------------------------------------------------------------------
 */

/* x = row less its mean, over the sources a destination may see; adds it to the sums of `kind`. */
static void add_values(const clh_look *k, int kind, size_t r, const clh_real *row, double *x)
{
    const size_t sources = k->out->first + r + 1;
    double mean = 0, total = 0, *sum = k->mean[kind] + r * k->T;
    for (size_t j = 0; j < sources; j++)
        mean += (double)row[j];
    mean /= (double)sources;
    for (size_t j = 0; j < sources; j++) {
        x[j] = (double)row[j] - mean;
        sum[j] += x[j];
        total += x[j] * x[j];
    }
    k->total[kind][r] += total;
}

/* x added up by level, class by class. */
static void add_levels(const clh_look *k, const clh_look_sequence *s, size_t r, const double *x,
                       double *sum)
{
    const size_t sources = k->out->first + r + 1;
    memset(sum, 0, s->classes * sizeof *sum);
    for (size_t j = 0; j < sources; j++)
        sum[s->class_of[j]] += x[j];
    for (int by = 0; by < CLH_BYS; by++)
        for (int v = 0; v < CLH_LOOK_VERSIONS; v++) {
            const uint32_t *at = levels_of(k, s, by, v);
            double *level = k->level[by][v] + r * clh_look_levels(k, by);
            for (size_t c = 0; c < s->classes; c++)
                level[at[s->one[c]]] += sum[c];
        }
}

/* What one row of the pattern says of sources. */
static void add_sources(const clh_look *k, size_t b, size_t r, const clh_tokens *tokens,
                        const clh_real *row)
{
    clh_look_row *sums = &k->row[r];
    const size_t first = k->out->first, i = first + r;
    const uint32_t answer = tokens->ids[i + 1];
    double entropy = 0, mass = 0, prompt = 0;
    size_t top = 0, holders = 0, earliest = 0, latest = 0;
    for (size_t j = 0; j <= i; j++) {
        const double p = (double)row[j];
        const bool holds = tokens->ids[j] == answer;
        entropy -= p > 0 ? p * log(p) : 0;
        mass += holds ? p : 0;
        prompt += j <= first ? p : 0;
        if (holds) {
            earliest = holders++ ? earliest : j;
            latest = j;
        }
        top = row[j] > row[top] ? j : top;
    }
    k->strongest[b * k->out->rows + r] = (uint32_t)top;
    const bool found = tokens->ids[top] == answer;
    k->answer[b * k->out->rows + r] =
        (unsigned char)((holders > 0 ? CLH_LOOK_HELD : 0) | (found ? CLH_LOOK_FOUND : 0) |
                        (found && top == earliest ? CLH_LOOK_EARLIEST : 0) |
                        (found && top == latest ? CLH_LOOK_LATEST : 0));
    sums->effective += exp(entropy);
    sums->mass += mass;
    sums->prompt += prompt;
    sums->prompt_tops += top <= first;
    sums->possible += holders > 0;
    if (found) {
        sums->tops++;
        sums->earliest += top == earliest;
        sums->latest += top == latest;
    }
}

void clh_look_add_row(void *context, size_t r, size_t worker)
{
    const clh_look *k = context;
    double *x = k->work + worker * k->work_each;
    for (size_t n = 0; n < k->batch; n++) {
        const clh_look_sequence *s = &k->sequence[n];
        const clh_tokens tokens = clh_sample_tokens(k->sample, s->index);
        const clh_tensor scores = clh_cache_act(s->cache, CLH_A_ATTN_SCORES, k->out->layer);
        const clh_tensor pattern = clh_cache_act(s->cache, CLH_A_PATTERN, k->out->layer);
        const size_t at = clh_tensor_at(&scores, 0, k->out->head, k->out->first + r, 0);
        add_values(k, CLH_LOOK_PATTERN, r, pattern.data + at, x);
        add_values(k, CLH_LOOK_SCORES, r, scores.data + at, x);
        add_levels(k, s, r, x, x + k->T);
        add_sources(k, s->index, r, &tokens, pattern.data + at);
    }
}
