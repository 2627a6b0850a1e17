/** Levels of the features that a cue is looked for among. */
#ifndef CLH_CUE_H
#define CLH_CUE_H

#include "clearhead/attention.h"

/** A token id as each feature sees it, for tokens 0 … d_vocab-1. */
typedef struct clh_cue_levels {
    size_t d_vocab;
    size_t count[CLH_CUES]; /**< levels of each feature; of RANK as many as a sequence can have */
    uint32_t *level[CLH_CUES]; /**< [d_vocab]; RANK has none: it depends on the sequence */
    bool *letter;              /**< [d_vocab] whether it has an order: letters and digits */
} clh_cue_levels;

/** Levels for the tokens of `task` (NULL: every token is a letter, in the order of ids). */
clh_status clh_cue_levels_init(clh_cue_levels *out, const clh_task *task, size_t d_vocab,
                               clh_error *err);

/** Level of every position of a sequence: out [length]. `room` [d_vocab] is for its use. */
void clh_cue_levels_of(const clh_cue_levels *levels, clh_cue_feature feature,
                       const clh_tokens *tokens, uint32_t *room, uint32_t *out);

/** Free. All zero is fine. */
void clh_cue_levels_deinit(clh_cue_levels *levels);

#endif
