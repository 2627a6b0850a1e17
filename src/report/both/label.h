/** Text as it is shown: clean UTF-8, visible spaces, and labels thinned until none touch.
 *
 *    char shown[CLH_LABEL_BYTES];
 *    clh_token_show(shown, " ");                               // a middle dot
 *    size_t every = clh_label_stride(122, 7.0, 12.0);          // 2: label positions 0, 2, 4 …
 *
 *  Nothing is allocated or kept.
 */
#ifndef CLH_LABEL_H
#define CLH_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/utf8.h"

/** Room for any text shown by a figure. */
enum { CLH_LABEL_BYTES = 512 };

/** Width of a character over the font's size in every common monospace font. */
#define CLH_MONO_PITCH 0.602

/** Bytes of the UTF-8 character at `text` (not at its end); *valid false, and 1, when there is none. */
size_t clh_utf8_next(const char *text, bool *valid);

/** Copy `text` as valid UTF-8 without control characters: a bad byte becomes U+FFFD, a control
 *  character a space. Stops at a whole character when `out` is full. Returns the characters. */
size_t clh_text_clean(char *out, size_t size, const char *text);

/** As clh_text_clean(), at most `columns` >= 1 characters, the last of a longer text an ellipsis. */
void clh_text_cut(char out[CLH_LABEL_BYTES], const char *text, size_t columns);

/** The visible form of a token: as clh_text_clean(), but a space that is not between other characters
 *  is a middle dot, a line feed and a tab their arrows, an empty token the empty-set sign. Returns
 *  the characters. */
size_t clh_token_show(char out[CLH_LABEL_BYTES], const char *token);

/** Characters of the widest label's visible form among `count`; NULL labels are the numbers. */
size_t clh_label_columns_max(const char *const *labels, size_t count);

/** Label number `index` as shown, cut to `columns` characters with an ellipsis. NULL labels are
 *  the numbers. */
void clh_label_show(char out[CLH_LABEL_BYTES], const char *const *labels, size_t index,
                    size_t columns);

/** How many places apart labels must be not to touch: the least of 1, 2, 5, 10, 20, 50 … whose
 *  distance on the page (times `pitch` > 0) is at least `extent`; `count` when none below is. */
size_t clh_label_stride(size_t count, double pitch, double extent);

#endif
