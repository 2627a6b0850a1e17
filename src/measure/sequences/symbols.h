/** What tokens are called: labels of an axis.
 *
 *    clh_symbols symbols = {0};
 *    if (clh_symbols_make(&symbols, vocab, NULL, d_vocab, &err)) ...      // of every id
 *    puts(symbols.name[3]);                                               // "a"
 *    clh_symbols_deinit(&symbols);
 *
 *  The caller owns the struct.
 */
#ifndef CLH_SYMBOLS_H
#define CLH_SYMBOLS_H

#include "clearhead/vocab.h"

typedef struct clh_symbols {
    const char **name; /**< [count] */
    char (*text)[CLH_SYMBOL_MAX];
} clh_symbols;

/** The symbol of each of `count` token ids, or with `ids` NULL of the ids 0 … count-1, as
 *  clh_vocab_symbol() has it. CLH_ENOMEM. */
clh_status clh_symbols_make(clh_symbols *out, const clh_vocab *vocab, const uint32_t *ids,
                            size_t count, clh_error *err);

/** Free what it holds. All zero is fine. */
void clh_symbols_deinit(clh_symbols *symbols);

#endif
