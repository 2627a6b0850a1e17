/** What the ways of making a certificate share. */
#ifndef CLH_CERTIFY_PARTS_H
#define CLH_CERTIFY_PARTS_H

#include "clearhead/certify.h"
#include "prove/decision/target.h"

/** An empty certificate: of choices of letters, or NULL, of a task's own inputs; sequences of at most
 *  `length` tokens. */
clh_status clh_certificate_start(clh_certificate *out, const clh_letters_asked *asked,
                                 size_t length, const clh_certify_options *options, clh_error *err);

/** Room for the counterexamples, once it is known how many inputs fail: for `most` at most; *room of them. */
clh_status clh_certificate_room(size_t *room, clh_certificate *out, uint64_t failures, size_t most,
                                clh_error *err);

/** The right token's logit less the best other, in floats; whether it is the prediction: of equal ones as
 *  clh_cache_prediction() takes them. */
double clh_margin_of(const clh_real *logits, size_t outputs, uint32_t target, bool *right);

/** `all` from the classes. */
void clh_certificate_sum(clh_certificate *certificate);

/** As clh_certify(), held against `targets` [length] of choices of letters in place of the task's own
 *  tokens (NULL: those): an input fails where the model writes another token. */
clh_status clh_certify_against(clh_certificate *out, const clh_model *model, const clh_task *task,
                               const clh_target *targets, const clh_certify_options *options,
                               const clh_how *how, clh_error *err);

/** Every input by bounds, for a model and choices of letters that they cover. */
clh_status clh_certify_bounds(clh_certificate *out, const clh_model *model, const clh_task *task,
                              const clh_letters_asked *asked, const clh_target *targets,
                              const clh_certify_options *options, const clh_how *how,
                              clh_error *err);

/** Every input by forward passes. */
clh_status clh_certify_forward(clh_certificate *out, const clh_model *model, const clh_task *task,
                               const clh_letters_asked *asked, const clh_target *targets,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err);

/** What is wrong in each counterexample, and the worst first. */
clh_status clh_certificate_examples(clh_certificate *out, const clh_model *model,
                                    const clh_task *task, const clh_letters_asked *asked,
                                    const clh_target *targets, const clh_how *how, clh_error *err);

#endif
