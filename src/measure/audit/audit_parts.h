/** The parts of an audit: rows of tokens in order, shortcuts, the entropy floor. */
#ifndef CLH_AUDIT_PARTS_H
#define CLH_AUDIT_PARTS_H

#include "clearhead/audit.h"

/** A sequence, or a piece of one; borrowed. */
typedef struct clh_token_span {
    const uint32_t *tokens;
    size_t length;
} clh_token_span;

/** Where `span` stands to those that begin with `first` [k] and have at least `least` >= k tokens:
 *  below 0 before them, 0 one of them, above 0 behind them, in lexicographic order with a beginning
 *  before what goes on. */
int clh_span_compare(clh_token_span span, const uint32_t *first, size_t k, size_t least);

/** Sort in that order. */
void clh_spans_sort(clh_token_span *spans, size_t count);

/** Whether one of the sorted `spans` begins with `first` [k]; `whole`: and ends there. */
bool clh_spans_have(const clh_token_span *spans, size_t count, const uint32_t *first, size_t k,
                    bool whole);

/** Every rule on `test`, learned from `train`: out->rule and out->distance. */
clh_status clh_audit_rules(clh_audit *out, const clh_task *task, const clh_sample *train,
                           const clh_sample *test, const clh_watch *watch, clh_error *err);

/** The floor on `test`: out->floor and out->floor_known. */
clh_status clh_audit_floor(clh_audit *out, const clh_task *task, const clh_sample *test,
                           const clh_watch *watch, clh_error *err);

#endif
