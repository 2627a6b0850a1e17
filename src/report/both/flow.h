/** Tokens set in lines of a monospace font: a line breaks after a space token or a line feed,
 *  inside a word only when the word is longer than a line.
 *
 *    clh_flow flow = {0};
 *    if (clh_flow_init(&flow, tokens, count, 80, err)) ...
 *    for (size_t l = 0; l < flow.line_count; l++) set(flow.line_first[l], flow.line_first[l + 1]);
 *    clh_flow_deinit(&flow);
 *
 *  The caller owns the struct. Invariant: line_first ascends from 0 and ends with `count`; the
 *  widths on a line add up to at most `columns`.
 */
#ifndef CLH_FLOW_H
#define CLH_FLOW_H

#include "base/base.h"

typedef struct clh_flow {
    size_t line_count;
    size_t *line_first; /**< [line_count + 1] index of each line's first token, then count */
    size_t *width;      /**< [count] characters each token takes */
} clh_flow;

/** Break `count` >= 1 tokens into lines of `columns` >= 1. */
clh_status clh_flow_init(clh_flow *flow, const char *const *tokens, size_t count, size_t columns,
                         clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_flow_deinit(clh_flow *flow);

/** Line that holds token `index` < count. */
size_t clh_flow_line_of(const clh_flow *flow, size_t index);

#endif
