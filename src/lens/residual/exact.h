/** What a model's parameters say in double precision, by the plain formulas one loop after the
 *  other: what a forward pass would give if it did not round. Slow, for proofs.
 *
 *    double *log_p = clh_alloc_array(pos * d_vocab_out, sizeof *log_p, err);
 *    if (clh_exact_log_probs(log_p, model, ids, pos, err)) ...
 *
 *  Memory is the caller's. docs/mathematics.md has the formulas.
 */
#ifndef CLH_EXACT_H
#define CLH_EXACT_H

#include "clearhead/model.h"

/** log p of every token after each of `ids` [pos] into out [pos, d_vocab_out]. CLH_ENOMEM;
 *  CLH_ENUMERIC naming the position when a result is not finite. */
clh_status clh_exact_log_probs(double *out, const clh_model *model, const uint32_t *ids, size_t pos,
                               clh_error *err);

#endif
