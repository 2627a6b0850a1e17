/** How a result is filled: by one thread, in any order, checked once at the end.
 *
 *    clh_result_read(out, "numbers", &report);               // every field with an offset
 *    clh_result_put(out, "loss", (clh_value){l, low, high}); // or by name
 *    for (size_t i = 0; i < count; i++) {
 *        clh_result_row(out, "interventions", name[i]);      // begins a row
 *        clh_row_label(out, text[i], heading[i]);
 *        clh_row_read(out, &row[i]);
 *    }
 *    clh_result_decide(out, "qk", "by position", "accuracy 0.999, threshold 0.98");
 *    return clh_result_check(out, err);
 *
 *  As in base/strbuf.h a failed addition is remembered, later ones do nothing, and the builder
 *  checks once; clh_ask() checks too. Texts and numbers are copied. A name that the schema has not
 *  is a mistake of the program: an assertion.
 */
#ifndef CLH_RESULT_BUILD_H
#define CLH_RESULT_BUILD_H

#include "clearhead/result.h"
#include "result/schema.h"

/** No number. */
clh_value clh_value_none(void);

/** A number without an interval. */
clh_value clh_value_of(double value);

/** A dimension of an array. */
typedef struct clh_axis {
    const char *name;         /**< "query_pos" */
    const char *const *label; /**< [length]; NULL: 0, 1, 2 … */
} clh_axis;

/** Makes `view->data` point at the array's numbers; called once, when they are first asked for. The
 *  memory lives as long as the result: clh_result_keep(). */
typedef clh_status clh_fill(clh_array *view, void *user, clh_error *err);

/** An empty result. The schema is borrowed: a constant, or kept by the result itself. */
clh_status clh_result_open(clh_result **out, const char *question, const clh_schema *schema,
                           clh_error *err);

/** Parts that are going to be read, a bit for each of the schema, and whether all arrays are. An array that takes as
 *  long as the rest is then made with it, else when it is first asked for. */
void clh_result_want(clh_result *r, uint64_t parts, bool arrays);

/** Whether the part `name` is one of them: who asked wants to be told where there is none; and whether an array is
 *  going to be read, be it only as one of all. */
bool clh_result_wants(const clh_result *r, const char *name);
bool clh_result_reads(const clh_result *r, const char *array);

/** What it was asked of: "run", "step", "seed", "weights", "version" as texts, "settings" as JSON. */
void clh_result_stamp(clh_result *r, const char *name, const char *text);

void clh_result_put(clh_result *r, const char *name, clh_value value);
void clh_result_put_number(clh_result *r, const char *name, double value);

/** Several: clh_result_put_numbers(out, {"clean", clean}, {"corrupted", corrupted}). */
typedef struct clh_named {
    const char *name;
    double value;
} clh_named;
void clh_result_put_named(clh_result *r, const clh_named *numbers);
#define clh_result_put_numbers(r, ...)                                                             \
    clh_result_put_named(r, (const clh_named[]){__VA_ARGS__, {NULL, 0}})

/** A text among the numbers: a field with CLH_TEXT. */
void clh_result_put_text(clh_result *r, const char *name, const char *text);

/** Every number of the part `name` that is read from a struct. */
void clh_result_read(clh_result *r, const char *name, const void *from);

/** Begin a row of `table` with its keys, as many as the table has. */
void clh_result_row_begin(clh_result *r, const char *table, const char *const *keys);
#define clh_result_row(r, table, ...)                                                              \
    clh_result_row_begin(r, table, (const char *const[]){__VA_ARGS__})

/** Of the row begun last: what it is in words, and what stands above it where a group of rows
 *  begins; either may be NULL. */
void clh_row_label(clh_result *r, const char *label, const char *heading);

/** The field that the row is about, called `label` by its meaning; it lives as long as the result. */
void clh_row_of(clh_result *r, const clh_field *field);
void clh_row_put(clh_result *r, const char *column, clh_value value);
void clh_row_put_number(clh_result *r, const char *column, double value);
void clh_row_put_named(clh_result *r, const clh_named *numbers);
#define clh_row_put_numbers(r, ...)                                                                \
    clh_row_put_named(r, (const clh_named[]){__VA_ARGS__, {NULL, 0}})
void clh_row_text(clh_result *r, const char *column, const char *text);
void clh_row_read(clh_result *r, const void *from);

/** A report of the whole result has the first `rows` rows of a table; where the table alone is asked for, all. */
void clh_result_brief(clh_result *r, const char *table, size_t rows);

/** The row has no numbers, and why. */
void clh_row_absent(clh_result *r, const char *why);

/** `n` as text for a key, into `out`; returns `out`. */
const char *clh_key_text(char out[24], uint64_t n);

/** A number, table, verdict or array that there is not, and why. */
void clh_result_absent(clh_result *r, const char *name, const char *why);

/** The same of several: clh_result_absent_each(out, "no sequences were asked for", "loss", "share"). */
void clh_result_absent_names(clh_result *r, const char *why, const char *const *names);
#define clh_result_absent_each(r, why, ...)                                                        \
    clh_result_absent_names(r, why, (const char *const[]){__VA_ARGS__, NULL})

/** The answer to a verdict, and the numbers and thresholds that decided it. */
void clh_result_decide(clh_result *r, const char *verdict, const char *answer, const char *by);

/** The answer of the whole is no. */
void clh_result_no(clh_result *r);

/** How long making it took, in words: clh_result_took(). */
void clh_result_say_took(clh_result *r, const char *text);

/** A line for people that no number says: what a column rests on. */
void clh_result_note(clh_result *r, const char *text);

/** The same of each line of a text; NULL has none. */
void clh_result_note_lines(clh_result *r, const char *lines);

/** An array. `view` has its name; data NULL: `fill` is called with `user` when it is asked for.
 *  `axes` [rank] are copied. */
void clh_result_array(clh_result *r, const clh_array *view, const clh_axis *axes, clh_fill *fill,
                      void *user);

/** A copy of `count` numbers that lives as long as the result; NULL when it is not to be had, which is
 *  remembered. */
double *clh_result_numbers(clh_result *r, const double *numbers, size_t count);

/** How the array added last is drawn: a title; `destination` of tokens (SIZE_MAX: none). */
void clh_result_array_title(clh_result *r, const char *title, size_t destination);

/** `owner` lives as long as the result and is closed with it, in reverse order; also closed when
 *  this fails: it is gone then. */
clh_status clh_result_keep(clh_result *r, void *owner, void (*close)(void *), clh_error *err)
    __attribute__((warn_unused_result));

/** A function for these that closes what a typed function does: CLH_CLOSER(close_list, clh_circuit_list_close) */
#define CLH_CLOSER(name, close)                                                                    \
    static void name(void *owner)                                                                  \
    {                                                                                              \
        close(owner);                                                                              \
    }

/** A zeroed struct of `size` bytes that lives as long as the result; `deinit` is called before it is
 *  freed. NULL with CLH_ENOMEM filled in. */
void *clh_result_make(clh_result *r, size_t size, void (*deinit)(void *), clh_error *err);

/** The first addition that failed; CLH_OK when none did. */
clh_status clh_result_check(const clh_result *r, clh_error *err);

#endif
