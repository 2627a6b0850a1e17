/** One result, shown: as text, JSON, CSV, Markdown, arrays or a picture.
 *
 *    clh_result *result = NULL;
 *    char *text = NULL;
 *    if (clh_ask(&result, subject, "heads", NULL, NULL, &err)) goto fail;
 *    if (clh_report_text(&text, result, "json", NULL, &err)) ...
 *    if (clh_report_save(result, "heads.json", NULL, &err)) ...       // the ending decides
 *    clh_free(text);
 *    clh_result_close(result);
 *
 *  Formats: text, json, csv, markdown, terminal (a drawing in characters); png, svg, pdf, npz,
 *  safetensors as files. A file is written whole or not at all. Nothing here knows a question:
 *  what is shown, and how it is drawn, stands in the schema of the result.
 */
#ifndef CLEARHEAD_REPORT_H
#define CLEARHEAD_REPORT_H

#include <stdbool.h>

#include "clearhead/api.h"
#include "clearhead/figure.h"
#include "clearhead/result.h"

CLH_BEGIN_DECLS

/** How it is shown; NULL stands for all zero. */
typedef struct clh_show {
    const char *part;        /**< only this table or array; NULL: what there is */
    bool full;               /**< text, markdown: everything, not only the headlines */
    size_t width;            /**< columns of a terminal; 0: 100 */
    clh_colour_depth colour; /**< of a terminal */
    bool dark;               /**< light on dark: a terminal, a picture */
    bool ascii;              /**< a terminal that shows only ASCII */
    const char *range;       /**< of colours, as clh_colour_range_read() takes it; NULL: of shares 0
                                  to 1, else to the largest magnitude */
    double gamma;            /**< of colours: clh_colour_range; 0: 1 */
} clh_show;

/** The result as text in a format that is text; the caller frees it with clh_free(). CLH_EUSAGE
 *  for another format, or a part that there is not (names the nearest); CLH_EINPUT when there is
 *  nothing to show; errors of computing an array. */
CLH_API clh_status clh_report_text(char **text, clh_result *result, const char *format,
                                   const clh_show *show, clh_error *err);

/** Write the result to `path` in the format that its ending names (.json, .csv, .md, .txt, .npz,
 *  .safetensors, .png, .svg, .pdf; any case). Errors as clh_report_text(); CLH_EUSAGE for another
 *  ending, CLH_ESUPPORT when this build cannot write it (names what is missing), CLH_EIO. */
CLH_API clh_status clh_report_save(clh_result *result, const char *path, const clh_show *show,
                                   clh_error *err);

CLH_END_DECLS

#endif
