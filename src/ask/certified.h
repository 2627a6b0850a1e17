/** What questions about every input of a domain show alike. */
#ifndef CLH_CERTIFIED_H
#define CLH_CERTIFIED_H

#include "ask/question.h"
#include "clearhead/certify.h"

/** Into the row begun last, as "input": the letters of an input, "psM1", or its rank where it has none. */
void clh_certified_input(clh_result *out, const clh_certificate *certificate, const clh_task *task,
                         const clh_counterexample *one);

/** The array "proof": the rows of clh_proof_row. It is made when it is asked for, by certifying again;
 *  model and task live as long as the result. */
clh_status clh_certified_proof(clh_result *out, const clh_certificate *certificate,
                               const clh_model *model, const clh_task *task,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err);

#endif
