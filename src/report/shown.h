/** What of a result is shown, under what line, and its numbers: shared by all formats. */
#ifndef CLH_SHOWN_H
#define CLH_SHOWN_H

#include "report/format.h"
#include "result/result_parts.h"

/** Whether the part of that name is asked for: this one, or no part at all. */
bool clh_shows(const clh_show *show, const char *name);

/** Whether an array is: by its own name, or by that of its row in the schema. */
bool clh_shows_item(const clh_show *show, const clh_result_item *item);

/** Whether people are shown a number without asking for all: headlines, and of a part that has none
 *  what is there and no detail. In full every one. */
bool clh_shows_number(const clh_part *part, size_t field, const clh_show *show);

/** The parts that are asked for but arrays, in the order for people: answers, numbers, tables. *at
 *  begins at 0; NULL after the last. */
const clh_part *clh_shown_part(const clh_result *r, const clh_show *show, size_t *at);

/** Append the question as people write it: "program check" of program_check. */
void clh_shown_question(const clh_result *r, clh_strbuf *out);

/** Append what was asked of what: "causal: runs/notebook, step 500, 2000 held-out sequences"; from
 *  the run on when `question` is false. */
void clh_shown_head(const clh_result *r, bool question, clh_strbuf *out);

/* ---- Numbers ---- */

enum { CLH_NUMBER_TEXT = 48 };

/** `value` with so many decimals; where these would hardly be more than zeros and `small` says that
 *  small values matter, as those of a loss do, with a power of ten. What rounds to 0 is 0, not -0;
 *  "-" for no number. Into `out`, which is returned. */
const char *clh_number_text(char out[CLH_NUMBER_TEXT], double value, int decimals, bool small);

/** Append a number for programs: nine significant digits, whole numbers in full; `none` for what is
 *  not finite. */
void clh_number_add(clh_strbuf *out, double value, const char *none);

#endif
