/** A JSONL file of sequences: each line a JSON text, whose symbols are tokens of the vocabulary of
 *  65, or an array of token ids.
 *
 *    "> ab ba."
 *    [0, 1, 3, 4, 1, 4, 3, 2]
 *
 *    clh_lines lines = {0};
 *    if (clh_lines_read(&lines, &content, "data.jsonl", 1, err)) ...
 *    size_t length = lines.start[i + 1] - lines.start[i];     // tokens + start[i] is line i
 *    clh_lines_deinit(&lines);
 *
 *  The caller owns the struct; all zero is an empty one.
 */
#ifndef CLH_LINES_READ_H
#define CLH_LINES_READ_H

#include "clearhead/vocab.h"
#include "file/content.h"

/** The most that is believed of a file: ids below, and tokens a line, and bytes in all. */
enum { CLH_LINES_ID_END = 1000000, CLH_LINES_LENGTH_MAX = 1000000, CLH_LINES_BYTES_MAX = 1 << 30 };

/** Characters of its path, with the end. */
enum { CLH_LINES_PATH_MAX = 1024 };

typedef struct clh_lines {
    uint32_t *tokens; /**< all lines, one after another */
    size_t *start;    /**< [count + 1]: where each begins, and the end of the last */
    size_t count;
    size_t length_max; /**< tokens of the longest line */
    size_t
        d_vocab; /**< that of the vocabulary if any line is text, and at least the largest id + 1 */
    bool text;   /**< some line is: ids stand for its symbols; else for nothing */
    size_t capacity; /**< of tokens */
} clh_lines;

/** Read the content of the file `path` into an empty `lines`; texts by `vocab`, NULL: the notebook's. Every line must have more than
 *  `first_scored` tokens, so that a prediction is scored. CLH_EFORMAT names file, line, found and
 *  wanted; `lines` is then still empty. */
clh_status clh_lines_read(clh_lines *lines, const clh_content *content, const char *path,
                          size_t first_scored, const clh_vocab *vocab, clh_error *err);

/** Free what it holds. */
void clh_lines_deinit(clh_lines *lines);

#endif
