/* Sequences that agree with one. */
#include <assert.h>

#include "base/base.h"
#include "base/random.h"
#include "lens/attention/cue.h"
#include "lens/paths/scrub_parts.h"

enum { TRIES = 64 };

static const clh_cue_feature feature_of[CLH_AGREES] = {
    [CLH_AGREE_TOKEN] = CLH_CUE_TOKEN,
    [CLH_AGREE_ALPHABET] = CLH_CUE_ALPHABET,
    [CLH_AGREE_CLASS] = CLH_CUE_CLASS,
    [CLH_AGREE_RANK] = CLH_CUE_RANK,
};

clh_status clh_scrub_levels_make(clh_scrub_levels *out, const clh_sample *sample, size_t d_vocab,
                                 uint64_t seed, clh_error *err)
{
    assert(out && sample);
    clh_cue_levels cues = {0};
    *out = (clh_scrub_levels){.sample = sample, .seed = seed};
    uint32_t *room = clh_alloc_array(d_vocab, sizeof *room, err);
    clh_status status = room ? clh_cue_levels_init(&cues, sample->task, d_vocab, err) : CLH_ENOMEM;
    for (int a = CLH_AGREE_TOKEN; a < CLH_AGREES && !status; a++) {
        out->level[a] = clh_alloc_zeroed(sample->count, sample->stride * sizeof *room, err);
        if (!out->level[a])
            status = CLH_ENOMEM;
        for (size_t i = 0; i < sample->count && !status; i++) {
            const clh_tokens tokens = clh_sample_tokens(sample, i);
            clh_cue_levels_of(&cues, feature_of[a], &tokens, room,
                              out->level[a] + i * sample->stride);
        }
    }
    clh_cue_levels_deinit(&cues);
    clh_free(room);
    if (status)
        clh_scrub_levels_deinit(out);
    return status;
}

void clh_scrub_levels_deinit(clh_scrub_levels *levels)
{
    for (int a = 0; a < CLH_AGREES; a++)
        clh_free(levels->level[a]);
    *levels = (clh_scrub_levels){0};
}

static bool agree(const clh_scrub_levels *l, const clh_scrub_rule *rule, size_t a, size_t b,
                  size_t row)
{
    const clh_sample *s = l->sample;
    if (s->length[a] != s->length[b])
        return false;
    if (rule->agree == CLH_AGREE_NOTHING)
        return true;
    const uint32_t *x = l->level[rule->agree] + a * s->stride;
    const uint32_t *y = l->level[rule->agree] + b * s->stride;
    if (clh_scrub_by_rows(rule))
        return x[row] == y[row];
    for (size_t i = 0; i < rule->position_count; i++) {
        const long at = rule->positions[i];
        const size_t p = at < 0 ? (size_t)((long)s->length[a] + at) : (size_t)at;
        if (x[p] != y[p])
            return false;
    }
    return true;
}

static size_t below(const clh_scrub_levels *l, clh_scrub_dice *dice, size_t end)
{
    assert(end > 0 && end <= UINT32_MAX);
    const uint64_t word =
        clh_random_word(l->seed, CLH_STREAM_SCRUB, dice->chain << 32 | dice->drawn++);
    return (size_t)(((word >> 32) * end) >> 32);
}

/* Throw until one agrees, and count where that takes long: uniform either way. */
size_t clh_scrub_draw(const clh_scrub_levels *levels, const clh_scrub_rule *rule, size_t index,
                      size_t row, clh_scrub_dice *dice)
{
    const size_t count = levels->sample->count;
    size_t agreeing = 0, i = 0;
    assert(index < count);
    if (rule->agree == CLH_AGREE_ALL)
        return index;
    for (size_t t = 0; t < TRIES; t++) {
        i = below(levels, dice, count);
        if (agree(levels, rule, index, i, row))
            return i;
    }
    for (i = 0; i < count; i++)
        agreeing += agree(levels, rule, index, i, row);
    size_t left = below(levels, dice, agreeing); /* itself is one */
    for (i = 0; !agree(levels, rule, index, i, row) || left-- > 0; i++)
        ;
    return i;
}
