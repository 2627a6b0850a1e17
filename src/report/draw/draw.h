/** A result drawn by the hints of its schema: it knows no question. docs/formats.md, "Pictures".
 *
 *  What is drawn: the part that `show` names, else the first with a hint and rows; of an array part
 *  without an array of that name the first. How: `draw` of its row of the schema. A table is "rows"
 *  (fields of the same `panel`, one after the other, stand in one), "curve" (over its first whole
 *  key) or "table" (as text); an array is "heat" (its last two axes; a panel for each of the rest),
 *  "strip" (few rows, many columns), "tokens" (its labels, coloured) or "positions" (stems).
 *  The formats terminal, png, svg and pdf are made of this.
 */
#ifndef CLH_DRAW_H
#define CLH_DRAW_H

#include "report/format.h"

/** Refuses, with CLH_EUSAGE, a schema of which nothing is drawn, or a part that is not; names those
 *  that are. */
clh_status clh_draw_check(const clh_schema *schema, const clh_show *show, clh_error *err);

/** The parts that the schema calls headlines, drawn in characters, those that are text anyway left
 *  out: for below their numbers. */
clh_status clh_draw_headlines(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err);

#endif
