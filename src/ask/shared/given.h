/** The sequences a question is asked of, as settings that several questions have.
 *
 *    typedef struct cache_settings { clh_given given; ... } cache_settings;
 *    static const clh_key keys[] = {CLH_GIVEN_KEYS(cache_settings, given), ...};
 *    status = clh_given_open(&batch, s, &set->given, 0, err);          // clh_batch_deinit()
 *    ... .check = clh_given_check                                      // of the question
 *
 *  and of questions that compare two:
 *
 *    typedef struct patch_settings { clh_given_pair pair; ... } patch_settings;
 *    static const clh_key keys[] = {CLH_GIVEN_PAIR_KEYS(patch_settings, pair), ...};
 *    status = clh_given_pair_open(&two, s, &set->pair, err);           // clh_two_deinit()
 */
#ifndef CLH_GIVEN_H
#define CLH_GIVEN_H

#include "ask/shared/ratios.h"
#include "clearhead/metric.h"
#include "measure/sequences/batch.h"

enum { CLH_GIVEN_LETTERS = 64, CLH_GIVEN_TEXT = 1 << 14, CLH_GIVEN_NAMES = 512 };

typedef struct clh_given {
    char letters[CLH_GIVEN_LETTERS], text[CLH_GIVEN_TEXT], tokens[CLH_PATH_MAX];
} clh_given;

#define CLH_GIVEN_KEYS(type, member)                                                               \
    CLH_GIVEN_KEY("letters", type, member.letters, "LETTERS",                                      \
                  "the letters to permute, in any order, repeats too: psM1"),                      \
        CLH_GIVEN_KEY("text", type, member.text, "TEXT", "any text of the vocabulary"),            \
        CLH_GIVEN_KEY("tokens", type, member.tokens, "FILE",                                       \
                      "JSON array of equally long arrays of token ids; - for stdin")
#define CLH_GIVEN_KEY(name, type, field, values, help)                                             \
    CLH_ROW_AT(name, type, field, TEXT, NULL, NULL, values, help)

/** The `check` of a question whose settings begin with a clh_given: CLH_EUSAGE when more than one of
 *  them is given. */
clh_status clh_given_check(const clh_subject *s, const void *settings, clh_error *err);

/** Whether any of them is. */
bool clh_given_any(const clh_given *given);

/** The letters, text or token ids that are given, else the `index`-th held-out sequence (of training,
 *  where none is held out). CLH_EINPUT when that takes a task and the subject has none; errors of
 *  measure/sequences/batch.h. */
clh_status clh_given_open(clh_batch *out, const clh_subject *s, const clh_given *given,
                          size_t index, clh_error *err);

/** CLH_EINPUT where the subject has no task to draw or read sequences with. */
clh_status clh_given_task(const clh_subject *s, clh_error *err);

/** Say in the result of what it was asked: "letters psM1", "the text > ab", "2 sequences of ids.json",
 *  or else how many sequences of which side, of how many that were asked for. */
void clh_given_stamp(clh_result *out, const clh_subject *s, const clh_given *given, size_t count,
                     size_t asked);

/* ---- Two sequences and a metric ---- */

typedef struct clh_given_pair {
    char clean[CLH_GIVEN_LETTERS], clean_text[CLH_GIVEN_TEXT];
    char corrupt[CLH_GIVEN_LETTERS], corrupt_text[CLH_GIVEN_TEXT];
    char metric[CLH_GIVEN_NAMES];
} clh_given_pair;

#define CLH_GIVEN_PAIR_KEYS(type, member)                                                          \
    CLH_GIVEN_KEY("clean", type, member.clean, "LETTERS", "letters of the clean sequence"),        \
        CLH_GIVEN_KEY("clean_text", type, member.clean_text, "TEXT",                               \
                      "or any text of the vocabulary"),                                            \
        CLH_GIVEN_KEY("corrupt", type, member.corrupt, "LETTERS",                                  \
                      "letters of the corrupted sequence"),                                        \
        CLH_GIVEN_KEY("corrupt_text", type, member.corrupt_text, "TEXT",                           \
                      "or any text, of the same length"),                                          \
        CLH_ROW_AT("metric", type, member.metric, TEXT, "loss", NULL, "METRIC",                    \
                   "what is measured: logit_diff:-2:a:b and the like")

typedef struct clh_two {
    clh_batch clean, corrupted; /**< one sequence each, of one length */
    clh_metric metric;
} clh_two;

/** The `check` of a question whose settings begin with a clh_given_pair: CLH_EUSAGE for a side that is
 *  not given, or twice. */
clh_status clh_given_pair_check(const clh_subject *s, const void *settings, clh_error *err);

/** What the settings mean. CLH_EUSAGE for a metric that cannot be, CLH_ESHAPE for sequences of two
 *  lengths; errors of measure/sequences/batch.h. */
clh_status clh_given_pair_open(clh_two *out, const clh_subject *s, const clh_given_pair *pair,
                               clh_error *err);

/** Say in the result what is compared: "loss, clean abcd, corrupted abce". */
void clh_given_pair_stamp(clh_result *out, const clh_given_pair *pair);

/** Where the metric is saturated in the run whose gradient was taken ("clean", its `value`), say so, and
 *  what to ask instead: a metric that is not, where the two sequences first differ; `also` of the question's own. */
void clh_given_note_saturated(clh_result *out, const clh_subject *s, const clh_two *two,
                              const char *run, double value, const char *also);

/** Free what it holds. All zero is fine. */
void clh_two_deinit(clh_two *two);

#endif
