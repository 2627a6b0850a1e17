/** How far training is and how it ended, in words and for programs.
 *
 *    clh_train_summary summary = {0};
 *    clh_train_summary_take(&summary, progress);                    // at each step
 *    clh_train_summary_text(&text, &summary);                       // "trained 500 steps in 0.41 s ..."
 */
#ifndef CLH_TRAIN_SUMMARY_H
#define CLH_TRAIN_SUMMARY_H

#include "base/strbuf.h"
#include "clearhead/progress.h"

typedef struct clh_train_summary {
    clh_progress last; /**< the newest, its evaluation borrowed from the trainer: do not use */
    double token_accuracy, sequence_accuracy, held_out_loss; /**< of the newest evaluation */
    bool evaluated;                                          /**< there was one */
} clh_train_summary;

/** Note where training is. */
void clh_train_summary_take(clh_train_summary *summary, const clh_progress *progress);

/** Append the line of a step: "step 3/500  loss 4.1000  held-out accuracy 0.0133  ..."; without "held-out" where it
 *  is not to be `wide`. */
void clh_train_summary_line(clh_strbuf *out, const clh_train_summary *summary, bool wide);

/** Append how it ended, a line without its end. */
void clh_train_summary_text(clh_strbuf *out, const clh_train_summary *summary);

/** Append the same as an object, with the run's folder; what is not finite is null, and named in "not_finite". */
void clh_train_summary_json(clh_strbuf *out, const clh_train_summary *summary, const char *folder);

#endif
