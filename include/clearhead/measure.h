/** What a model, or a model with something changed in it, does on a sample.
 *
 *    clh_measure plain = {0};
 *    if (clh_measure_run(&plain, model, &sample, NULL, &how, &err)) ...
 *    printf("%g\n", plain.total.loss);
 *    clh_measure_deinit(&plain);
 *
 *  The same bytes at any number of threads. The caller owns the struct.
 */
#ifndef CLEARHEAD_MEASURE_H
#define CLEARHEAD_MEASURE_H

#include "clearhead/api.h"
#include "clearhead/result.h"
#include "clearhead/sample.h"
#include "clearhead/watch.h"

CLH_BEGIN_DECLS

/** Sums over the scored predictions of one sequence, or of several. */
typedef struct clh_tally {
    double loss;  /**< sum of -log p(token), nats */
    size_t count; /**< scored predictions */
    size_t correct;
    size_t kind_count[CLH_TOKEN_KINDS], kind_correct[CLH_TOKEN_KINDS]; /**< by clh_token_kind */
    size_t sequences, sequences_correct;                               /**< without a mistake */
} clh_tally;

/** *sum += *more. */
CLH_API void clh_tally_add(clh_tally *sum, const clh_tally *more);

typedef struct clh_measure {
    clh_tally total;
    clh_tally *sequence; /**< [sample.count], for intervals by bootstrap; owned */
    double *
        position_loss; /**< [positions] of the plain pass: mean -log p of the token at each position
                                over the sequences that score it, NaN where none does; owned */
    size_t positions;  /**< the longest sequence; 0 for another way to compute */
    double *row_loss;  /**< [sample.count, positions] the same of each sequence; owned */
} clh_measure;

/** How one sequence is computed: its logits, and whatever else the caller looks at, into `cache`.
 *  `index` is its place in the sample, `worker` < threads says whose memory may be used. */
typedef clh_status clh_measure_forward(void *user, size_t index, size_t worker,
                                       const clh_tokens *tokens, clh_cache *cache, clh_error *err);

/** A way to compute that is not the plain one; NULL functions are the plain forward pass. */
typedef struct clh_measure_way {
    clh_measure_forward *forward;
    void *user;
    clh_keep keep; /**< what the caches handed to `forward` keep */
} clh_measure_way;

/** Measure `model` on `sample`; `way` NULL is the plain forward pass. CLH_ENUMERIC names the first
 *  tensor that is not finite and the sequence: that sequence is then computed once more with all
 *  kept, whatever `way` keeps. CLH_STOPPED. */
CLH_API clh_status clh_measure_run(clh_measure *out, const clh_model *model,
                                   const clh_sample *sample, const clh_measure_way *way,
                                   const clh_how *how, clh_error *err);

/** Free what a measure holds. NULL and all zero are fine. */
CLH_API void clh_measure_deinit(clh_measure *measure);

/** A number with its interval. */
typedef clh_value clh_interval;

/** What intervals are asked of: a ratio of two sums over sequences. */
typedef enum clh_ratio {
    CLH_RATIO_LOSS = 0,      /**< loss / count, nats */
    CLH_RATIO_ACCURACY = 1,  /**< correct / count */
    CLH_RATIO_SEQUENCES = 2, /**< of whole sequences */
    CLH_RATIO_KIND = 3,      /**< of the tokens of kind 1, … */
    CLH_RATIO_KIND_2 = 4,    /**< … 2, … */
    CLH_RATIO_KIND_3 = 5,
    CLH_RATIO_KIND_4 = 6,
    CLH_RATIOS = 7
} clh_ratio;

/** The ratio of the tokens of a kind that a task names: 1 <= kind < CLH_TOKEN_KINDS. */
#define CLH_RATIO_OF(kind) ((clh_ratio)(CLH_RATIO_KIND + (kind)-1))

/** "loss", "token_accuracy", …: its name in JSON and tables; of a kind of token the task's name for
 *  it, "letter_accuracy". NULL for a ratio that the task, which may be NULL, has not. */
CLH_API const char *clh_ratio_name(const clh_task *task, clh_ratio ratio);

/** The ratios a task, which may be NULL, has, in the order in which they are shown (whole sequences
 *  last), into `out`; how many. */
CLH_API size_t clh_ratios_of(const clh_task *task, clh_ratio out[CLH_RATIOS]);

/** The ratio of a tally; NaN where nothing counts. */
CLH_API double clh_tally_ratio(const clh_tally *tally, clh_ratio ratio);

/** The ratio over all sequences with its percentile bootstrap interval at `level` (0.95): `rounds`
 *  resamples of sequences with replacement, drawn by Philox from `seed`. NaN where nothing counts; no
 *  ends of a single sequence. What a bootstrap cannot know is exact: the interval of CLH_RATIO_SEQUENCES
 *  (clh_binomial_interval()), and the open end of an accuracy with no mistake, or with nothing right, in
 *  any sequence: that of such sequences.
 *  `watch`, which may be NULL, is told the resample; CLH_STOPPED. Efron and Tibshirani 1993,
 *  section 13.3. */
CLH_API clh_status clh_measure_interval(clh_interval *out, const clh_measure *measure,
                                        size_t sequences, clh_ratio ratio, size_t rounds,
                                        double level, uint64_t seed, const clh_watch *watch,
                                        clh_error *err);

/** Every ratio's interval over the same resamples, with the bits that clh_measure_interval() gives
 *  each: `out` [CLH_RATIOS]. */
CLH_API clh_status clh_measure_intervals(clh_interval *out, const clh_measure *measure,
                                         size_t sequences, size_t rounds, double level,
                                         uint64_t seed, const clh_watch *watch, clh_error *err);

/** Share k / n with its exact interval: the shares that make neither k or more nor k or fewer of n less
 *  likely than (1 - level) / 2. NaN for n = 0, k > n, or a level outside (0, 1). Clopper and Pearson
 *  1934. */
CLH_API clh_interval clh_binomial_interval(size_t k, size_t n, double level);

/** The largest share that k of n leaves possible at `level`, one side: k = 0 of 500 at 0.95 is 0.006, by
 *  1 - (1 - level)^(1/n), the rule of three. NaN as above. */
CLH_API double clh_binomial_most(size_t k, size_t n, double level);

/** How much less accurate another way to compute is than the plain one on the same sequences, plain less
 *  other, with its bootstrap interval at `level`; the two share their resamples. Where no sequence is
 *  told apart, the end is what that leaves possible (clh_binomial_interval()). Errors of
 *  clh_measure_interval(). */
CLH_API clh_status clh_measure_lost(clh_interval *out, const clh_measure *plain,
                                    const clh_measure *other, size_t sequences, size_t rounds,
                                    double level, uint64_t seed, const clh_watch *watch,
                                    clh_error *err);

/** The accuracy from which on something counts as right, wherever a step is asked for from which on it
 *  is. */
#define CLH_RIGHT 0.99

CLH_END_DECLS

#endif
