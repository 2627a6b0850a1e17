/** Causal scrubbing: what a model keeps of what it does when everything a hypothesis calls
 *  irrelevant comes from other sequences.
 *
 *    clh_hypothesis hypothesis;
 *    clh_scrub *scrub = NULL;
 *    clh_scrub_result result = {0};
 *    if (clh_hypothesis_read(&hypothesis, "algorithm.json", &err)) ...
 *    if (clh_scrub_open(&scrub, model, &sample, seed, &how, &err)) ...
 *    if (clh_scrub_try(scrub, &hypothesis, 1000, 0.95, NULL, &result, &err)) ...
 *    printf("%g\n", result.recovered.value);          // 1: nothing was lost, 0: everything
 *    clh_scrub_result_deinit(&result);
 *    clh_scrub_close(scrub);
 *
 *  A hypothesis says of every edge of the model's own graph (clearhead/path.h) in what the
 *  sequence that the writer runs on must agree with the sequence that the reader runs on.
 *  docs/mathematics.md has the definition, docs/formats.md the file. An opened scrub borrows the
 *  sample; results belong to the caller. The same bytes at any number of threads.
 *
 *  Chan et al. 2022, Causal Scrubbing.
 */
#ifndef CLEARHEAD_SCRUB_H
#define CLEARHEAD_SCRUB_H

#include "clearhead/api.h"
#include "clearhead/measure.h"
#include "clearhead/path.h"

CLH_BEGIN_DECLS

/** In what two sequences agree. */
typedef enum clh_agree {
    CLH_AGREE_NOTHING = 0,  /**< any other sequence will do; one for all such writers of a reader */
    CLH_AGREE_ALL = 1,      /**< the same sequence */
    CLH_AGREE_TOKEN = 2,    /**< the token, */
    CLH_AGREE_ALPHABET = 3, /**< its eighth of the alphabet, */
    CLH_AGREE_CLASS = 4,    /**< its class (lower, upper, digit, other), or */
    CLH_AGREE_RANK =
        5, /**< its rank among the letters of its sequence: see clearhead/attention.h */
    CLH_AGREES = 6
} clh_agree;

enum { CLH_SCRUB_RULES_MAX = 64, CLH_SCRUB_POSITIONS_MAX = 16, CLH_SCRUB_NAME_MAX = 48 };

/** Edges whose writer and reader match two shell patterns, and what is asked of them. The last four
 *  kinds of agreement are at `positions` (negative from the end), of a whole sequence that agrees
 *  there; without any, row by row, each from a sequence that agrees at that row: of embed and
 *  pos_embed only, whose rows know nothing of each other. */
typedef struct clh_scrub_rule {
    char from[CLH_SCRUB_NAME_MAX], to[CLH_SCRUB_NAME_MAX]; /**< "embed", "L*"; "L0H0.[qk]" */
    clh_agree agree;
    long positions[CLH_SCRUB_POSITIONS_MAX];
    size_t position_count;
} clh_scrub_rule;

/** Plain values; of rules that match the same edge the last counts. */
typedef struct clh_hypothesis {
    char name[CLH_SCRUB_NAME_MAX];
    clh_agree otherwise; /**< of edges no rule matches: NOTHING or ALL */
    size_t count;
    clh_scrub_rule rule[CLH_SCRUB_RULES_MAX];
} clh_hypothesis;

/** "nothing", "token" and the like. */
CLH_API const char *clh_agree_name(clh_agree agree);

/** Hypotheses that come with the library, and how many: everything, nothing, what a model of the
 *  permutation task may be thought to do, and what it should not do without. Static. */
CLH_API const clh_hypothesis *clh_hypothesis_presets(size_t *count);

/** One line that says what preset `index` claims. */
CLH_API const char *clh_hypothesis_preset_text(size_t index);

/** Read a hypothesis from a JSON file. CLH_EFORMAT or CLH_EINPUT name the rule, found and wanted.
 */
CLH_API clh_status clh_hypothesis_read(clh_hypothesis *out, const char *path, clh_error *err);

typedef struct clh_scrub clh_scrub;

/** Measure the model as it is, and what its answers to other sequences are worth. CLH_EINPUT for a
 *  sample of nothing; errors of clh_measure_run(). The threads of `how` are those of clh_scrub_try() too. */
CLH_API clh_status clh_scrub_open(clh_scrub **out, const clh_model *model, const clh_sample *sample,
                                  uint64_t seed, const clh_how *how, clh_error *err);

/** Free. NULL is fine. */
CLH_API void clh_scrub_close(clh_scrub *scrub);

/** The model as it is, and the model's answer to a sequence drawn at random held against this one's
 *  tokens: L_model and L_rand. Borrowed. */
CLH_API const clh_measure *clh_scrub_plain(const clh_scrub *scrub);
CLH_API const clh_measure *clh_scrub_random(const clh_scrub *scrub);

typedef struct clh_scrub_result {
    clh_measure measure;    /**< of the scrubbed model: L_scrub */
    clh_interval recovered; /**< (L_rand - L_scrub) / (L_rand - L_model), NaN where the model is no
                                 better than random; percentile bootstrap over sequences */
    size_t nodes;           /**< heads and MLPs computed for each sequence */
} clh_scrub_result;

/** Scrub under a hypothesis, with an interval from `rounds` resamples at `level`; `watch` (may be
 *  NULL) is told the sequence. CLH_EINPUT names a rule that matches no edge, CLH_ESUPPORT one that
 *  asks for rows of a writer that has none of its own, or a hypothesis whose tree is too large;
 *  CLH_ERANGE a position that a sequence has not. */
CLH_API clh_status clh_scrub_try(clh_scrub *scrub, const clh_hypothesis *hypothesis, size_t rounds,
                                 double level, const clh_watch *watch, clh_scrub_result *out,
                                 clh_error *err);

/** Free what a result holds. NULL and all zero are fine. */
CLH_API void clh_scrub_result_deinit(clh_scrub_result *result);

CLH_END_DECLS

#endif
