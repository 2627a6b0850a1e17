/** The sequences a question is asked of: drawn from a task, kept in memory, each with its answer.
 *
 *    clh_sample sample = {0};
 *    if (clh_sample_draw(&sample, task, CLH_SPLIT_TEST, 0, 2000, &err)) ...
 *    clh_tokens tokens = clh_sample_tokens(&sample, k);      // the k-th, [1, length]
 *    clh_sample_deinit(&sample);
 *
 *  The caller owns the struct; everything in it belongs to it. Read-only once made: threads share
 *  it.
 */
#ifndef CLEARHEAD_SAMPLE_H
#define CLEARHEAD_SAMPLE_H

#include "clearhead/api.h"
#include "clearhead/model.h"
#include "clearhead/task.h"

CLH_BEGIN_DECLS

typedef struct clh_sample {
    const clh_task *task; /**< where they come from; borrowed, NULL when given as token ids */
    size_t count;         /**< of sequences, all different unless they were given */
    size_t stride;        /**< room for a sequence in `ids`: the longest length */
    uint32_t *ids;        /**< [count, stride]; what follows a sequence's end is 0 */
    size_t *length, *first_scored; /**< [count]; predictions of first_scored … length-1 count */
    size_t skip;  /**< tokens the task's sequences have in front and these do not; mostly 0 */
    size_t asked; /**< how many were asked for; count is less where draws were the same */
} clh_sample;

/** Draws first … first+count-1 of a split, each sequence once: a split that has fewer gives all it has,
 *  and copies are left out, since an interval from copies would be too narrow. Errors of
 *  clh_task_draw(); CLH_ERANGE for none. */
CLH_API clh_status clh_sample_draw(clh_sample *out, const clh_task *task, clh_split split,
                                   uint64_t first, size_t count, clh_error *err);

/** Sequences given as token ids [batch, pos], scored from `first_scored` on; copied. */
CLH_API clh_status clh_sample_given(clh_sample *out, const clh_tokens *tokens, size_t first_scored,
                                    clh_error *err);

/** Sequence `index` < count as a batch of one; borrowed. */
CLH_API clh_tokens clh_sample_tokens(const clh_sample *sample, size_t index);

/** What kind of token stands at `position` of sequence `index`; CLH_TOKEN_OTHER without a task. */
CLH_API clh_token_kind clh_sample_kind(const clh_sample *sample, size_t index, size_t position);

enum { CLH_SLOTS_MAX = 16 };

/** Kinds of destinations of a sample whose sequences have one length, by what they predict. */
typedef struct clh_slots {
    size_t count;
    char name[CLH_SLOTS_MAX][16]; /**< "slot 1" …, the task's kinds of token ("space", "period"),
                                       "other": those there are */
    size_t rows[CLH_SLOTS_MAX];   /**< how many of a sequence */
} clh_slots;

/** Free what a sample holds. NULL and all zero are fine. */
CLH_API void clh_sample_deinit(clh_sample *sample);

CLH_END_DECLS

#endif
