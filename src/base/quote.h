/** Values from outside as a message quotes them: short, whole characters, an ellipsis where something
 *  was left out.
 *
 *    return clh_fail(err, CLH_EINPUT, "row %zu is %s, want a number", i, clh_quoted_json(value).text);
 *
 *  Each returns a struct that lives to the end of the statement it is called in.
 */
#ifndef CLH_QUOTE_H
#define CLH_QUOTE_H

#include "base/base.h"

struct json_t;
struct clh_strbuf;

typedef struct clh_quote {
    char text[96];
} clh_quote;

/** `text`; of a long one the beginning, then "...". */
clh_quote clh_quoted_text(const char *text);

/** The same of `length` bytes, which need no end. */
clh_quote clh_quoted_bytes(const char *bytes, size_t length);

/** The same of a name whose end says as much as its beginning: dots are in the middle. */
clh_quote clh_quoted_name(const char *name);

/** A value of JSON as it stands in the file, without spaces; "missing" of NULL. */
clh_quote clh_quoted_json(const struct json_t *value);

/** Append `text` as a word that can be pasted into a shell, whatever it holds. */
void clh_shell_word(struct clh_strbuf *out, const char *text);

/** Most bytes of `text` [length], `most` or less, after which a character of UTF-8 ends. Of what is
 *  not UTF-8, `most` or up to 3 less. */
size_t clh_text_fit(const char *text, size_t length, size_t most);

#endif
