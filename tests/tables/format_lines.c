/** A format that only the tests have, added as any is: a file and a row. A line for each number: its
 *  path, a tab, its value. */
#include "report/format.h"
#include "report/shown.h"

static clh_status check(const clh_schema *schema, const clh_show *show, clh_error *err)
{
    return clh_schema_count(schema) > 0 && show && !show->part
               ? CLH_OK
               : clh_fail(err, CLH_EUSAGE, "lines show the whole result, want no part");
}

static clh_status to_lines(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err)
{
    (void)show;
    for (size_t i = 0; clh_result_path(r, i); i++) {
        clh_strbuf_addf(out, "%s\t", clh_result_path(r, i));
        clh_number_add(out, clh_result_number(r, clh_result_path(r, i)), "-");
        clh_strbuf_adds(out, "\n");
    }
    return clh_strbuf_check(out, err);
}

const clh_format clh_format_lines = {.name = "lines",
                                     .endings = ".lines .ln",
                                     .summary = "a line for each number: path, tab, value",
                                     .check = check,
                                     .text = to_lines};
