/** What questions about every input of a domain show alike. */
#ifndef CLH_CERTIFIED_H
#define CLH_CERTIFIED_H

#include "ask/question.h"
#include "clearhead/certify.h"

/** The setting for a domain of choices of letters. */
#define CLH_DOMAIN_CHOICES "sorted|ordered|tuples|own"
#define CLH_DOMAIN_TEXT                                                                            \
    "which inputs: different letters in the order of the vocabulary, in any order, any letters; "  \
    "own: those of the run's task"

/** What that setting comes to. */
clh_status clh_certified_domain(clh_domain_kind *out, unsigned setting, const clh_task *task,
                                clh_error *err);

/** Into the row begun last, as "input": the letters of an input, "psM1", or its rank where it has none. */
void clh_certified_input(clh_result *out, const clh_certificate *certificate, const clh_task *task,
                         const clh_counterexample *one);

/** The same as a number's text. */
void clh_certified_letters(clh_result *out, const char *name, const clh_certificate *certificate,
                           const clh_task *task, const clh_counterexample *one);

/** The array "proof": the rows of clh_proof_row. It is made when it is asked for, by certifying again;
 *  model and task live as long as the result. */
clh_status clh_certified_proof(clh_result *out, const clh_certificate *certificate,
                               const clh_model *model, const clh_task *task,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err);

#endif
