/** One prediction in interval arithmetic: the real-valued function that the weights define, every number
 *  between two others of as many binary digits as are asked for (MPFI: Revol and Rouillier 2005, "Motivations
 *  for an arbitrary precision interval arithmetic and the MPFI library").
 *
 *    clh_encloser *e = NULL;
 *    if (clh_encloser_open(&e, model, &err)) ...         // CLH_ESUPPORT: built without MPFI
 *    clh_enclose_margin(&margin, e, tokens, position, target, 128);
 *    clh_encloser_close(e);
 *
 *  Shares nothing with the tables and rows of a certificate: it goes from the weights through the model's
 *  definition, for models that clh_tables_objection() has nothing against.
 */
#ifndef CLH_PROVE_ENCLOSURE_H
#define CLH_PROVE_ENCLOSURE_H

#include "clearhead/model.h"

typedef struct clh_encloser clh_encloser;

/** The number lies between these, or is one of them. */
typedef struct clh_enclosure {
    double low, high;
} clh_enclosure;

/** The model is borrowed. CLH_ESUPPORT where the library was built without MPFI, CLH_ENOMEM. GMP, which is
 *  under it, ends the process when memory for its own numbers runs out. */
clh_status clh_encloser_open(clh_encloser **out, const clh_model *model, clh_error *err);
void clh_encloser_close(clh_encloser *encloser);

/** Logit of `target` less the largest other, of the query at `position`, which sees tokens
 *  [position + 1]. CLH_ENOMEM. */
clh_status clh_enclose_margin(clh_enclosure *out, clh_encloser *encloser, const uint32_t *tokens,
                              size_t position, uint32_t target, size_t bits, clh_error *err);

/** What can be said of a margin: it is above 0, below 0, or 0 (a tie). */
typedef enum clh_sign { CLH_SIGN_UNKNOWN, CLH_SIGN_ABOVE, CLH_SIGN_BELOW, CLH_SIGN_TIE } clh_sign;

/** The sign of that margin: with more digits where they are wanted, up to 2,048 bits. Two logits that are
 *  equal whatever the tokens, of the same weights and bias, are a tie. */
clh_status clh_enclose_sign(clh_sign *out, clh_encloser *encloser, const uint32_t *tokens,
                            size_t position, uint32_t target, clh_error *err);

#endif
