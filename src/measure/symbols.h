/** What tokens are called: labels of an axis.
 *
 *    clh_symbols symbols = {0};
 *    if (clh_symbols_make(&symbols, task, NULL, d_vocab, &err)) ...       // of every id
 *    puts(symbols.name[3]);                                               // "a"
 *    clh_symbols_deinit(&symbols);
 *
 *  The caller owns the struct.
 */
#ifndef CLH_SYMBOLS_H
#define CLH_SYMBOLS_H

#include "clearhead/task.h"

typedef struct clh_symbols {
    const char **name; /**< [count] */
    char (*text)[16];
} clh_symbols;

/** The symbol of each of `count` token ids, or with `ids` NULL of the ids 0 … count-1: the task's,
 *  "<17>" for an id that it has not, or without a task. CLH_ENOMEM. */
clh_status clh_symbols_make(clh_symbols *out, const clh_task *task, const uint32_t *ids,
                            size_t count, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_symbols_deinit(clh_symbols *symbols);

#endif
