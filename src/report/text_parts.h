/** What text for people is made of. */
#ifndef CLH_TEXT_PARTS_H
#define CLH_TEXT_PARTS_H

#include "report/format.h"
#include "report/shown.h"
#include "result/result_parts.h"

/** Append at most `bytes` of `text`, made harmless: no control character (an escape code in a label)
 *  reaches a terminal, and what is not UTF-8 becomes U+FFFD. */
void clh_text_add(clh_strbuf *out, const char *text, size_t bytes);

/** `text`, but a space alone, which a token may be, as a middle dot. NULL stays. */
const char *clh_text_seen(const char *text);

/** Characters, not bytes, of UTF-8; NULL has none. */
size_t clh_text_width(const char *text);

/** `text` and blanks up to `width`: behind it (`left`), or before. */
void clh_text_padded(clh_strbuf *out, const char *text, size_t width, bool left);

/** `text` in lines of at most `width`, the first begun at column `at`, later ones indented; a newline
 *  at the end. */
void clh_text_wrapped(clh_strbuf *out, const char *text, size_t at, size_t indent, size_t width);

/** Columns of the page. */
size_t clh_text_page(const clh_show *show);

/** "0.0010 [0.0009, 0.0011]" into `out`; without `interval` only the value. */
void clh_text_value(char *out, size_t size, const clh_field *field, const clh_cell *cell,
                    bool interval);

/** A table with its titles, in full with what rows and columns are. */
void clh_text_table(const clh_part *part, const clh_show *show, clh_strbuf *out);

/** The first `rows` rows of a table whose texts stand below each other (CLH_LINES). */
void clh_text_lines(const clh_part *part, size_t rows, const clh_show *show, clh_strbuf *out);

#endif
