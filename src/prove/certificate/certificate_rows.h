/** What a certificate says, as flat rows: numbers and texts that a table is read from.
 *
 *    clh_shown_input is;
 *    clh_shown_input_of(&is, certificate.token, certificate.n, task, &certificate.counterexamples[0]);
 *    printf("%s: %s in place of %s\n", is.input, is.predicted, is.expected);
 *
 *  Nothing is owned: texts stand in the rows themselves.
 */
#ifndef CLH_CERTIFICATE_ROWS_H
#define CLH_CERTIFICATE_ROWS_H

#include "base/base.h"
#include "clearhead/certify.h"

enum { CLH_INPUT_TEXT = 16 * CLH_CERTIFY_LETTERS };

/** An input, and one prediction of it. */
typedef struct clh_shown_input {
    char input[CLH_INPUT_TEXT]; /**< its letters, "psM1", or its rank where it has none */
    char expected[16], predicted[16];
    size_t position, mistakes;
    double margin;
} clh_shown_input;

/** `token` [n] are those of the letters. */
void clh_shown_input_of(clh_shown_input *out, const uint32_t *token, size_t n, const clh_task *task,
                        const clh_counterexample *one);

/** A class of inputs. */
typedef struct clh_shown_class {
    uint64_t inputs, failures, tokens;
    double share, margin;       /**< of the inputs, those that fail; NaN: no margin */
    char input[CLH_INPUT_TEXT]; /**< that has the margin; empty: there is none */
    size_t position;            /**< and where; SIZE_MAX: there is none */
} clh_shown_class;

/** Class `which` of a certificate; false where no input is of it. */
bool clh_shown_class_of(clh_shown_class *out, const clh_certificate *c, const clh_task *task,
                        clh_certify_class which);

/** Scored predictions of the whole domain. */
double clh_shown_predictions(const clh_certificate *c);

/** How predictions were decided: by bounds that hold whatever the letters of so many slots, and the rest one by
 *  one: of margins more are computed than had to be decided so. How many, at most CLH_SHOWN_DECIDED. */
typedef struct clh_shown_decided {
    char by[32]; /**< "bound, 2 slots free" */
    double predictions, share;
} clh_shown_decided;
enum { CLH_SHOWN_DECIDED = CLH_CERTIFY_LETTERS + 2 };
size_t clh_shown_decided_of(clh_shown_decided out[CLH_SHOWN_DECIDED], const clh_certificate *c);

/** Predictions decided by bounds, of all. */
uint64_t clh_shown_bounds(const clh_certificate *c);

/** The bins of the histogram from the first with a prediction to the last: [*begin, *end). */
void clh_shown_bins(size_t *begin, size_t *end, const clh_certificate *c);

/** "both claims" or "the forward pass": what is decided, and in *by what that is. */
const char *clh_shown_proved(const clh_certificate *c, const char **by);

#endif
