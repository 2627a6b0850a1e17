/** The table of formats: each is a constant of src/report and a row of formats.def.
 *
 *    const clh_format *format = clh_format_of_path("causal.pdf", err);
 *    if (!format || format->check(schema, &show, err)) ...       // before anything is computed
 */
#ifndef CLH_FORMAT_H
#define CLH_FORMAT_H

#include "base/strbuf.h"
#include "clearhead/report.h"
#include "result/schema.h"

typedef struct clh_format {
    const char *name;    /**< "json" */
    const char *endings; /**< of files, spaces between: ".json"; "" for none */
    const char
        *summary; /**< one line, for help: text formats are options of a question's command */
    bool picture; /**< an image */
    /** Whether it reads the numbers of all arrays when the whole result is shown; NULL: never. */
    bool (*reads_arrays)(const clh_show *show);
    /** Refuses what this format cannot show of such a schema, or this build cannot write; NULL:
     *  nothing to refuse. */
    clh_status (*check)(const clh_schema *schema, const clh_show *show, clh_error *err);
    /** One of the two: text to `out`, or a file. */
    clh_status (*text)(clh_result *r, const clh_show *show, clh_strbuf *out, clh_error *err);
    clh_status (*save)(clh_result *r, const clh_show *show, const char *path, clh_error *err);
} clh_format;

/** The format at `index`; NULL past the last. */
const clh_format *clh_format_at(size_t index);

/** Whether a command chooses it for stdout by a flag of its own name: of texts all but those that
 *  every command has, text and json. */
bool clh_format_is_flag(const clh_format *format);

/** The format called `name`, or that the ending of `path` names; NULL with CLH_EUSAGE filled in,
 *  naming those there are. */
const clh_format *clh_format_find(const char *name, clh_error *err);
const clh_format *clh_format_of_path(const char *path, clh_error *err);

/** Append the endings of all formats, or of pictures alone: ".png, .svg, .pdf". */
void clh_format_endings(clh_strbuf *out, bool pictures);

/** What writing a result with this schema in this format would refuse, found out before anything is
 *  computed: a part that there is not (names the nearest), what the format cannot show of it, what
 *  this build lacks. */
clh_status clh_format_check(const clh_format *format, const clh_schema *schema,
                            const clh_show *show, clh_error *err);

/** The same of clh_report_save(): also an ending that names no format, and a file that cannot be
 *  begun there, CLH_EIO. */
clh_status clh_format_check_path(const char *path, const clh_schema *schema, const clh_show *show,
                                 clh_error *err);

/** The part that `show` names; NULL when it names none. CLH_EUSAGE when the schema has not that
 *  part (names the nearest). Arrays of the name "*" have any name. */
clh_status clh_format_part(const clh_schema **out, const clh_schema *schema, const clh_show *show,
                           clh_error *err);

/** Row `row` of a table as a line of text, with the columns' titles above the first: for who prints
 *  rows as they come, before all widths are known. */
void clh_text_row(clh_strbuf *out, const clh_result *r, const char *table, size_t row);

#define FORMAT(name) extern const clh_format clh_format_##name;
#include "report/formats.def"
#ifdef CLH_MORE_FORMATS /* the tests add rows */
#include CLH_MORE_FORMATS
#endif
#undef FORMAT

#endif
