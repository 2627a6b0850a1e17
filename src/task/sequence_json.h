/** A task's sequence as text for programs.
 *
 *    clh_sequence_json(&text, task, NULL, rank, &sequence, err);   // {"index": 0, "rank": 0, ...}
 */
#ifndef CLH_SEQUENCE_JSON_H
#define CLH_SEQUENCE_JSON_H

#include "base/strbuf.h"
#include "clearhead/task.h"

/** Append "[0, 3, 4]": its token ids. */
void clh_sequence_ids(clh_strbuf *out, const clh_sequence *sequence);

/** Append {"index", "rank", "split", "first_scored", "text", "tokens"}: rank null where there are too many to be
 *  counted. `split` says whose stream `index` counts; NULL: it is the rank. Errors of clh_task_rank(),
 *  clh_task_split_of() and clh_task_decode(). */
clh_status clh_sequence_json(clh_strbuf *out, const clh_task *task, const clh_split *split,
                             uint64_t index, const clh_sequence *sequence, clh_error *err);

#endif
