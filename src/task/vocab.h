/** A vocabulary of one-character symbols, or of numbers and symbols: text to token ids and back.
 *
 *    clh_vocab vocab = clh_vocab_letters();
 *    if (clh_vocab_encode(&vocab, "> ab ba.", tokens, 8, &length, err)) ...
 *    vocab = (clh_vocab){.numbers = 113, .symbols = "+=", .size = 115};
 *    if (clh_vocab_encode(&vocab, "5 + 110 = 2", tokens, 5, &length, err)) ...  // 5 113 110 114 2
 *
 *  The ids below `numbers` are those numbers, then come the symbols; ids from there up to `size` have
 *  neither and are written <id>. Where there are numbers, tokens are words with a space between.
 *  A plain value that owns nothing.
 */
#ifndef CLH_VOCAB_H
#define CLH_VOCAB_H

#include "base/base.h"

typedef struct clh_vocab {
    const char *symbols; /**< terminated; one byte a symbol; borrowed */
    size_t size;         /**< token ids are 0 … size-1 */
    size_t numbers;      /**< how many of them are numbers; at most size */
} clh_vocab;

/** Ids of the notebook's vocabulary: '>', space, '.', then a-z, A-Z, 0-9. */
enum {
    CLH_VOCAB_START = 0,
    CLH_VOCAB_SPACE = 1,
    CLH_VOCAB_PERIOD = 2,
    CLH_VOCAB_LETTER = 3, /**< the first letter, 'a' */
    CLH_VOCAB_LETTERS = 62,
    CLH_VOCAB_SIZE = CLH_VOCAB_LETTER + CLH_VOCAB_LETTERS,
};

/** The notebook's vocabulary of 65. */
clh_vocab clh_vocab_letters(void);

/** Id of a symbol into *token; false when it is none of the vocabulary's. */
bool clh_vocab_find(const clh_vocab *vocab, char symbol, uint32_t *token);

/** As clh_task_encode(). */
clh_status clh_vocab_encode(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                            size_t capacity, size_t *length, clh_error *err);

/** As clh_task_decode(). */
clh_status clh_vocab_decode(const clh_vocab *vocab, const uint32_t *tokens, size_t length,
                            char **text, clh_error *err);

/** As clh_task_symbol(). */
void clh_vocab_symbol(const clh_vocab *vocab, uint32_t token, char out[16]);

/** The character that begins at `text`, for a message: 'é' quoted, or "byte 0x0a" where it is not
 *  printable or not UTF-8; into `out`; returns `out`. */
const char *clh_vocab_quote(const char *text, char out[16]);

#endif
