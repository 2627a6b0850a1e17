/** What an analysis takes for granted of a model, and the words for what is missing where it does not
 *  hold.
 *
 *    clh_status status = clh_assume(config, CLH_ASSUME_CAUSAL, "heads", err);
 *
 *  CLH_OK, or CLH_ESUPPORT: "heads needs …, this model's attention_dir is bidirectional".
 */
#ifndef CLH_ASSUME_H
#define CLH_ASSUME_H

#include "clearhead/config.h"
#include "clearhead/error.h"

typedef enum clh_assumption {
    CLH_ASSUME_CAUSAL,    /**< a query sees no key behind it */
    CLH_ASSUME_POSITIONS, /**< W_pos is a term of the residual stream */
    CLH_ASSUME_QK,        /**< a score is a product of query and key whatever their distance */
    CLH_ASSUMPTIONS
} clh_assumption;

clh_status clh_assume(const clh_model_config *config, clh_assumption what, const char *who,
                      clh_error *err);

#endif
