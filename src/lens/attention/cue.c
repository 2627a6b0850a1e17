#include "lens/attention/cue.h"

#include <assert.h>
#include <string.h>

#include "base/base.h"

enum { EIGHTHS = 8, LOWER = 0, UPPER, DIGIT, OTHER, CLASSES, RANKS = 65 };

static const char *const names[CLH_CUES] = {"token", "alphabet", "class", "rank", "slot"};

const char *clh_cue_name(clh_cue_feature feature)
{
    return feature < CLH_CUES ? names[feature] : NULL;
}

static uint32_t class_of(const char *symbol)
{
    if (symbol[0] == '\0' || symbol[1] != '\0')
        return OTHER;
    const char c = symbol[0];
    return c >= 'a' && c <= 'z'   ? LOWER
           : c >= 'A' && c <= 'Z' ? UPPER
           : c >= '0' && c <= '9' ? DIGIT
                                  : OTHER;
}

static void fill(clh_cue_levels *l, const clh_task *task)
{
    size_t letters = 0, before = 0;
    for (uint32_t t = 0; t < l->d_vocab; t++) {
        char symbol[16] = "";
        if (task)
            clh_task_symbol(task, t, symbol);
        l->level[CLH_CUE_TOKEN][t] = t;
        l->level[CLH_CUE_CLASS][t] = class_of(symbol);
        l->letter[t] = !task || class_of(symbol) != OTHER;
        letters += l->letter[t];
    }
    for (size_t t = 0; t < l->d_vocab; t++) { /* what is no letter has a level of its own */
        l->level[CLH_CUE_ALPHABET][t] =
            l->letter[t] ? (uint32_t)(before * EIGHTHS / letters) : EIGHTHS;
        before += l->letter[t];
    }
}

clh_status clh_cue_levels_init(clh_cue_levels *out, const clh_task *task, size_t d_vocab,
                               clh_error *err)
{
    assert(out && d_vocab > 0);
    clh_cue_levels l = {
        .d_vocab = d_vocab,
        .count = {[CLH_CUE_TOKEN] = d_vocab, EIGHTHS + 1, CLASSES, RANKS},
    };
    bool made = true;
    for (int f = 0; f < CLH_CUE_RANK; f++) {
        l.level[f] = clh_alloc_zeroed(d_vocab, sizeof *l.level[f], err);
        made = made && l.level[f];
    }
    l.letter = clh_alloc_zeroed(d_vocab, sizeof *l.letter, err);
    if (!made || !l.letter) {
        clh_cue_levels_deinit(&l);
        return CLH_ENOMEM;
    }
    fill(&l, task);
    *out = l;
    return CLH_OK;
}

/* Rank of each letter among the different letters of a sequence. */
static void ranks_of(const clh_cue_levels *levels, const clh_tokens *tokens, uint32_t *rank,
                     uint32_t *out)
{
    uint32_t before = 0;
    memset(rank, 0, levels->d_vocab * sizeof *rank);
    for (size_t i = 0; i < tokens->pos; i++)
        rank[tokens->ids[i]] = 1;
    for (size_t t = 0; t < levels->d_vocab; t++) {
        const bool counts = rank[t] && levels->letter[t];
        rank[t] = levels->letter[t] ? before : RANKS - 1;
        before += counts && before < RANKS - 2;
    }
    for (size_t i = 0; i < tokens->pos; i++)
        out[i] = rank[tokens->ids[i]];
}

void clh_cue_levels_of(const clh_cue_levels *levels, clh_cue_feature feature,
                       const clh_tokens *tokens, uint32_t *room, uint32_t *out)
{
    assert(feature != CLH_CUE_SLOT);
    if (feature == CLH_CUE_RANK)
        ranks_of(levels, tokens, room, out);
    else
        for (size_t i = 0; i < tokens->pos; i++)
            out[i] = levels->level[feature][tokens->ids[i]];
}

void clh_cue_levels_deinit(clh_cue_levels *levels)
{
    clh_free(levels->letter);
    for (int f = 0; f < CLH_CUE_RANK; f++)
        clh_free(levels->level[f]);
    *levels = (clh_cue_levels){0};
}
