/* The numbers behind the verdicts, one a row: what JSON lists and studies compare. */
#include <math.h>

#include "base/base.h"
#include "clearhead/answers.h"
#include "clearhead/permutations.h"

static double from(const clh_answers *a, clh_swap swap, clh_ratio ratio)
{
    const size_t at = clh_emergence_from(&a->emergence, swap, ratio, 0.99);
    return at < a->emergence.count ? (double)a->emergence.row[at].step : NAN;
}

/* A getter is one expression of `a`; a row is its name, title, decimals and that expression. */
#define NUMBERS(X)                                                                                 \
    X(loss, "loss", 6, a->plain.loss)                                                              \
    X(accuracy, NULL, 6, a->plain.accuracy)                                                        \
    X(whole, NULL, 6, clh_tally_ratio(&a->held_out, CLH_RATIO_SEQUENCES))                          \
    X(whole_low, NULL, 6, a->whole_low)                                                            \
    X(whole_high, NULL, 6, a->whole_high)                                                          \
    X(qk_position_loss, NULL, 6, a->qk_position.loss)                                              \
    X(qk_position_accuracy, "QK of positions: accuracy", 3, a->qk_position.accuracy)               \
    X(qk_token_loss, NULL, 6, a->qk_token.loss)                                                    \
    X(qk_token_accuracy, NULL, 6, a->qk_token.accuracy)                                            \
    X(scores_position, "scores: position", 3, a->attention.scores.position)                        \
    X(pattern_position, "pattern: position", 3, a->attention.pattern.position)                     \
    X(top_agrees, "top is position's", 3, a->attention.top_agrees)                                 \
    X(v_position_accuracy, NULL, 6, a->v_position.accuracy)                                        \
    X(v_token_accuracy, NULL, 6, a->v_token.accuracy)                                              \
    X(copies, NULL, 6, a->copies)                                                                  \
    X(copy_margin, NULL, 6, a->copy_margin)                                                        \
    X(copying_score, NULL, 6, a->copying_score)                                                    \
    X(answer_mass, "answer mass", 3, a->attention.answer_mass)                                     \
    X(answer_top, NULL, 6, a->attention.answer_top)                                                \
    X(answer_possible, NULL, 6, a->attention.answer_possible)                                      \
    X(distinct_sources, "sources a sequence", 1, a->attention.distinct_sources)                    \
    X(prompt_mass, NULL, 6, a->attention.prompt_mass)                                              \
    X(top_prompt, "top in prompt", 3, a->attention.top_prompt)                                     \
    X(gap, "gap", 0, (double)a->attention.gap)                                                     \
    X(gap_share, "its share", 3, a->attention.gap_share)                                           \
    X(cue_token, "cue: token", 3, a->attention.cue[CLH_CUE_TOKEN].effect)                          \
    X(loss_without_token, "loss without it", 6, a->cue[CLH_CUE_TOKEN].loss_without)                \
    X(spaces_from, "spaces from", 0, from(a, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_SPACE)))        \
    X(letters_from, "letters from", 0, from(a, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_LETTER)))     \
    X(period_from, NULL, 0, from(a, CLH_SWAP_NONE, CLH_RATIO_OF(CLH_TOKEN_PERIOD)))                \
    X(qk_from, "QK from", 0, from(a, CLH_SWAP_QK_THEN, CLH_RATIO_OF(CLH_TOKEN_LETTER)))            \
    X(ov_from, "OV from", 0, from(a, CLH_SWAP_OV_THEN, CLH_RATIO_OF(CLH_TOKEN_LETTER)))            \
    X(worst_share, NULL, 6, a->worst_share)

#define GETTER(name, title, decimals, value)                                                       \
    static double get_##name(const clh_answers *a)                                                 \
    {                                                                                              \
        return value;                                                                              \
    }
NUMBERS(GETTER)

#define ROW(name, title, decimals, value) {#name, title, decimals, get_##name},
static const clh_answers_number numbers[] = {NUMBERS(ROW)};

const clh_answers_number *clh_answers_numbers(size_t *count)
{
    *count = CLH_COUNT(numbers);
    return numbers;
}
