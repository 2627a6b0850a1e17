/** The certificate: on which inputs of a whole domain a model writes the right tokens, decided for each
 *  of them.
 *
 *    clh_certificate certificate = {0};
 *    const clh_certify_options options = {.domain = CLH_DOMAIN_SORTED, .margins = true};
 *    if (clh_certify(&certificate, model, task, &options, &how, &err)) ...
 *    printf("%zu of %zu inputs fail\n", (size_t)certificate.all.failures, (size_t)certificate.all.inputs);
 *    clh_certificate_deinit(&certificate);
 *
 *  Two claims are decided for every scored prediction: (1) the real-valued function that the weights
 *  define gives the right token the largest logit; (2) so does this library's forward pass. An input
 *  fails where either claim does not hold for one of its predictions, or cannot be decided.
 *
 *  Models of one layer and one head, attention only, are decided by bounds that hold for many inputs at
 *  once; docs/mathematics.md ("Certificate") derives them with their errors. Others are decided by a
 *  forward pass of every input: claim (2) only.
 */
#ifndef CLEARHEAD_CERTIFY_H
#define CLEARHEAD_CERTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clearhead/api.h"
#include "clearhead/error.h"
#include "clearhead/model.h"
#include "clearhead/task.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** Which inputs: choices of letters, or all that the task itself has. */
typedef enum clh_domain_kind {
    CLH_DOMAIN_SORTED = 0,  /**< different letters in the order of the vocabulary */
    CLH_DOMAIN_ORDERED = 1, /**< different letters in any order */
    CLH_DOMAIN_TUPLES = 2,  /**< any letters, also the same one several times */
    CLH_DOMAIN_TASK = 3,    /**< the task's own domain, of any task whose domain is counted */
} clh_domain_kind;

enum { CLH_DOMAIN_KINDS = 4 };

/** Kinds of choices of letters: classes of the result. */
typedef enum clh_certify_class {
    CLH_CLASS_SORTED = 0,
    CLH_CLASS_UNSORTED = 1,
    CLH_CLASS_PAIR = 2,      /**< one letter twice, the others different */
    CLH_CLASS_TWO_PAIRS = 3, /**< two letters twice, the others different */
    CLH_CLASS_TRIPLE = 4,    /**< one letter three times, the others different */
    CLH_CLASS_SAME = 5,      /**< one letter in every slot */
    CLH_CLASS_OTHER = 6,     /**< other repeats; inputs without letters */
} clh_certify_class;

enum { CLH_CERTIFY_CLASSES = 7, CLH_CERTIFY_LETTERS = 10 };

/** Name of a class, "two_pairs", and what it is in words; borrowed. */
CLH_API const char *clh_certify_class_name(clh_certify_class which);
CLH_API const char *clh_certify_class_text(clh_certify_class which);

typedef enum clh_certify_way {
    CLH_CERTIFY_AUTO = 0,    /**< by bounds where the model allows it */
    CLH_CERTIFY_BOUNDS = 1,  /**< CLH_ESUPPORT where it does not */
    CLH_CERTIFY_FORWARD = 2, /**< a forward pass of every input */
} clh_certify_way;

typedef struct clh_certify_options {
    clh_domain_kind domain;
    clh_certify_way way;
    bool margins;           /**< find the smallest margin of each class too */
    size_t counterexamples; /**< how many to keep at most: the first of the domain, sorted then by
                                 margin */
    bool proof;          /**< keep what was decided by which bound; CLH_ESUPPORT without bounds */
    bool histogram;      /**< compute the margin of every prediction, and count them by it */
    const char *keep;    /**< file to keep an interrupted certificate in, which goes on from it and
                              removes it at the end; NULL: none */
    double keep_seconds; /**< how often it is written; 0: every 10 seconds */
} clh_certify_options;

/** Predictions by their margin, in logits: bin 0 has those below the least edge, bin k those from
 *  clh_margin_edge(k) on, the last one all that are larger. */
enum { CLH_MARGIN_BINS = 258 };
CLH_API double clh_margin_edge(size_t bin); /**< lower edge; -INFINITY of bin 0, NaN of none */
CLH_API size_t clh_margin_bin(double margin);

/** What one bound decided: the predictions of a query for every input whose first `slots` slots have these
 *  letters and whose next has one of a set. Slots are taken in the order: the query's own, those whose
 *  letters decide what is written, the others. Where all have letters, bit 0 of the sets is this input, and
 *  neither has it where double precision could not tell. */
typedef struct clh_proof_row {
    int64_t position; /**< of the query */
    int64_t slots;
    int64_t letters;      /**< 6 bits each, the first slot's lowest */
    int64_t holds, fails; /**< bit x: with letter x next, the right token is written, or is not */
} clh_proof_row;

/** An input, and of those that fail the prediction that does so most, in this library's forward pass. */
typedef struct clh_counterexample {
    uint64_t rank;                        /**< in the domain */
    uint8_t letters[CLH_CERTIFY_LETTERS]; /**< numbers of the letters, one for each slot */
    size_t position;                      /**< of the predicted token */
    uint32_t expected, predicted;         /**< tokens */
    size_t mistakes;                      /**< predictions that are wrong */
    double margin;                        /**< logit of `expected` less the largest other */
} clh_counterexample;

typedef struct clh_certify_row {
    uint64_t inputs, failures; /**< whole sequences */
    uint64_t tokens;           /**< predictions that fail */
    double margin;             /**< smallest logit of the right token less the best other; NaN: not
                                    asked for, or no inputs */
    clh_counterexample margin_input; /**< the input that has it, the first of several */
    size_t margin_position;          /**< and the position of the predicted token */
} clh_certify_row;

typedef struct clh_certificate {
    size_t n;                    /**< letters of an input; 0: the task has none */
    size_t length, first_scored; /**< tokens of the longest sequence */
    uint32_t token[64];          /**< token of each letter */
    clh_certify_row classes[CLH_CERTIFY_CLASSES];
    clh_certify_row all; /**< over all classes */
    uint64_t *failed_at; /**< [length]: predictions of that position's token that fail */
    uint64_t undecided;  /**< predictions of which claim (1) could not be decided */
    uint64_t
        ties; /**< predictions whose logit is exactly another's, and none is larger: they fail */
    uint64_t enclosed; /**< predictions of which claim (1) was decided by interval arithmetic */
    uint64_t rounded;  /**< predictions that are right in one claim and not in the other */
    bool by_bounds;    /**< else by forward passes: claim (2) only */
    uint64_t
        by_depth[CLH_CERTIFY_LETTERS + 1]; /**< predictions decided by a bound that holds whatever
                                                     the letters of so many slots */
    uint64_t exact, forward;             /**< predictions decided one by one, in double; in float */
    clh_counterexample *counterexamples; /**< [counterexample_count] */
    size_t counterexample_count;
    clh_proof_row *proof; /**< [proof_count], by position, slots and letters; NULL: not asked for */
    size_t proof_count;   /**< rows that a proof has; 0 by forward passes */
    uint64_t *histogram;  /**< [CLH_MARGIN_BINS]; NULL: not asked for */
} clh_certificate;

/** The domain of choices of letters that is the task's own; CLH_DOMAIN_TASK where there is none. */
CLH_API clh_status clh_certify_domain(clh_domain_kind *out, const clh_task *task, clh_error *err);

/** Decide every input; options NULL: of all 0. CLH_ESUPPORT for a model or task that cannot be asked, CLH_ERANGE for a domain
 *  that is too large, CLH_ESHAPE where sequences are longer than n_ctx, CLH_ENUMERIC for weights that
 *  are not finite, CLH_STOPPED. Of a file to keep: CLH_EFORMAT where it is damaged or another kind,
 *  CLH_EINPUT where it is of another certificate, CLH_EIO. */
CLH_API clh_status clh_certify(clh_certificate *out, const clh_model *model, const clh_task *task,
                               const clh_certify_options *options, const clh_how *how,
                               clh_error *err);

/** Free what it holds. NULL is fine. */
CLH_API void clh_certificate_deinit(clh_certificate *certificate);

CLH_END_DECLS

#endif
