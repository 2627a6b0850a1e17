/** The one kind of answer: named numbers with intervals and units, tables, arrays with axes, verdicts.
 *
 *    clh_result *result = NULL;
 *    if (clh_ask(&result, subject, "causal", NULL, NULL, &err)) goto fail;
 *    printf("%g\n", clh_result_number(result, "pattern_mean.recovered"));
 *    for (size_t i = 0; clh_result_path(result, i); i++) puts(clh_result_path(result, i));
 *    clh_result_close(result);
 *
 *  A number has a path. A number on its own is called by its name: "loss". A cell of a table is
 *  called by the table, the keys of its row and its column: "interventions.pattern_mean.loss"; the
 *  table may be left out where that is not ambiguous. An element of an array is called by its name and
 *  its places, from 0: "blocks.0.hook_z.1.57". `clearhead questions --json` lists what each
 *  question's result holds, with units, meanings and formulas.
 *
 *  A result is filled by one thread (clh_ask()) and belongs to the caller. Then it is only read,
 *  but for arrays that are computed when first looked at: one thread at a time. clearhead/report.h
 *  writes it as text, JSON, CSV, Markdown, arrays or a picture.
 */
#ifndef CLEARHEAD_RESULT_H
#define CLEARHEAD_RESULT_H

#include <stddef.h>

#include "clearhead/api.h"
#include "clearhead/array.h"
#include "clearhead/error.h"

CLH_BEGIN_DECLS

typedef struct clh_result clh_result;

/** A number with its interval. NaN: there is none. */
typedef struct clh_value {
    double value, low, high;
} clh_value;

/** Free a result and everything it owns. NULL is fine. */
CLH_API void clh_result_close(clh_result *result);

/** Name of the question it answers; borrowed, as all texts below. */
CLH_API const char *clh_result_question(const clh_result *result);

/** CLH_NO when the answer is no (exit code 1 of the command), else CLH_OK. */
CLH_API clh_status clh_result_outcome(const clh_result *result);

/** How long making it took, in words: "64 seeds, 64 of them trained, in 22.6 s: 2.83 a second; ..." over seeds; NULL
 *  where nobody says. No format has it, since it is not the same each time. */
CLH_API const char *clh_result_took(const clh_result *result);

/** The number at `path`; NaN when there is no such number, or none was to be had. */
CLH_API double clh_result_number(const clh_result *result, const char *path);

/** The number at `path` with its interval. CLH_EINPUT when there is no such path (names the
 *  nearest), or when it is absent (says why). */
CLH_API clh_status clh_result_get(clh_value *out, const clh_result *result, const char *path,
                                  clh_error *err);

/** Path of the number at `index`, in order; NULL past the last. */
CLH_API const char *clh_result_path(const clh_result *result, size_t index);

/** The answer of a verdict: "by position"; NULL when there is no such verdict. */
CLH_API const char *clh_result_answer(const clh_result *result, const char *verdict);

/** A text: of the stamp ("run", "step", "seed", "weights", "version"), or a cell of text. NULL when
 *  there is none. */
CLH_API const char *clh_result_text(const clh_result *result, const char *path);

/** An array, computed now if it has not been; a view that lives as long as the result. CLH_EINPUT
 *  when there is no such array; errors of computing it. */
CLH_API clh_status clh_result_view(clh_array *out, clh_result *result, const char *name,
                                   clh_error *err);

/** Name of the array at `index`; NULL past the last. */
CLH_API const char *clh_result_array_name(const clh_result *result, size_t index);

CLH_END_DECLS

#endif
