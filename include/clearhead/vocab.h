/** A vocabulary: what token ids stand for. A task has one, a run may be given one for token ids that came
 *  without.
 *
 *    const clh_vocab *vocab = clh_task_vocab(task);
 *    char symbol[CLH_SYMBOL_MAX];
 *    uint32_t id;
 *    puts(clh_vocab_symbol(vocab, 3, symbol));                // "a"
 *    if (!clh_vocab_find(vocab, "a", &id)) ...                // 3
 *
 *  It is symbols of one character, as the notebook's 65; numbers and symbols, written as words; or any
 *  symbols, read from a file. Of ids that stand for nothing the number itself is the symbol: such a
 *  vocabulary is NULL wherever one is taken. Read-only once made: threads share it.
 */
#ifndef CLEARHEAD_VOCAB_H
#define CLEARHEAD_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"
#include "clearhead/error.h"

CLH_BEGIN_DECLS

typedef struct clh_vocab clh_vocab;

/** Bytes of a symbol as it is shown, with the end. */
enum { CLH_SYMBOL_MAX = 64 };

/** Read a vocabulary. A file that ends in .json is a list of symbols, an object of symbols with their ids
 *  (vocab.json of a tokenizer), or a whole tokenizer (tokenizer.json, as TransformerLens' models have
 *  it). Any other has a symbol a line, the first of id 0; \n, \t and \r alone on a line are those
 *  characters. CLH_EIO; CLH_EFORMAT names the line or the symbol, found and wanted. */
CLH_API clh_status clh_vocab_open(clh_vocab **out, const char *path, clh_error *err);

/** Free what clh_vocab_open() made. NULL is fine. */
CLH_API void clh_vocab_close(clh_vocab *vocab);

/** One more than the largest id it knows; 0 of NULL. */
CLH_API size_t clh_vocab_size(const clh_vocab *vocab);

/** The symbol of an id, as it is shown, into `out`; returns `out`. Control characters, and bytes that are
 *  no UTF-8, are escaped (\n, \x1b), a long symbol ends in dots; an id without one is <17>, of a
 *  vocabulary of ids 17. */
CLH_API const char *clh_vocab_symbol(const clh_vocab *vocab, uint32_t token,
                                     char out[CLH_SYMBOL_MAX]);

/** Id of a symbol, as it is or as it is shown, into *token; false when there is none. */
CLH_API bool clh_vocab_find(const clh_vocab *vocab, const char *symbol, uint32_t *token);

/** Tokens of a text: symbols one after another, the longest that fits; where they are words, with spaces
 *  between. CLH_EINPUT names what is unknown and its place, CLH_ESHAPE when longer than `capacity`,
 *  CLH_ESUPPORT for the vocabulary of a tokenizer, which cuts texts by rules of its own. */
CLH_API clh_status clh_vocab_encode(const clh_vocab *vocab, const char *text, uint32_t *tokens,
                                    size_t capacity, size_t *length, clh_error *err);

/** Text of tokens as they are shown, owned by the caller (clh_free()), into *text; CLH_EINPUT names an id
 *  that a vocabulary with a size has not. */
CLH_API clh_status clh_vocab_decode(const clh_vocab *vocab, const uint32_t *tokens, size_t length,
                                    char **text, clh_error *err);

CLH_END_DECLS

#endif
