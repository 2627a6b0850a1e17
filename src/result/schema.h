/** What a result can hold, declared once for each question as plain tables: documentation, JSON
 *  schema, column titles, decimals and drawings are made from them.
 *
 *    static const clh_field numbers[] = {
 *        {"loss", "nats/token", "mean loss of the scored predictions", "-mean log p(token)", 6,
 *         CLH_BAND_BOOTSTRAP, CLH_HEADLINE | CLH_LOG, CLH_FROM(clh_row, loss)},
 *        {0}};
 *    static const clh_schema schema[] = {
 *        {CLH_PART_NUMBERS, "numbers", "over all sequences", .fields = numbers},
 *        {CLH_PART_TABLE, "heads", "a row for each head", .keys = "#layer,#head", .fields = heads},
 *        {0}};
 *
 *  Tables end with an entry whose name is NULL. All texts are constants of the program.
 */
#ifndef CLH_SCHEMA_H
#define CLH_SCHEMA_H

#include "base/base.h"
#include "base/strbuf.h"

/** What low and high of a value are. */
typedef enum clh_band {
    CLH_BAND_NONE = 0,
    CLH_BAND_BOOTSTRAP = 1, /**< 95 % percentile bootstrap over sequences */
    CLH_BAND_EXACT = 2,     /**< 95 % exact interval of a share (Clopper and Pearson) */
    CLH_BAND_DEVIATION = 3, /**< one standard deviation to each side */
    CLH_BAND_RANGE = 4,     /**< least and most seen */
} clh_band;

/** "95 % bootstrap intervals": what a caption says of it; "" for none. */
const char *clh_band_text(clh_band band);

/** How a field is shown. */
enum clh_field_flags {
    CLH_HEADLINE = 1, /**< shown first, and over checkpoints, over seeds and against another run */
    CLH_DETAIL = 2,   /**< text shows it only in full */
    CLH_TEXT = 4,     /**< a text, no number */
    CLH_LOG = 8,      /**< drawn on a logarithmic axis */
    CLH_SHARE = 16,   /**< lies in [0, 1], and is drawn so */
    CLH_CELL = 32,    /**< drawn as a coloured cell, not as a point */
    CLH_BY_KIND = 64, /**< stands for a field of each kind of token that the task names: called
                           "*_accuracy" here, "letter_accuracy" in a result */
    CLH_TREE = 128,   /**< of a table: text shows the labels of rows in place of their keys */
    CLH_LINES =
        256, /**< of a table: text shows the text columns of a row below each other, in lines
                           that end at the same places */
    CLH_MARKS = 512, /**< of a text column there: what is no blank marks what stands above it */
    CLH_GAPS = 2048, /**< of an array: where there is no number stands NaN, of masked scores -inf */
    CLH_OF_ROW =
        1024, /**< of a column: its numbers have the unit and the decimals of the field that
                            their row is about (clh_row_of()) */
    CLH_WHOLE =
        2048, /**< of a text among the numbers: format text is that and nothing else, unless all
                           or a part is asked for; Markdown leaves it out */
    CLH_OWN_FILE = 4096, /**< of a part: the command has an option of its name, which writes it to a
                              file beside what is shown */
};

/** What stands at `offset` of a struct that a field is read from. */
typedef enum clh_from {
    CLH_FROM_NONE = 0, /**< put by name */
    CLH_FROM_DOUBLE,
    CLH_FROM_SIZE,  /**< size_t; SIZE_MAX: none */
    CLH_FROM_LONG,  /**< uint64_t where that is no size_t */
    CLH_FROM_VALUE, /**< clh_value */
    CLH_FROM_TEXT,  /**< const char *; NULL: none */
    CLH_FROM_CHARS, /**< char []; empty: none */
} clh_from;

/** A number, a column or a verdict. Of a verdict `meaning` is the question and `formula` the rule
 *  that decides it. */
typedef struct clh_field {
    const char *name, *unit, *meaning;
    const char *formula; /**< with its source; NULL where the meaning says it */
    int decimals;
    clh_band band;
    unsigned flags;
    const char
        *panel; /**< title of what it is drawn in, beside others of that title; NULL: not drawn */
    clh_from from;
    size_t offset;
} clh_field;

/** Where a field is read from: a member of `type`, whose own type says how. */
#define CLH_FROM(type, member)                                                                     \
    .from = _Generic(((type *)0)->member,                                                          \
        double: CLH_FROM_DOUBLE,                                                                   \
        size_t: CLH_FROM_SIZE,                                                                     \
        unsigned long long: CLH_FROM_LONG,                                                         \
        clh_value: CLH_FROM_VALUE,                                                                 \
        const char *: CLH_FROM_TEXT,                                                               \
        char *: CLH_FROM_CHARS),                                                                   \
    .offset = offsetof(type, member)

/* clang-format off */
/** A field as a macro of a table's own makes it; and those that most results have, of which what is
 *  not the same everywhere follows: .panel = "accuracy". */
#define CLH_FIELD(...) {__VA_ARGS__}
#define CLH_FIELD_SHARE(name, meaning, flags_, ...)                                                \
    {name, "share", meaning, .decimals = 4, .flags = CLH_SHARE | (flags_), __VA_ARGS__}
#define CLH_FIELD_LOSS(name, meaning, flags_, ...)                                                 \
    {name, "nats/token", meaning, .decimals = 6, .flags = CLH_LOG | (flags_), __VA_ARGS__}
#define CLH_FIELD_COUNT(name, unit, ...) {name, unit, __VA_ARGS__, .decimals = 0}
#define CLH_FIELD_VERDICT(name, question, rule) {name, NULL, question, rule, .decimals = 0}
#define CLH_FIELD_TEXT(name, meaning, ...) {name, NULL, meaning, .flags = CLH_TEXT | __VA_ARGS__}
/* clang-format on */

typedef enum clh_part_kind {
    CLH_PART_END = 0,
    CLH_PART_NUMBERS,
    CLH_PART_TABLE,
    CLH_PART_VERDICTS,
    CLH_PART_ARRAY,
} clh_part_kind;

/** A part of a result. Several parts may be numbers: their names are one space. An array called "*"
 *  stands for any number of arrays, named when they are added; one called "*.ov" for those whose
 *  names end so, "attribution.*" for those whose names begin so. */
typedef struct clh_schema {
    clh_part_kind kind;
    const char *name, *meaning;
    const char *keys; /**< of a table: "input,#step", '#' before those that are whole numbers */
    const char *draw; /**< how it is drawn, a row of report/draw/draw.c; NULL: it is not */
    const char *unit; /**< of an array */
    unsigned flags;   /**< CLH_DETAIL: only in full, or when asked for; CLH_HEADLINE: text draws it
                           too; of a table CLH_TREE, CLH_LINES; of an array also CLH_SHARE: colours
                           span 0 to 1, and CLH_LOG: stems stand on a logarithmic axis */
    const clh_field *fields; /**< not of an array */
} clh_schema;

/** How many parts, fields, keys there are; NULL has none. */
size_t clh_schema_count(const clh_schema *schema);
size_t clh_field_count(const clh_field *fields);
size_t clh_schema_key_count(const clh_schema *part);

/** The key at `index` without its '#', into `out`; whether it is a whole number. */
bool clh_schema_key(const clh_schema *part, size_t index, char out[32]);

/** The part called `name`; else the family of arrays it belongs to, of several the one that says most
 *  of the name; NULL: none. */
const clh_schema *clh_schema_find(const clh_schema *schema, const char *name);

/** Append the schema as JSON: an array of parts with their fields. */
void clh_schema_json(const clh_schema *schema, clh_strbuf *out);

#endif
