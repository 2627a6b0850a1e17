/** What a vocabulary is made of. Tasks have theirs as a plain value that owns nothing:
 *
 *    clh_vocab vocab = clh_vocab_letters();
 *    if (clh_vocab_encode(&vocab, "> ab ba.", tokens, 8, &length, err)) ...
 *    vocab = (clh_vocab){.numbers = 113, .symbols = "+=", .size = 115};
 *    if (clh_vocab_encode(&vocab, "5 + 110 = 2", tokens, 5, &length, err)) ...  // 5 113 110 114 2
 *
 *  The ids below `numbers` are those numbers, then come the symbols; ids from there up to `size` have
 *  neither and are written <id>. Where there are numbers, tokens are words with a space between.
 */
#ifndef CLH_VOCAB_PARTS_H
#define CLH_VOCAB_PARTS_H

#include "base/base.h"
#include "clearhead/vocab.h"

struct clh_vocab {
    const char *symbols; /**< terminated; one byte a symbol; borrowed */
    size_t size;         /**< token ids are 0 … size-1 */
    size_t numbers;      /**< how many of them are numbers; at most size */

    /* Symbols of any length instead. */
    const char *const *words; /**< [size] NULL where an id has none; NULL: these are no words */
    const uint32_t *sorted;   /**< [known] the ids that have one, by the bytes of it */
    size_t known, longest;    /**< and bytes of the longest */
    bool spaced;              /**< words, with a space between */
    bool rules;               /**< a tokenizer's, which needs rules to cut a text */
};

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

/** `size` ids that stand for nothing but themselves. */
clh_vocab clh_vocab_ids(size_t size);

/** Whether ids stand for nothing but themselves; of NULL true. */
bool clh_vocab_is_ids(const clh_vocab *vocab);

/** Whether a text has a space between its tokens. */
bool clh_vocab_spaced(const clh_vocab *vocab);

/** Id of a symbol of one byte into *token; false when it is none of the vocabulary's. */
bool clh_vocab_find_byte(const clh_vocab *vocab, char symbol, uint32_t *token);

/** Place among `sorted` of the word of these bytes; `known` where there is none. */
size_t clh_vocab_place(const clh_vocab *vocab, const char *word, size_t length);

/** The most bytes that are believed of a file. */
enum { CLH_VOCAB_BYTES_MOST = 1 << 28 };

/** clh_vocab_open() of a file's content; `path` names it in messages, `json` says which kind it is. */
clh_status clh_vocab_read(clh_vocab **out, const char *bytes, size_t size, bool json,
                          const char *path, clh_error *err);

/** Whether a file of this name is read as JSON. */
bool clh_vocab_is_json(const char *path);

/** The character that begins at `text`, for a message: 'é' quoted, or "byte 0x0a" where it is not
 *  printable or not UTF-8; into `out`; returns `out`. */
const char *clh_vocab_quote(const char *text, char out[16]);

#endif
