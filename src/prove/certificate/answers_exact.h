/** Whether a model works on sets of letters it has never seen, by a certificate of every input: what
 *  `answers` rests on where bounds cover the model.
 */
#ifndef CLH_ANSWERS_EXACT_H
#define CLH_ANSWERS_EXACT_H

#include "base/strbuf.h"
#include "clearhead/model.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

typedef struct clh_answers_exact {
    bool certified,
        listed; /**< a certificate there is; and which of the failing inputs are held out */
    double inputs, failures;            /**< of the task's domain; NaN without a certificate */
    double held_out, held_out_failures; /**< of those that training never draws; NaN: not listed */
    const char *why, *why_not_listed;   /**< there is none; constants of the program */
} clh_answers_exact;

/** `out->certified` is false where bounds do not cover the model, or the domain is too large to be done
 *  on the way. */
clh_status clh_answers_exact_find(clh_answers_exact *out, const clh_model *model,
                                  const clh_task *task, const clh_how *how, clh_error *err);

/** The answer to "does it work on sets never seen?", and the numbers that decided it. */
const char *clh_answers_exact_verdict(const clh_answers_exact *exact);
void clh_answers_exact_say(clh_strbuf *text, const clh_answers_exact *exact);

#endif
