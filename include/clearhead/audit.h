/** A task before anything is trained: what there is to learn, and what can be had without learning it.
 *
 *    clh_audit audit = {0};
 *    if (clh_audit_run(&audit, task, 5000, NULL, &err)) ...
 *    printf("%g nats at best\n", audit.floor.total.loss / (double)audit.floor.total.count);
 *    for (size_t r = 0; r < CLH_AUDIT_RULES; r++)
 *        printf("%s: %zu of %zu\n", clh_audit_rule_name(r), audit.rule[r].total.correct,
 *               audit.rule[r].total.count);
 *    clh_audit_deinit(&audit);
 *
 *  Shortcuts are rules without a model. What they know they have from training sequences; what they are
 *  worth is counted on held-out ones. A model that is no better than the best of them has learned no
 *  more. Everything is counted by one thread, in order.
 */
#ifndef CLEARHEAD_AUDIT_H
#define CLEARHEAD_AUDIT_H

#include "clearhead/api.h"
#include "clearhead/measure.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** How many shortcuts there are. */
enum { CLH_AUDIT_RULES = 6 };

/** Longest distance that the rule "fixed distance" looks back, in tokens. */
enum { CLH_AUDIT_DISTANCE_MOST = 256 };

typedef struct clh_audit {
    clh_split side;      /**< looked at: the test split, or training where nothing is held out */
    size_t sequences[2]; /**< looked at, of CLH_SPLIT_TRAIN and CLH_SPLIT_TEST */
    bool whole[2];       /**< those are all the split has, each once */
    size_t tokens_out;   /**< ids that can be predicted: a guess is right once in so many */

    /** Entropy floor: the loss on `side`, nats, of who knows the task exactly: of each scored token, -log of the
     *  share it has among the elements of the domain that begin as the sequence does. All elements
     *  count the same, in a mixture all of one length together as much as those of another.
     *  `floor_known` is false, and all is 0, where the domain is not counted. */
    clh_measure floor;
    bool floor_known;

    /** What each shortcut predicts on `side`; losses are 0, as it says one token and no shares. */
    clh_measure rule[CLH_AUDIT_RULES];
    size_t distance; /**< tokens the rule "fixed distance" looks back */

    /* Of the sequences looked at on `side`, those that ... */
    size_t same_sequence; /**< are one of training's looked at */
    size_t same_prompt;   /**< begin, up to the first scored token, as one of those does */
    size_t same_answer;   /**< have the scored tokens of one of those */
    size_t
        wrong_side; /**< have a rank that belongs to training; 0 where the domain is not counted */
} clh_audit;

/** "copy last", "most frequent", "by position", "after token", "fixed distance", "as before"; what it
 *  predicts, in a line; NULL past the last. */
CLH_API const char *clh_audit_rule_name(size_t rule);
CLH_API const char *clh_audit_rule_text(size_t rule);

/** Look at `count` sequences of each split, all of a split that has no more. CLH_ERANGE for a count of
 *  0; CLH_EINPUT when the task has no sequence to train on; CLH_STOPPED. The caller owns what is filled in. */
CLH_API clh_status clh_audit_run(clh_audit *out, const clh_task *task, size_t count,
                                 const clh_how *how, clh_error *err);

/** Free what an audit holds. NULL and all zero are fine. */
CLH_API void clh_audit_deinit(clh_audit *audit);

CLH_END_DECLS

#endif
