/** Numbers that are not finite, said in words: an infinity is what came out too large, NaN is no number.
 *
 *    clh_finite_note(r);                                     // "Not finite: heads.norm in 2 of 4 rows, ..."
 *    if (clh_finite_view(&view, r, item, err)) ...           // an array for a file
 */
#ifndef CLH_FINITE_H
#define CLH_FINITE_H

#include "result/result_parts.h"

/** Add a note for each number and column in which there is an infinity; the second time nothing. */
void clh_finite_note(clh_result *r);

/** The array of an item, computed, as it is written: in F64 where it holds what F32 cannot. CLH_ENUMERIC
 *  names the first number that is not finite, where the schema knows of no gaps (CLH_GAPS). */
clh_status clh_finite_view(clh_array *out, clh_result *r, const clh_result_item *item,
                           clh_error *err);

/** Append "3 of 12 are not finite, the first nan at [0, 2]"; nothing when all are. The array's data are
 *  there. */
void clh_finite_say(const clh_array *array, clh_strbuf *out);

#endif
